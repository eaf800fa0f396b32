/**
 * What a network of a diffusion model says, and how the denoised data are read from it. With x = α·x₀ + σ·ε:
 *
 *   F ≈ a·x₀ + b·ε   (the target)          x̂₀ = c_skip·x + c_out·F          the network sees c_in·x
 *
 * | name  | target                     | c_skip                 | c_out              | source                             |
 * | noise | ε                          | 1/α                    | −σ/α               | Ho, Jain, Abbeel 2020, eq. 15      |
 * | data  | x₀                         | 0                      | 1                  | the same, section 3.2              |
 * | v     | αε − σx₀                   | α/(α² + σ²)            | −σ/(α² + σ²)       | Salimans & Ho 2022, section 4      |
 * | edm   | (σ̂/σ_d·x₀ − σ_d·ε)/s       | σ_d²/(s²α)             | σ̂σ_d/s             | Karras et al. 2022, table 1        |
 * | flow  | ε − x₀                     | 1/(α + σ)              | −σ/(α + σ)         | Liu, Gong, Liu 2023, eq. 1         |
 *
 * with σ̂ = σ/α, s² = σ̂² + σ_d², and σ_d the standard deviation of the data; c_in = 1/√(α²σ_d² + σ²) in all of them,
 * which Karras et al. have as 1/s for x/α. Ho et al., "Denoising diffusion probabilistic models"; Salimans & Ho,
 * "Progressive distillation for fast sampling of diffusion models"; the others as in process.ts.
 *
 * A training step, with x₀ and ε [B, …] and a prediction `p`:
 *
 *   const t = drawTimes("uniform", process, key, B);                                      // [B]
 *   const level = process.traced.level(t);
 *   const F = network(networkInput(p, level, noised(level, x0, eps)), process.traced.conditioning(t));
 *   const error = F.sub(targetOf(p, level, x0, eps)).square();                            // mean over the row: [B]
 *   loss = mean over the rows of lossWeight("min-snr", p, level)·error
 *
 * and the denoiser that samplers call is `denoisedOf(p, level, x, F)`.
 */
import { reshape } from "../../ops/index.ts";
import type { Value } from "../../trace/index.ts";
import { type Arithmetic, numbers, values } from "./arithmetic.ts";
import type { Level } from "./process.ts";

export const predictionNames = ["noise", "data", "v", "edm", "flow"] as const;
export type PredictionName = (typeof predictionNames)[number];

/** What a network predicts of data with this standard deviation. */
export interface Prediction {
  readonly name: PredictionName;
  /** σ_d; about 0.5 for images in [−1, 1]. */
  readonly sigmaData: number;
}

/** F = data·x₀ + noise·ε */
export interface TargetCoefficients<T> {
  readonly data: T;
  readonly noise: T;
}

/** x̂₀ = skip·x + output·F */
export interface DenoisedCoefficients<T> {
  readonly skip: T;
  readonly output: T;
}

/** Coefficients of the target at a level, on the host. */
export const targetCoefficients = (
  p: Prediction,
  level: Level<number>,
): TargetCoefficients<number> => rows[p.name].target(level, p.sigmaData, numbers);

/** c_skip and c_out at a level, on the host. */
export const denoisedCoefficients = (
  p: Prediction,
  level: Level<number>,
): DenoisedCoefficients<number> => rows[p.name].denoised(level, p.sigmaData, numbers);

/** c_in at a level, on the host. */
export const inputScale = ({ sigmaData }: Prediction, level: Level<number>): number =>
  inputScaleIn(level, sigmaData, numbers);

/** α·x₀ + σ·ε, all [B, …]. */
export const noised = ({ alpha, sigma }: Level<Value>, x0: Value, noise: Value): Value =>
  perRow(alpha, x0).mul(x0).add(perRow(sigma, x0).mul(noise));

/** c_in·x */
export const networkInput = ({ sigmaData }: Prediction, level: Level<Value>, x: Value): Value =>
  perRow(inputScaleIn(level, sigmaData, values), x).mul(x);

/** What the network should say of α·x₀ + σ·ε. */
export function targetOf(p: Prediction, level: Level<Value>, x0: Value, noise: Value): Value {
  const target = rows[p.name].target(level, p.sigmaData, values);
  return perRow(target.data, x0).mul(x0).add(perRow(target.noise, x0).mul(noise));
}

/** x̂₀ of what the network said. */
export function denoisedOf(p: Prediction, level: Level<Value>, x: Value, output: Value): Value {
  const c = rows[p.name].denoised(level, p.sigmaData, values);
  return perRow(c.skip, x).mul(x).add(perRow(c.output, x).mul(output));
}

/** c_out² of [B]: an error of F times this is one of x̂₀. */
export const outputVariance = (p: Prediction, level: Level<Value>): Value =>
  rows[p.name].denoised(level, p.sigmaData, values).output.square();

/** One number a row [B], or one for all, as what broadcasts against x [B, …]. */
export const perRow = (value: Value, x: Value): Value =>
  value.rank === 0 ? value : reshape(value, [x.size(0), ...x.shape.slice(1).map(() => 1)]);

interface Row {
  target<T>(level: Level<T>, sigmaData: number, m: Arithmetic<T>): TargetCoefficients<T>;
  denoised<T>(level: Level<T>, sigmaData: number, m: Arithmetic<T>): DenoisedCoefficients<T>;
}

const negative = <T>(x: T, m: Arithmetic<T>): T => m.mul(x, -1);
const zero = <T>(x: T, m: Arithmetic<T>): T => m.mul(x, 0);
const one = <T>(x: T, m: Arithmetic<T>): T => m.add(zero(x, m), 1);

/** α²d + σ² */
const variance = <T>({ alpha, sigma }: Level<T>, d: number, m: Arithmetic<T>): T =>
  m.add(m.mul(m.mul(alpha, alpha), d), m.mul(sigma, sigma));

const inputScaleIn = <T>(level: Level<T>, sigmaData: number, m: Arithmetic<T>): T => {
  const deviation = m.sqrt(variance(level, sigmaData ** 2, m));
  return m.div(one(deviation, m), deviation);
};

const rows: Readonly<Record<PredictionName, Row>> = {
  noise: {
    target: ({ alpha }, _d, m) => ({ data: zero(alpha, m), noise: one(alpha, m) }),
    denoised: ({ alpha, sigma }, _d, m) => ({
      skip: m.div(one(alpha, m), alpha),
      output: negative(m.div(sigma, alpha), m),
    }),
  },
  data: {
    target: ({ alpha }, _d, m) => ({ data: one(alpha, m), noise: zero(alpha, m) }),
    denoised: ({ alpha }, _d, m) => ({ skip: zero(alpha, m), output: one(alpha, m) }),
  },
  v: {
    target: ({ alpha, sigma }, _d, m) => ({ data: negative(sigma, m), noise: alpha }),
    denoised: ({ alpha, sigma }, _d, m) => {
      const total = variance({ alpha, sigma }, 1, m);
      return { skip: m.div(alpha, total), output: negative(m.div(sigma, total), m) };
    },
  },
  // All multiplied by α, so that nothing is divided by it: αs = √(α²σ_d² + σ²).
  edm: {
    target: ({ alpha, sigma }, d, m) => {
      const s = m.sqrt(variance({ alpha, sigma }, d ** 2, m));
      return {
        data: m.div(m.mul(sigma, 1 / d), s),
        noise: negative(m.div(m.mul(alpha, d), s), m),
      };
    },
    denoised: ({ alpha, sigma }, d, m) => {
      const total = variance({ alpha, sigma }, d ** 2, m);
      return {
        skip: m.div(m.mul(alpha, d ** 2), total),
        output: m.div(m.mul(sigma, d), m.sqrt(total)),
      };
    },
  },
  flow: {
    target: ({ alpha }, _d, m) => ({ data: negative(one(alpha, m), m), noise: one(alpha, m) }),
    denoised: ({ alpha, sigma }, _d, m) => {
      const total = m.add(alpha, sigma);
      return { skip: m.div(one(total, m), total), output: negative(m.div(sigma, total), m) };
    },
  },
};
