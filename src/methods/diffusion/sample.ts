/**
 * Sampling from any denoiser: a function that says x̂₀ of x at a noise level, be it a closed form, a network in ONNX
 * Runtime, or one that others have trained.
 *
 *   const { x } = await sampleDiffusion(denoise, { process: noiseProcess("edm"), shape: [64, 2], steps: 20 });
 */
import { z } from "zod";
import { bogackiShampine, dormandPrince, integrateAsync, runAsync } from "../../ode/index.ts";
import { ReparamError, type Tensor } from "../../tensor/index.ts";
import { clean, levelAt, levelOf, type NoiseLevel, noiseLevels } from "./grid.ts";
import { type Plan, runPlan } from "./plan.ts";
import { denoisedCoefficients, inputScale, type Prediction } from "./prediction.ts";
import type { NoiseProcess } from "./process.ts";
import { type SamplerSettings, samplerFields } from "./sampler-settings.ts";
import { type Sampler, type SamplerName, samplerPlan, samplers } from "./samplers.ts";
import { normalLike, tensorSpace } from "./tensor-space.ts";

/** x̂₀ [B, …] of x [B, …] at a noise level, of the dtype of x. */
export type Denoiser = (x: Tensor, level: NoiseLevel) => Tensor | PromiseLike<Tensor>;

/** Options as a caller gives them: each has a default. */
export type SamplerOptions = Partial<SamplerSettings>;

/** What is seen of a step. */
export interface SamplingStep {
  /** From 1. */
  readonly count: number;
  /** Of all; undefined where the sampler finds its steps on the way. */
  readonly steps: number | undefined;
  readonly level: NoiseLevel;
  readonly x: Tensor;
  /** x̂₀: where the step saw the way end. */
  readonly denoised: Tensor;
}

export interface SamplingRun {
  readonly process: NoiseProcess;
  /** Of x: [B, …]. */
  readonly shape: readonly number[];
  /** float32 by default. */
  readonly dtype?: "float32" | "float64";
  /** Of all noise. Default 0. */
  readonly seed?: number;
  /** Which chunk of a longer sampling this is. Default 0. */
  readonly chunk?: number;
  /** x at the first level, in place of σ·N(0, I). */
  readonly start?: Tensor;
  /** Times between which to sample; the process's own by default. */
  readonly interval?: readonly [least: number, most: number];
  /**
   * The other way: from x at the least noise to x at the most, as `start` is given. For samplers without noise, which
   * thus encode data.
   */
  readonly backwards?: boolean;
  readonly onStep?: ((step: SamplingStep) => void | Promise<void>) | undefined;
}

export interface SamplingResult {
  readonly x: Tensor;
  /** Runs of the denoiser. */
  readonly evaluations: number;
}

const schema = z.strictObject(samplerFields);
const defaults: Readonly<Record<string, unknown>> = schema.parse({});

/**
 * Options with their defaults. Throws for those that are unknown, out of range, or mean nothing to the sampler and
 * differ from their default.
 */
export function checkSamplerOptions(options: SamplerOptions): SamplerSettings {
  const given = Object.fromEntries(Object.entries(options).filter(([, v]) => v !== undefined));
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const name = issue?.path.join(".") ?? "";
    throw new ReparamError(`sampler: ${name === "" ? "" : `${name}: `}${issue?.message}.`);
  }
  const { sampler } = parsed.data;
  const takes: readonly string[] =
    sampler === "adaptive"
      ? ["finish", "order", "tolerance"]
      : ["steps", "spacing", "rho", "finish", ...(samplers[sampler] as Sampler).takes];
  const useless = Object.keys(given).find(
    (name) => name !== "sampler" && !takes.includes(name) && given[name] !== defaults[name],
  );
  if (useless !== undefined) {
    throw new ReparamError(
      `the sampler ${sampler} has no option ${useless}. It takes ${takes.join(", ")}.`,
    );
  }
  checkVariant(parsed.data);
  return parsed.data;
}

function checkVariant({ sampler, variant }: SamplerSettings): void {
  const known = sampler === "unipc" ? ["bh1", "bh2"] : ["exact", "published"];
  if (variant === undefined || known.includes(variant)) return;
  throw new ReparamError(`${sampler}: variant must be ${known.join(" or ")}, got ${variant}.`);
}

/** The plan of a sampler of fixed steps. Throws for adaptive, whose steps are found on the way. */
export function planOf(
  options: SamplerOptions,
  { process, interval, backwards = false }: Pick<SamplingRun, "process" | "interval" | "backwards">,
): Plan {
  const settings = checkSamplerOptions(options);
  const { sampler } = settings;
  if (sampler === "adaptive") {
    throw new ReparamError("the sampler adaptive has no fixed steps. Take another one.");
  }
  const finish = backwards ? "least" : settings.finish;
  const { steps, rho, spacing } = settings;
  const levels = noiseLevels(process, {
    ...{ steps, rho, finish },
    ...(spacing === undefined ? {} : { spacing }),
    ...(interval === undefined ? {} : { interval }),
  });
  const ordered = backwards ? levels.toReversed() : levels;
  const plan = samplerPlan(process, ordered, { ...settings, sampler: sampler as SamplerName });
  if (backwards && plan.draws > 0) {
    throw new ReparamError(
      `${sampler} adds noise, and cannot go backwards. Take a sampler without noise, such as heun or ddim.`,
    );
  }
  return plan;
}

/**
 * Samples by any sampler. Throws a ReparamError for options that do not fit, and where the denoiser returns another
 * shape or dtype than it was given.
 */
export async function sampleDiffusion(
  denoiser: Denoiser,
  run: SamplingRun & SamplerOptions,
): Promise<SamplingResult> {
  const {
    process,
    shape,
    dtype,
    seed = 0,
    chunk = 0,
    start,
    interval,
    backwards,
    onStep,
    ...options
  } = run;
  const about = { process, ...(interval && { interval }), ...(backwards && { backwards }) };
  const denoise = checked(denoiser);
  const noise = (name: string | number): Tensor =>
    normalLike(
      { dtype: dtype ?? start?.dtype ?? "float32", shape },
      { seed, step: chunk, path: `sampler.${name}` },
    );
  if (backwards === true && start === undefined) {
    throw new ReparamError("to sample backwards, give the data to begin from as start.");
  }
  const begin = (level: NoiseLevel): Tensor =>
    start ?? (tensorSpace.combine([level.sigma], [noise("start")]) as Tensor);
  if (options.sampler === "adaptive") {
    return adaptive(denoise, begin, checkSamplerOptions(options), { ...about, onStep });
  }
  const plan = planOf(options, about);
  const steps = plan.steps.length;
  const x = await runAsync(
    runPlan(plan, begin(plan.levels[0]!), {
      combine: tensorSpace.combine,
      denoise,
      noise: (index) => noise(index),
      ...(onStep && { onStep: (step) => onStep({ ...step, steps }) }),
    }),
  );
  return { x, evaluations: plan.evaluations };
}

/** By a Runge-Kutta method over λ with steps by tolerance: u = x/α has the slope x̂₀ − u. */
async function adaptive(
  denoise: Denoiser,
  begin: (level: NoiseLevel) => Tensor,
  { order = 5, tolerance, finish }: SamplerSettings,
  {
    process,
    interval = process.interval,
    backwards = false,
    onStep,
  }: Pick<SamplingRun, "process" | "interval" | "backwards" | "onStep">,
): Promise<SamplingResult> {
  const tableaux: Readonly<Record<number, typeof dormandPrince>> = {
    3: bogackiShampine,
    5: dormandPrince,
  };
  const method = tableaux[order];
  if (method === undefined) {
    throw new ReparamError(`adaptive: order must be 3 or 5, got ${order}.`);
  }
  const [least, most] = interval.map((t) => levelAt(process, t)) as [NoiseLevel, NoiseLevel];
  const [first, last] = backwards ? [least, most] : [most, least];
  const { combine } = tensorSpace;
  let evaluations = 0;
  const ask = async (u: Tensor, level: NoiseLevel): Promise<{ x: Tensor; denoised: Tensor }> => {
    const x = await combine([level.alpha], [u]);
    evaluations++;
    const denoised = await denoise(x, level);
    await onStep?.({ count: evaluations, steps: undefined, level, x, denoised });
    return { x, denoised };
  };
  const path = await integrateAsync(
    {
      f: async (halfLogSnr, u: Tensor) => {
        const { denoised } = await ask(u, levelOf(process, Math.exp(-halfLogSnr)));
        return combine([1, -1], [denoised, u]);
      },
      interval: [first.halfLogSnr, last.halfLogSnr],
      y0: await combine([1 / first.alpha], [begin(first)]),
    },
    tensorSpace,
    { method, tolerance: { relative: tolerance, absolute: tolerance }, dense: false },
  );
  const u = path.states.at(-1)!;
  const x = await combine([last.alpha], [u]);
  if (backwards || finish === "least") return { x, evaluations };
  const { denoised } = await ask(u, last);
  await onStep?.({ count: evaluations, steps: undefined, level: clean, x: denoised, denoised });
  return { x: denoised, evaluations };
}

/** Throws where x̂₀ is not like x. */
const checked =
  (denoiser: Denoiser): Denoiser =>
  async (x, level) => {
    const denoised = await denoiser(x, level);
    if (denoised.dtype !== x.dtype || denoised.data.length !== x.data.length) {
      throw new ReparamError(
        `the denoiser must return ${x.dtype} [${x.shape}] as it was given, got ${denoised.dtype} [${denoised.shape}].`,
      );
    }
    return denoised;
  };

/**
 * The denoiser of a network that predicts something else than x̂₀: of one trained elsewhere, for instance. The network
 * is given c_in·x and the level.
 */
export const denoiserOf =
  (
    prediction: Prediction,
    network: (input: Tensor, level: NoiseLevel) => Tensor | PromiseLike<Tensor>,
  ): Denoiser =>
  async (x, level) => {
    const input = (await tensorSpace.combine([inputScale(prediction, level)], [x])) as Tensor;
    const output = await network(input, level);
    const { skip, output: scale } = denoisedCoefficients(prediction, level);
    return tensorSpace.combine([skip, scale], [x, output]);
  };
