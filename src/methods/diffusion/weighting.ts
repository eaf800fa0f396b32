/**
 * Which noise levels a training spends itself on: the law that times are drawn from, and the weight of a squared
 * error at each. Both are scales of the same integral over λ (Kingma & Gao, "Understanding diffusion objectives as
 * the ELBO with simple data augmentation", 2023).
 */
import { clip, floor, maximum, minimum, range, sigmoid, sizeValue } from "../../ops/index.ts";
import { ReparamError, type Size } from "../../tensor/index.ts";
import { type Key, normal, uniform, type Value } from "../../trace/index.ts";
import { outputVariance, type Prediction } from "./prediction.ts";
import type { Level, NoiseProcess } from "./process.ts";

export const weightingNames = ["simple", "snr", "truncated-snr", "min-snr", "edm"] as const;
export type WeightingName = (typeof weightingNames)[number];

/**
 * The weight [B] of the squared error of F at levels [B]. As weights of ‖x̂₀ − x₀‖², with SNR = α²/σ²:
 *
 *   simple          1/c_out², so that F's own error counts as it is    Ho, Jain, Abbeel 2020, eq. 14
 *   snr             SNR                                                the same for noise, of any other prediction
 *   truncated-snr   max(SNR, 1)                                        Salimans & Ho 2022, section 4
 *   min-snr         min(SNR, γ)                                        Hang et al. 2023, eq. 9; γ = 5
 *   edm             (σ̂² + σ_d²)/(σ̂σ_d)²                                Karras et al. 2022, table 1
 *
 * Hang et al., "Efficient diffusion training via min-SNR weighting strategy".
 */
export function lossWeight(
  weighting: WeightingName,
  p: Prediction,
  level: Level<Value>,
  { gamma = 5 }: { readonly gamma?: number } = {},
): Value {
  const { alpha, sigma } = level;
  const snr = alpha.div(sigma).square();
  const scale = outputVariance(p, level);
  switch (weighting) {
    case "simple":
      return alpha.mul(0).add(1);
    case "snr":
      return snr.mul(scale);
    case "truncated-snr":
      return maximum(snr, 1).mul(scale);
    case "min-snr":
      return minimum(snr, gamma).mul(scale);
    case "edm": {
      const d = p.sigmaData;
      // 1/σ̂² + 1/σ_d²
      return snr.add(1 / d ** 2).mul(scale);
    }
  }
}

export const timeLawNames = [
  "uniform",
  "stratified",
  "log-normal",
  "logit-normal",
  "log-uniform",
] as const;
export type TimeLawName = (typeof timeLawNames)[number];

export interface TimeLawOptions {
  /** Of log σ̂ (−1.2 by default), or of the logit of t (0). */
  readonly mean?: number;
  /** The same's standard deviation; 1.2, or 1. */
  readonly std?: number;
}

/**
 * Times [B] to train at, within the interval of the process:
 *
 *   uniform        t uniform                                        Song et al. 2021, eq. 7
 *   stratified     the same, one time in each of B equal parts      Kingma, Salimans, Poole, Ho 2021, appendix I.1
 *   log-normal     log(σ/α) ~ N(mean, std²)                         Karras et al. 2022, table 1
 *   logit-normal   log(t/(1 − t)) ~ N(mean, std²)                   Esser et al. 2024, eq. 19
 *   log-uniform    λ uniform
 *
 * Kingma et al., "Variational diffusion models"; Esser et al., "Scaling rectified flow transformers for high-resolution
 * image synthesis". Throws where law and process do not fit: the logit-normal law wants times of 0 … 1, and
 * vp-cosine has times by t only.
 */
export function drawTimes(
  law: TimeLawName,
  process: NoiseProcess,
  key: Key,
  count: Size,
  { mean, std }: TimeLawOptions = {},
): Value {
  const [least, most] = process.interval;
  const spread = (u: Value): Value => u.mul(most - least).add(least);
  switch (law) {
    case "uniform":
      return spread(uniform(key, [count]));
    case "stratified": {
      const [index, offset] = [range(count), uniform(key, [])];
      const places = offset.add(index.div(sizeValue(count, index)));
      return spread(places.sub(floor(places)));
    }
    case "log-normal": {
      const logNoise = normal(key, [count])
        .mul(std ?? 1.2)
        .add(mean ?? -1.2);
      return clip(process.traced.timeOf(logNoise.neg()), least, most);
    }
    case "logit-normal":
      if (most > 1) {
        throw new ReparamError(
          `the logit-normal law draws times of 0 … 1, and those of ${process.name} go to ${most}. Take log-normal.`,
        );
      }
      return clip(
        sigmoid(
          normal(key, [count])
            .mul(std ?? 1)
            .add(mean ?? 0),
        ),
        least,
        most,
      );
    case "log-uniform": {
      const [top, bottom] = process.interval.map(process.host.halfLogSnr) as [number, number];
      const halfLogSnr = uniform(key, [count])
        .mul(bottom - top)
        .add(top);
      return clip(process.traced.timeOf(halfLogSnr), least, most);
    }
  }
}
