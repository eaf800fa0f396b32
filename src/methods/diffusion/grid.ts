/**
 * The noise levels that a sampler passes, from the most noise down:
 *
 *   uniform      t in equal parts
 *   quadratic    √t in equal parts                          Song, Meng, Ermon 2021, appendix D.2
 *   log-snr      λ = log(α/σ) in equal parts                Lu et al. 2022a, section 3.4
 *   exponential  log σ̂ in equal parts, σ̂ = σ/α: since log σ̂ = −λ, another name of log-snr
 *   karras       σ̂^(1/ρ) in equal parts, ρ = 7              Karras et al. 2022, eq. 5
 *
 * Song, Meng, Ermon, "Denoising diffusion implicit models"; Lu et al., "DPM-Solver: A fast ODE solver for diffusion
 * probabilistic model sampling in around 10 steps".
 */
import { ReparamError } from "../../tensor/index.ts";
import type { Level, NoiseProcess } from "./process.ts";

export const spacingNames = ["uniform", "quadratic", "log-snr", "exponential", "karras"] as const;
export type SpacingName = (typeof spacingNames)[number];

/** A point of a sampler's way. */
export interface NoiseLevel extends Level<number> {
  /** Time of the process. */
  readonly t: number;
  /** λ = log(α/σ); infinite where there is no noise. */
  readonly halfLogSnr: number;
}

/** x₀ itself. No network is asked there, so its time does not matter. */
export const clean: NoiseLevel = {
  t: 0,
  alpha: 1,
  sigma: 0,
  halfLogSnr: Number.POSITIVE_INFINITY,
};

export const levelAt = (process: NoiseProcess, t: number): NoiseLevel => ({
  t,
  ...process.host.level(t),
  halfLogSnr: process.host.halfLogSnr(t),
});

/** The level of noise σ̂ = σ/α. */
export const levelOf = (process: NoiseProcess, relativeNoise: number): NoiseLevel =>
  levelAt(process, process.host.timeOf(-Math.log(relativeNoise)));

/** σ̂ = σ/α */
export const relativeNoise = ({ alpha, sigma }: Level<number>): number => sigma / alpha;

export interface GridOptions {
  readonly steps: number;
  /** uniform for flow, else karras. */
  readonly spacing?: SpacingName;
  /** ρ of karras; 7 by default. */
  readonly rho?: number;
  /**
   * Where the last step leads: to x₀ (the default), so that steps − 1 lead to the least noise of the process, or
   * only to the least noise. Spacings by t are stretched to t = 0, so that no step is spent on the last thousandth.
   */
  readonly finish?: "clean" | "least";
  /** Times of least and most noise; the process's own by default. */
  readonly interval?: readonly [least: number, most: number];
}

/** steps + 1 levels. Throws for counts of steps below 1 and unknown spacings. */
export function noiseLevels(process: NoiseProcess, options: GridOptions): readonly NoiseLevel[] {
  const { steps, rho = 7, finish = "clean", interval = process.interval } = options;
  const spacing = options.spacing ?? (process.name === "flow" ? "uniform" : "karras");
  if (!Number.isInteger(steps) || steps < 1) {
    throw new ReparamError(`steps must be a whole number of at least 1, got ${steps}.`);
  }
  if (!(rho > 0)) throw new ReparamError(`rho must be above 0, got ${rho}.`);
  const [least, most] = interval;
  const at = (t: number): NoiseLevel => levelAt(process, t);
  const byTime = spacing === "uniform" || spacing === "quadratic";
  // Spacings by t that end at x₀ have it as their last point; the others have it behind their last.
  const [last, parts] =
    finish === "least" ? [least, steps] : byTime ? [0, steps] : [least, steps - 1];
  const mapped = (forth: (t: number) => number, back: (u: number) => number): NoiseLevel[] => {
    const [from, to] = [forth(most), forth(last)];
    return Array.from({ length: parts + 1 }, (_, i) => {
      if (i === 0 || parts === 0) return at(most);
      return i === parts ? at(last) : at(back(from + ((to - from) * i) / parts));
    });
  };
  const { halfLogSnr, timeOf } = process.host;
  const points = (): NoiseLevel[] => {
    switch (spacing) {
      case "uniform":
        return mapped(
          (t) => t,
          (t) => t,
        );
      case "quadratic":
        return mapped(Math.sqrt, (u) => u * u);
      case "log-snr":
      case "exponential":
        return mapped(halfLogSnr, timeOf);
      case "karras":
        return mapped(
          (t) => Math.exp(-halfLogSnr(t) / rho),
          (u) => timeOf(-rho * Math.log(u)),
        );
      default:
        throw new ReparamError(
          `there is no spacing "${spacing}". There are: ${spacingNames.join(", ")}.`,
        );
    }
  };
  if (finish === "least") return points();
  return byTime ? [...points().slice(0, -1), clean] : [...points(), clean];
}
