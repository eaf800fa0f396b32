/**
 * Noise processes: how much signal and how much noise there is at a time.
 *
 *   x_t = α(t)·x₀ + σ(t)·ε,   ε ~ N(0, I)
 *   λ(t) = log(α(t)/σ(t)), half the log of the signal-to-noise ratio; it falls in t
 *
 * | name        | α(t)                              | σ(t)                  | source                              |
 * | vp-linear   | exp(−¼t²(β₁ − β₀) − ½tβ₀)         | √(1 − α²)             | Song et al. 2021, eq. 32, 33        |
 * | vp-cosine   | cos(½π(t + s)/(1 + s))/cos(½πs/(1 + s)) | √(1 − α²)       | Nichol & Dhariwal 2021, eq. 17      |
 * | sub-vp      | as vp-linear                      | 1 − α²                | Song et al. 2021, eq. 29            |
 * | ve          | 1                                 | σ₀(σ₁/σ₀)ᵗ            | Song et al. 2021, eq. 30, 31        |
 * | edm         | 1                                 | t                     | Karras et al. 2022, table 1         |
 * | flow        | 1 − t                             | t                     | Liu, Gong, Liu 2023; Lipman et al. 2023 |
 *
 * Song et al., "Score-based generative modeling through stochastic differential equations"; Nichol & Dhariwal,
 * "Improved denoising diffusion probabilistic models"; Karras, Aittala, Aila, Laine, "Elucidating the design space of
 * diffusion-based generative models"; Liu, Gong, Liu, "Flow straight and fast"; Lipman et al., "Flow matching for
 * generative modeling". Times are numbers of the process's interval: about 0 … 1, and 0.002 … 80 for edm.
 *
 * A training draws times (`drawTimes`), asks `process.traced` for α and σ of them, [B] each, and gives its network
 * `process.traced.conditioning(t)`. Samplers ask `process.host` for the same numbers in float64.
 */
import { ReparamError } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { type Arithmetic, numbers, values } from "./arithmetic.ts";

export const processNames = ["vp-linear", "vp-cosine", "sub-vp", "ve", "edm", "flow"] as const;
export type ProcessName = (typeof processNames)[number];

/** How much of the data and of the noise is in x: numbers on the host, [B] in a graph. */
export interface Level<T> {
  /** α */
  readonly alpha: T;
  /** σ */
  readonly sigma: T;
}

/** The functions of a process, of numbers or of traced values. */
export interface LevelFunctions<T> {
  readonly level: (t: T) => Level<T>;
  /** λ = log(α/σ), half the log-SNR. */
  readonly halfLogSnr: (t: T) => T;
  /** The time of that λ. Its traced form throws for vp-cosine. */
  readonly timeOf: (halfLogSnr: T) => T;
  /**
   * What the network is told of the time, 0 … 1000 on the interval: 1000·t where t is 0 … 1; for ve and edm it
   * grows with log σ, as c_noise = ¼ log σ of Karras et al. does.
   */
  readonly conditioning: (t: T) => T;
}

export interface NoiseProcess {
  readonly name: ProcessName;
  /** Times of least and of most noise: a training draws from between them, a sampler goes from the second to the first. */
  readonly interval: readonly [least: number, most: number];
  /** In float64. */
  readonly host: LevelFunctions<number>;
  readonly traced: LevelFunctions<Value>;
}

export interface ProcessOptions {
  /** β₀ and β₁ of vp-linear and sub-vp; 0.1 and 20 by default. */
  readonly beta?: readonly [number, number];
  /** s of vp-cosine; 0.008 by default. */
  readonly offset?: number;
  /** Least and largest σ of ve (0.01 and 50 by default) and edm (0.002 and 80). */
  readonly sigma?: readonly [number, number];
  /** Another interval of times. */
  readonly interval?: readonly [least: number, most: number];
}

/** The process of that name. Throws for an interval or noise levels that are not increasing. */
export function noiseProcess(name: ProcessName, options: ProcessOptions = {}): NoiseProcess {
  const definition = definitions[name];
  if (definition === undefined) {
    throw new ReparamError(
      `there is no noise process "${name}". There are: ${processNames.join(", ")}.`,
    );
  }
  const { sigma } = options;
  if (sigma !== undefined && !(sigma[0] > 0 && sigma[1] > sigma[0])) {
    throw new ReparamError(`${name}: sigma must be two positive numbers, the smaller one first.`);
  }
  const { usual, formulas } = definition(options);
  const interval = options.interval ?? usual;
  if (!(interval[0] >= 0 && interval[1] > interval[0])) {
    throw new ReparamError(
      `${name}: the interval must go from a time of 0 or more to a later one, got ${interval.join(" … ")}.`,
    );
  }
  return {
    name,
    interval,
    host: functionsOf(formulas, numbers),
    traced: functionsOf(formulas, values),
  };
}

/** α, σ, and the inverse of λ, in any arithmetic. */
interface Formulas {
  alpha<T>(t: T, m: Arithmetic<T>): T;
  sigma<T>(t: T, m: Arithmetic<T>): T;
  timeOf<T>(halfLogSnr: T, m: Arithmetic<T>): T;
  conditioning<T>(t: T, m: Arithmetic<T>): T;
}

const functionsOf = <T>(formulas: Formulas, m: Arithmetic<T>): LevelFunctions<T> => ({
  level: (t) => ({ alpha: formulas.alpha(t, m), sigma: formulas.sigma(t, m) }),
  halfLogSnr: (t) => m.log(m.div(formulas.alpha(t, m), formulas.sigma(t, m))),
  timeOf: (halfLogSnr) => formulas.timeOf(halfLogSnr, m),
  conditioning: (t) => formulas.conditioning(t, m),
});

interface Definition {
  readonly usual: readonly [number, number];
  readonly formulas: Formulas;
}

const thousandfold: Formulas["conditioning"] = (t, m) => m.mul(t, 1000);

const definitions: Readonly<Record<ProcessName, (options: ProcessOptions) => Definition>> = {
  "vp-linear": ({ beta = [0.1, 20] }) => ({
    usual: [1e-3, 1],
    formulas: {
      alpha: (t, m) => m.exp(logAlpha(beta, t, m)),
      sigma: (t, m) => besides(logAlpha(beta, t, m), m),
      // −2 log α = log(1 + e^{−2λ})
      timeOf: (l, m) => timeOfLogAlpha(beta, m.softplus(m.mul(l, -2)), m),
      conditioning: thousandfold,
    },
  }),
  "vp-cosine": ({ offset = 0.008 }) => {
    const rate = Math.PI / 2 / (1 + offset);
    const first = Math.cos(rate * offset);
    return {
      // Behind 0.9946 the signal is too weak for the formulas of samplers (Lu et al. 2022, appendix D.3).
      usual: [1e-3, 0.9946],
      formulas: {
        // cos a = sin(½π − a), and cos²a₀ − cos²a = sin(a − a₀)·sin(a + a₀): neither cancels at its end.
        alpha: (t, m) => m.div(m.sin(m.mul(m.sub(t, 1), -rate)), first),
        sigma: (t, m) => {
          const sines = m.mul(m.sin(m.mul(t, rate)), m.sin(m.mul(m.add(t, 2 * offset), rate)));
          return m.div(m.sqrt(sines), first);
        },
        timeOf: (l, m) => {
          const alpha = m.exp(m.mul(m.softplus(m.mul(l, -2)), -1 / 2));
          return m.sub(m.mul(m.acos(m.mul(alpha, first)), 1 / rate), offset);
        },
        conditioning: thousandfold,
      },
    };
  },
  "sub-vp": ({ beta = [0.1, 20] }) => ({
    usual: [1e-2, 1],
    formulas: {
      alpha: (t, m) => m.exp(logAlpha(beta, t, m)),
      sigma: (t, m) => m.mul(m.expm1(m.mul(logAlpha(beta, t, m), 2)), -1),
      // α² + α·e^{−λ} − 1 = 0
      timeOf: (l, m) => {
        const ratio = m.exp(m.mul(l, -1));
        const root = m.sqrt(m.add(m.mul(ratio, ratio), 4));
        return timeOfLogAlpha(beta, m.mul(m.log(m.mul(m.add(ratio, root), 1 / 2)), 2), m);
      },
      conditioning: thousandfold,
    },
  }),
  ve: ({ sigma: [least, most] = [0.01, 50] }) => ({
    usual: [0, 1],
    formulas: {
      alpha: one,
      sigma: (t, m) => m.mul(m.exp(m.mul(t, Math.log(most / least))), least),
      timeOf: (l, m) => m.div(m.sub(m.mul(l, -1), Math.log(least)), Math.log(most / least)),
      conditioning: thousandfold,
    },
  }),
  edm: ({ sigma: [least, most] = [0.002, 80] }) => ({
    usual: [least, most],
    formulas: {
      alpha: one,
      sigma: (t) => t,
      timeOf: (l, m) => m.exp(m.mul(l, -1)),
      conditioning: (t, m) =>
        m.mul(m.sub(m.log(t), Math.log(least)), 1000 / Math.log(most / least)),
    },
  }),
  flow: () => ({
    // At 1 the signal-to-noise ratio is 0, and at 0 infinite.
    usual: [1e-3, 0.999],
    formulas: {
      alpha: (t, m) => m.add(m.mul(t, -1), 1),
      sigma: (t) => t,
      timeOf: (l, m) => m.exp(m.mul(m.softplus(l), -1)),
      conditioning: thousandfold,
    },
  }),
};

/** 1 of the shape of t. */
const one: Formulas["alpha"] = (t, m) => m.add(m.mul(t, 0), 1);

/** √(1 − α²) from log α. */
const besides = <T>(logAlpha: T, m: Arithmetic<T>): T =>
  m.sqrt(m.mul(m.expm1(m.mul(logAlpha, 2)), -1));

const logAlpha = <T>([first, last]: readonly [number, number], t: T, m: Arithmetic<T>): T =>
  m.mul(t, m.sub(m.mul(t, (first - last) / 4), first / 2));

/** The t of −2 log α = L, the root of ½(β₁ − β₀)t² + β₀t − L in the form that does not cancel. */
function timeOfLogAlpha<T>([first, last]: readonly [number, number], L: T, m: Arithmetic<T>): T {
  const root = m.sqrt(m.add(m.mul(L, 2 * (last - first)), first * first));
  return m.div(m.mul(L, 2), m.add(root, first));
}
