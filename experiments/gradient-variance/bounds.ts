// Estimators of a multi-sample bound: z ~ N(0, 1), x | z ~ N(z, ¼), x = 1.5, and q = N(½, 0.7²), which is not the
// posterior N(1.2, 0.2).
import { compile } from "reparam";
import { gradients } from "reparam/autodiff";
import { Normal } from "reparam/distributions";
import { type EstimatorName, estimate } from "reparam/estimators";
import { split, squeeze, sum } from "reparam/ops";
import { tensorOf } from "reparam/tensor";
import { Key, type Value } from "reparam/trace";
import { type Figures, spreadOf } from "./measure.ts";

export const boundEstimators = [
  "pathwise",
  "score-function",
  "vimco",
  "doubly-reparameterized",
] as const satisfies readonly EstimatorName[];

export const sampleCounts = [2, 8, 32];

const [x, noise] = [1.5, 0.5];
const at = [0.5, 2 * Math.log(0.7)] as const;

/** Figures of gradients towards mean and log variance of q, over `rows` estimates. */
export async function measureBound(
  name: (typeof boundEstimators)[number],
  {
    samples,
    seed,
    rows,
  }: { readonly samples: number; readonly seed: number; readonly rows: number },
): Promise<Figures> {
  const given = {
    parameters: tensorOf(
      Float32Array.from({ length: 2 * rows }, (_, i) => at[i % 2] as number),
      [rows, 2],
    ),
  };
  const program = await compile(
    ({ parameters }) => {
      const [mean, logVariance] = split(parameters, 1, [1, 1]).map((p) => squeeze(p, 1)) as [
        Value,
        Value,
      ];
      const logJoint = (z: Value): Value =>
        Normal({ mean: 0, std: 1 })
          .logProb(z)
          .add(
            z
              .sub(x)
              .mul(1 / noise)
              .square()
              .mul(-0.5),
          )
          .sub(Math.log(noise * Math.sqrt(2 * Math.PI)));
      const { surrogate } = estimate(name, Normal({ mean, logVariance }), logJoint, {
        ...{ key: new Key("z"), samples, target: "multi-sample bound" },
      });
      return { surrogate, gradient: gradients(sum(surrogate), [parameters])[0] as Value };
    },
    given,
    { threads: 2, spin: false },
  );
  const { surrogate, gradient } = await program.run(given, { seed, step: 0 });
  await program.release();
  const spreads = [0, 1].map((i) => spreadOf(gradient.data as Float32Array, i, 2));
  const length = Math.hypot(...spreads.map(({ mean }) => mean));
  const variance = spreads.reduce((s, { variance: v }) => s + v, 0);
  const figures = { bound: spreadOf(surrogate.data as Float32Array).mean, length, variance };
  if (samples !== 2) return figures;
  const errors = exactGradient.map((g, i) => (spreads[i]?.mean as number) - g);
  const standardError = Math.sqrt(variance / rows);
  return { ...figures, bias: Math.hypot(...errors), standardError };
}

const density = (z: number, mean: number, std: number): number =>
  Math.exp(-(((z - mean) / std) ** 2) / 2) / (std * Math.sqrt(2 * Math.PI));

/** E log ½ (w₁ + w₂) by the trapezoidal rule, whose error here is that of float64. */
function boundOfTwo([mean, logVariance]: readonly number[]): number {
  const std = Math.exp((logVariance as number) / 2);
  const grid = Array.from({ length: 321 }, (_, i) => {
    const z = (mean as number) + (std * (i - 160)) / 20;
    const q = density(z, mean as number, std);
    return { p: (q * std) / 20, weight: (density(z, 0, 1) * density(x, z, noise)) / q };
  });
  let total = 0;
  for (const a of grid) {
    for (const b of grid) total += a.p * b.p * Math.log((a.weight + b.weight) / 2);
  }
  return total;
}

const exactGradient = at.map((_, i) => {
  const moved = (by: number): number => boundOfTwo(at.map((v, k) => (k === i ? v + by : v)));
  return (moved(1e-5) - moved(-1e-5)) / 2e-5;
});

/** Mean gradient over its standard deviation. */
export const signalToNoise = ({ length, variance }: Figures): number =>
  (length as number) / Math.sqrt(variance as number);
