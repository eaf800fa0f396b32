import type { Distribution } from "../distributions/index.ts";
import { formatShape, isFloat, ReparamError } from "../tensor/index.ts";
import { definitionOf, type EstimatorName, estimatorNames, estimatorsFor } from "./catalogue.ts";
import type {
  Estimate,
  EstimateOptions,
  EstimatorDefinition,
  Objective,
  OptionName,
} from "./estimator.ts";

type Options = Omit<EstimateOptions, "key">;

/**
 * The expectation of f under q, [...batchShape], as a surrogate whose gradient is the estimate that has this
 * name: of E_q[f(z)], or of a multi-sample bound of which f is the logarithm of the joint density.
 * Several latents of one example belong into one event: wrap q in Independent.
 * @throws ReparamError where the estimator cannot work with q, the target or an option, and why.
 */
export function estimate(
  name: EstimatorName,
  q: Distribution,
  f: Objective,
  options: EstimateOptions,
): Estimate {
  checkEstimate(name, q, options);
  const definition = definitionOf(name);
  const { key, samples = definition.leastSamples, target = definition.targets[0] } = options;
  const { baseline = { kind: "none" }, temperature = 1, control = {} } = options;
  return definition.estimate({
    ...{ q, f: checkedObjective(f, q), key, samples, target },
    ...{ baseline, temperature, control },
  });
}

/** Throws as `estimate` would for this distribution and these options, before there is an f. */
export function checkEstimate(name: EstimatorName, q: Distribution, options: Options): void {
  if (!estimatorNames.includes(name)) {
    throw new ReparamError(
      `there is no estimator "${name}". There are: ${estimatorNames.join(", ")}.`,
    );
  }
  const definition = definitionOf(name);
  checkTarget(name, definition, q, options);
  checkOptions(name, definition, options);
  const { samples = definition.leastSamples, target = definition.targets[0] } = options;
  checkBaseline(name, samples, { ...options, target });
}

function checkTarget(
  name: EstimatorName,
  { refusal, targets }: EstimatorDefinition,
  q: Distribution,
  { target }: Options,
): void {
  const reason = refusal(q);
  if (reason !== undefined) {
    const others = estimatorsFor(q, target).join(", ");
    throw new ReparamError(
      `estimate: ${name} does not work with ${q.name}: ${reason}. Those that do: ${others}.`,
    );
  }
  if (target !== undefined && !targets.includes(target)) {
    const others = estimatorsFor(q, target).join(", ");
    throw new ReparamError(
      `estimate: the target of ${name} is the ${targets.join(" or the ")}, not the ${target}. For that with ${q.name}: ${others}.`,
    );
  }
}

const optionNames = [
  "samples",
  "temperature",
  "baseline",
  "control",
] as const satisfies readonly OptionName[];

function checkOptions(
  name: EstimatorName,
  { options: taken, leastSamples }: EstimatorDefinition,
  options: Options,
): void {
  const given = optionNames.filter((option) => options[option] !== undefined);
  const extra = given.find((option) => !(taken as readonly string[]).includes(option));
  if (extra !== undefined) {
    throw new ReparamError(
      `estimate: ${name} takes no ${extra}. Its options: ${["key", ...taken].join(", ")}.`,
    );
  }
  const { samples, temperature, control } = options;
  if (samples !== undefined && !(Number.isInteger(samples) && samples >= leastSamples)) {
    throw new ReparamError(
      `estimate: ${name} wants samples, a whole number of at least ${leastSamples}, got ${samples}.`,
    );
  }
  for (const tau of [temperature, control?.temperature]) {
    const bad = typeof tau === "number" ? !(tau > 0) : tau !== undefined && tau.rank !== 0;
    if (bad) {
      throw new ReparamError(
        `estimate: ${name} wants a temperature above 0, a number or a scalar, got ${tau}.`,
      );
    }
  }
  if (name === "relax" && control?.network === undefined) {
    throw new ReparamError(
      "estimate: relax wants control.network, a function of the relaxed sample. Without one it is rebar.",
    );
  }
  if (name === "rebar" && (control?.network !== undefined || control?.scale === 0)) {
    throw new ReparamError(
      "estimate: the control variate of rebar is f itself, with a scale that is not 0. For a network use relax.",
    );
  }
}

function checkBaseline(name: EstimatorName, samples: number, { baseline, target }: Options): void {
  if (baseline?.kind !== "leave-one-out") return;
  if (target === "multi-sample bound") {
    throw new ReparamError(
      `estimate: ${name} of a multi-sample bound has one signal for all samples, so none can be left out. Use vimco.`,
    );
  }
  if (samples < 2) {
    throw new ReparamError(
      `estimate: leave-one-out wants at least 2 samples, got ${samples}. Give samples.`,
    );
  }
}

/** f, with what it gives checked: one number for each sample of each row. */
const checkedObjective =
  (f: Objective, { batchShape, name }: Distribution): Objective =>
  (z, pass) => {
    const values = f(z, pass);
    const wanted = [z.shape[0] as number, ...batchShape];
    const fits =
      values.rank === wanted.length && wanted.every((size, i) => size === values.shape[i]);
    if (!fits || !isFloat(values.dtype)) {
      throw new ReparamError(
        `estimate: f must give floating-point ${formatShape(wanted)}, a number for each sample of each row of ${name}, got ${values}. If several latents make one row, wrap q in Independent.`,
      );
    }
    return values;
  };
