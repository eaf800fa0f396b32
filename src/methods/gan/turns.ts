// What either player minimises at its turn.
import { assemble, type Scope } from "../../nn/index.ts";
import { maximum, mean, stopGradient } from "../../ops/index.ts";
import type { ProgramInputs } from "../../step/index.ts";
import { normal, type Value } from "../../trace/index.ts";
import { augment } from "./augment.ts";
import { type Critic, consistency, judge, type Verdict } from "./critic.ts";
import type { Game, GameOptions, Scopes } from "./game-state.ts";
import { losses, type Pair } from "./losses.ts";
import type { Told } from "./networks.ts";
import { modifiedOrthogonal } from "./orthogonal.ts";
import { penaltyTerms } from "./regularization.ts";

/** A batch as the networks see it. */
type Given = Told & { readonly rows: Value };

export function rowsOf(
  { data, stage }: GameOptions,
  { fade }: Game,
  { batch }: ProgramInputs,
): Given {
  const { rows, label } = data.of(batch as Readonly<Record<string, Value>>);
  return { rows: stage.networks.view?.(rows, fade) ?? rows, label, fade };
}

/** Rows of the generator for latents that are drawn here. */
function draw(
  { stage, options }: GameOptions,
  { generator }: Game,
  data: Given,
  scope: Scope,
): Value {
  const z = normal(scope.key.at("latent"), [data.rows.size(0), options.latents]);
  return stage.networks.generator.rows(assemble(generator), z, scope.at("rows"), data);
}

export function discriminatorTurn(
  game: GameOptions,
  state: Game,
  data: Given,
  { discriminator: scope, generator }: Scopes,
  penalized: boolean,
): { loss: Value; metrics: Record<string, Value>; beta?: Value } {
  const { options: o } = game;
  const { discriminator: network } = game.stage.networks;
  const critic = assemble<Critic>(state.discriminator);
  const seen = (x: Value, name: string): Value => augment(o.augment, x, scope.key.at(name));
  const see = (x: Value, at: Scope): Verdict => judge(critic, network, x, at, data);
  const rows: Pair = {
    real: seen(data.rows, "augmentReal"),
    fake: seen(stopGradient(draw(game, state, data, generator.reading("rows"))), "augmentFake"),
  };
  // The pass on real rows stores what buffers there are.
  const [real, fake] = [see(rows.real, scope.at("real")), see(rows.fake, scope.reading("fake"))];
  const outputs: Pair = { real: real.output, fake: fake.output };
  const objective = losses[o.loss].discriminator(outputs, rows, o.potentialScale);
  const metrics: Record<string, Value> = { discriminator: objective };
  let loss = objective;
  if (penalized) {
    const { sum, metrics: values } = penaltyTerms(
      o,
      {
        ...{ rows, outputs, key: scope.key.at("penalty") },
        see: (x, pass) => see(x, scope.reading(pass)),
      },
      state.step,
    );
    Object.assign(metrics, values);
    if (sum !== undefined) loss = loss.add(sum);
  }
  if (o.consistency > 0) {
    const moved = augment("translation", data.rows, scope.key.at("consistency"));
    const term = consistency(real.output, see(moved, scope.reading("consistency")).output);
    metrics.consistency = term;
    loss = loss.add(term.mul(o.consistency));
  }
  if (state.beta === undefined || real.information === undefined) return { loss, metrics };
  const information = mean(real.information)
    .add(mean(fake.information as Value))
    .mul(0.5);
  const excess = information.sub(o.informationBound);
  metrics.information = information;
  metrics.beta = state.beta;
  const beta = maximum(state.beta.add(stopGradient(excess).mul(o.informationStep)), 0);
  return { loss: loss.add(excess.mul(state.beta)), metrics, beta };
}

export function generatorTurn(
  game: GameOptions,
  state: Game,
  data: Given,
  { discriminator: scope, generator }: Scopes,
): { loss: Value; metrics: Record<string, Value> } {
  const { options: o } = game;
  const { discriminator: network } = game.stage.networks;
  const critic = assemble<Critic>(state.discriminator);
  const loss = losses[o.loss];
  const see = (x: Value, name: string): Value =>
    judge(
      critic,
      network,
      augment(o.augment, x, scope.key.at(`augment.${name}`)),
      scope.reading(name),
      data,
    ).output;
  const fake = see(draw(game, state, data, generator), "generated");
  const real = loss.pairs ? see(data.rows, "given") : fake;
  const objective = loss.generator({ real, fake });
  const metrics = { generator: objective };
  const orthogonality = o.orthogonal > 0 ? modifiedOrthogonal(state.generator.params) : undefined;
  if (orthogonality === undefined) return { loss: objective, metrics };
  return {
    loss: objective.add(orthogonality.mul(o.orthogonal)),
    metrics: { ...metrics, orthogonality } as Record<string, Value>,
  };
}
