/**
 * Expectation-maximisation: Dempster, Laird, Rubin, "Maximum likelihood from incomplete data via the EM
 * algorithm" (1977); with a latent y it lowers KL(p̃(x)q(y|x) ‖ p(x, y; θ)) in q, then in θ:
 *
 *   E-step   q(y|x) = p(y|x; θ),   S = Σₙ wₙ E_q[s(xₙ, y)]              (a pass over the data, in chunks)
 *   M-step   θ ← argmax Σₙ wₙ E_q[log p(xₙ, y; θ)], a function of S
 *
 * Online (Cappé, Moulines, "On-line expectation-maximization algorithm for latent data models", 2009,
 * equation 9): after chunk t, Ŝ ← Ŝ + γₜ(S̄ₜ − Ŝ) with γₜ = (t + 1)^−κ, and θ from Ŝ.
 *
 * The loss is the mean negative log-likelihood of the parameters before the step, in nats a row.
 */
import {
  type Batch,
  type Iteration,
  type Method,
  type Metrics,
  type Phase,
  scalarMetrics,
} from "../../step/index.ts";
import { ReparamError, type Tensor, type Tree } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { EmOptions, ExpectationModel, Named } from "./model.ts";
import { better, initialState, programsOf, type State } from "./programs.ts";
import { checkFinite, following, joinBatches, takeBatches } from "./rows.ts";

/** Falls of the likelihood up to this share of it are rounding. */
const rounding = 1e-9;

/** The phases of EM for a model: one for every start. */
export function emPhases(model: ExpectationModel, options: EmOptions): Phase[] {
  const { starts } = options;
  return Array.from({ length: starts }, (_, i) => ({
    name: starts === 1 ? "em" : `em.${i + 1}`,
    init: (_key, previous) => initialState(model, options, previous) as unknown as Tree<Value>,
    programs: programsOf(model, options),
    iterate: (iteration) => iterate(model, options, iteration),
    ...(options.algorithm === "batch"
      ? {
          inOrder: true,
          done: (history: readonly Metrics[]) => converged(history, options.tolerance),
        }
      : {}),
  }));
}

/** The parameters that a method's functions read: those of the best start. */
export const emWeights: Method["weights"] = (tree) => {
  const state = tree as unknown as State;
  return state.best === undefined ? state.parameters : better(state, state.best).parameters;
};

async function iterate(
  model: ExpectationModel,
  options: EmOptions,
  iteration: Iteration,
): Promise<Metrics> {
  await expectRows(model, options, iteration);
  const online = options.algorithm === "online";
  const rate = {
    dtype: "float64" as const,
    shape: [],
    data: Float64Array.of((iteration.index + 1) ** -options.stepExponent),
  };
  const outputs = await iteration.run("update", online ? { rate } : {});
  const { loss, before, weight } = scalarMetrics(outputs.metrics as Tree<Tensor>) as Metrics &
    Record<"loss" | "before" | "weight", number>;
  if (!Number.isFinite(loss)) throw notFinite(model, loss, weight);
  const parameters = outputs.parameters as Named<Tensor>;
  await iteration.run("set", { parameters: model.complete?.(parameters) ?? parameters });
  return {
    loss,
    ...model.metrics?.(loss),
    ...(online ? {} : criteria(model, loss, weight)),
    ...guard(model, online, loss, before, iteration.index),
  };
}

/** The E-step of all rows, or of the next batch where EM is online; the first one begins with the start. */
async function expectRows(
  model: ExpectationModel,
  { algorithm, startRows }: EmOptions,
  iteration: Iteration,
): Promise<void> {
  const first = iteration.index === 0;
  const online = algorithm === "online";
  const batches: Iterable<Batch> = online && !first ? [iteration.next()] : iteration.epoch();
  const pass = batches[Symbol.iterator]();
  // What the start is made from is the beginning of the pass, and of online EM the first chunk.
  const kept = first ? takeBatches(pass, startRows) : [];
  for (const batch of kept) checkFinite(model, batch);
  if (first) {
    await iteration.run("set", { parameters: await startingParameters(model, iteration, kept) });
  }
  const known = model.parts === undefined ? {} : (await iteration.run("read", {})).parameters;
  for (const batch of online && first ? kept : following(kept, pass)) {
    if (first) checkFinite(model, batch);
    await expectBatch(model, iteration, batch, known as Named<Tensor>);
  }
}

async function startingParameters(
  model: ExpectationModel,
  iteration: Iteration,
  batches: readonly Batch[],
): Promise<Named<Tensor>> {
  const { uniforms } = await iteration.run("noise", {});
  const parameters = model.start(joinBatches(batches), (uniforms as Tensor).data as Float64Array);
  return model.complete?.(parameters) ?? parameters;
}

async function expectBatch(
  model: ExpectationModel,
  iteration: Iteration,
  batch: Batch,
  parameters: Named<Tensor>,
): Promise<void> {
  const parts = model.parts?.(batch, parameters) ?? [{ program: "accumulate", batch, extra: {} }];
  for (const { program, batch: columns, extra } of parts) {
    const known = Object.keys(model.batch).map((name) => [name, columns[name] as Tensor]);
    await iteration.run(program, { batch: Object.fromEntries(known), extra });
  }
}

/** AIC (Akaike 1974) and BIC (Schwarz 1978) of the training data, in nats: smaller is better. */
function criteria({ freeParameters }: ExpectationModel, loss: number, weight: number): Metrics {
  if (freeParameters === undefined) return {};
  return {
    aic: 2 * weight * loss + 2 * freeParameters,
    bic: 2 * weight * loss + freeParameters * Math.log(weight),
  };
}

/** A step of EM never lowers the likelihood; a regularised one may, and then says by how much. */
function guard(
  { name, regularized }: ExpectationModel,
  online: boolean,
  loss: number,
  before: number,
  index: number,
): Metrics {
  if (online) return {};
  const rise = loss - before;
  const noticeable = rise > rounding * Math.max(1, Math.abs(before));
  if (regularized) return { regularizationLoss: noticeable ? rise : 0 };
  if (!noticeable) return {};
  throw new ReparamError(
    `${name}: the loss rose from ${before} to ${loss} in iteration ${index + 1}, which EM does not do: ` +
      "numbers are lost to rounding. Look for outliers, scale the columns alike, or take fewer components.",
  );
}

function notFinite({ name }: ExpectationModel, loss: number, weight: number): ReparamError {
  const why =
    weight > 0
      ? `the loss is ${loss}: the data are further from every component than numbers reach. ` +
        "Scale the columns, look for outliers, or regularise more."
      : "the weights of the rows add up to 0. Give rows a positive weight.";
  return new ReparamError(`${name}: ${why}`);
}

function converged(history: readonly Metrics[], tolerance: number): boolean {
  const [before, now] = history.slice(-2).map(({ loss }) => loss);
  if (before === undefined || now === undefined) return false;
  return Math.abs(before - now) < tolerance;
}
