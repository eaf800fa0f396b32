// The penalties that were chosen, with their weights; and which objectives and constraints they go with.
import { exp } from "../../ops/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { LossName } from "./losses.ts";
import type { Options } from "./options.ts";
import { type Penalty, type PenaltyContext, type PenaltyName, penalties } from "./penalties.ts";

interface Chosen {
  readonly flag: "penalty" | "secondPenalty";
  readonly name: PenaltyName;
  readonly penalty: Penalty;
  readonly weight: number;
}

type Choice = Pick<Options, "penalty" | "penaltyWeight" | "secondPenalty" | "secondPenaltyWeight">;

function chosen(o: Choice): Chosen[] {
  const all = [
    ["penalty", o.penalty, o.penaltyWeight],
    ["secondPenalty", o.secondPenalty, o.secondPenaltyWeight],
  ] as const;
  return all.flatMap(([flag, name, weight]) => {
    if (name === "none") return [];
    const penalty: Penalty = penalties[name];
    return [{ flag, name, penalty, weight: weight ?? penalty.weight }];
  });
}

/** Their weighted sum, undefined without any, and each without its weight; `step` is that of the generator. */
export function penaltyTerms(
  o: Options,
  context: PenaltyContext,
  step: Value,
): { readonly sum: Value | undefined; readonly metrics: Readonly<Record<string, Value>> } {
  const metrics: Record<string, Value> = {};
  let sum: Value | undefined;
  for (const { flag, penalty, weight } of chosen(o)) {
    // Each draws random numbers of its own.
    const own: PenaltyContext =
      flag === "penalty"
        ? context
        : {
            ...context,
            key: context.key.at("second"),
            see: (rows, pass) => context.see(rows, `second.${pass}`),
          };
    const value = penalty.of({ ...own, power: o.penaltyPower, margin: o.consistencyMargin });
    metrics[flag] = value;
    const term = value
      .mul(weight * o.penaltyEvery)
      .mul(o.penaltyDecay === 1 ? 1 : exp(step.mul(Math.log(o.penaltyDecay))));
    sum = sum?.add(term) ?? term;
  }
  return { sum, metrics };
}

const refuse = (text: string): never => {
  throw new ReparamError(`gan: ${text}`);
};

/** Objectives whose outputs are log-odds of real against generated. */
const logits: readonly LossName[] = ["saturating", "non-saturating", "jensen-shannon"];

/** @throws ReparamError for an objective, penalties and constraints that cannot go together, with the reason. */
export function checkRegularization(o: Options): void {
  const all = chosen(o);
  for (const each of all) checkPenalty(o, each);
  if (all.length === 2 && o.penalty === o.secondPenalty) {
    refuse(`--second-penalty ${o.secondPenalty} is the first one again. Raise --penalty-weight.`);
  }
  if (o.penalty === "none" && o.secondPenalty !== "none") {
    refuse("--second-penalty comes beside a first one. Choose it by --penalty.");
  }
  const lone = {
    "penalty-weight": o.penalty === "none" && o.penaltyWeight !== undefined,
    "second-penalty-weight": o.secondPenalty === "none" && o.secondPenaltyWeight !== undefined,
    "penalty-every": o.penalty === "none" && o.penaltyEvery > 1,
    "penalty-decay": o.penalty === "none" && o.penaltyDecay !== 1,
    "penalty-power": o.penaltyPower !== 6 && !all.some(({ name }) => name === "div"),
    "consistency-margin": o.consistencyMargin > 0 && !all.some(({ name }) => name === "ct"),
  };
  for (const [flag, given] of Object.entries(lone)) {
    if (given) refuse(`--${flag} has no penalty to act on. Choose one by --penalty.`);
  }
  if (o.potentialScale !== 10 && o.loss !== "quadratic-potential") {
    refuse("--potential-scale is a part of --loss quadratic-potential.");
  }
  checkConstraints(o);
}

function checkPenalty(o: Options, { flag, name, penalty }: Chosen): void {
  const option = flag === "penalty" ? `--penalty ${name}` : `--second-penalty ${name}`;
  if (penalty.singleRows && o.normalization === "batch") {
    refuse(
      `${option} is about the slope at single rows, and batch normalization makes every output depend on the whole batch. Use --normalization instance, spectral or none.`,
    );
  }
  if (penalty.needsDropout && o.dropout === 0) {
    refuse(`${option} compares two passes with dropout. Give --dropout 0.2, for example.`);
  }
  if (name === "js-regularizer" && !logits.includes(o.loss)) {
    refuse(
      `${option} weighs slopes by σ(D), the odds of real rows, which the outputs of --loss ${o.loss} are not. Use --loss ${logits.join(", ")}.`,
    );
  }
}

function checkConstraints(o: Options): void {
  if (o.clip > 0 && o.normalization === "spectral") {
    refuse(
      "--clip bounds weights that --normalization spectral divides by their largest singular value at once: the bound would do nothing. Leave one out.",
    );
  }
  const free = o.penalty === "none" && o.clip === 0 && o.normalization !== "spectral";
  if (o.loss === "wasserstein" && free) {
    refuse(
      "--loss wasserstein grows without end unless the discriminator's slope is bounded. Add --penalty gp, --clip 0.01 or --normalization spectral.",
    );
  }
}
