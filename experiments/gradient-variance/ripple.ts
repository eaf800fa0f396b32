// Pathwise against score function for a normal variable: smooth functions, and a ripple a sin(kz) that turns
// the order around, because the pathwise gradient sees its slope a·k and the score function its height a.
import { compile } from "reparam";
import { gradients } from "reparam/autodiff";
import { Normal } from "reparam/distributions";
import { type EstimatorName, estimate } from "reparam/estimators";
import { exp, sin, softplus, sum } from "reparam/ops";
import { tensorOf } from "reparam/tensor";
import { Key, type Value } from "reparam/trace";
import { type Figures, spreadOf } from "./measure.ts";

interface Smooth {
  readonly name: string;
  readonly f: (z: Value) => Value;
}

export const smooth: readonly Smooth[] = [
  { name: "z²", f: (z) => z.square() },
  { name: "z³", f: (z) => z.square().mul(z) },
  { name: "exp(z/2)", f: (z) => exp(z.mul(0.5)) },
  { name: "log(1 + eᶻ)", f: softplus },
  { name: "sin z + z²/2", f: (z) => sin(z).add(z.square().mul(0.5)) },
];

/** z² + ½ sin(kz) */
export const rippled = (k: number): Smooth => ({
  name: `z² + ½ sin(${k}z)`,
  f: (z) => z.square().add(sin(z.mul(k)).mul(0.5)),
});

export const frequencies = [1, 2, 4, 8, 16, 32];

const [mu, estimators] = [0.5, ["pathwise", "score-function"] as const];

/** Variances towards the mean of N(½, 1), by name; the score function with two samples and leave-one-out too. */
export async function compare(
  { f }: Smooth,
  { seed, rows }: { readonly seed: number; readonly rows: number },
): Promise<Figures> {
  const x = tensorOf(new Float32Array(rows).fill(mu), [rows]);
  const program = await compile(
    ({ x: means }) => {
      const q = Normal({ mean: means, std: 1 });
      const towards = (name: EstimatorName, options: object = {}): Value => {
        const key = new Key(`${name}${Object.keys(options).length}`);
        const { surrogate } = estimate(name, q, f, { key, ...options });
        return gradients(sum(surrogate), [means])[0] as Value;
      };
      return {
        ...Object.fromEntries(estimators.map((name) => [name, towards(name)])),
        "pathwise, 2 samples": towards("pathwise", { samples: 2 }),
        "score-function, leave-one-out of 2": towards("score-function", {
          ...{ samples: 2, baseline: { kind: "leave-one-out" } },
        }),
      };
    },
    { x },
    { threads: 2, spin: false },
  );
  const result = await program.run({ x }, { seed, step: 0 });
  await program.release();
  const variances = Object.entries(result).map(([name, { data }]) => [
    name,
    spreadOf(data as Float32Array).variance,
  ]);
  return Object.fromEntries(variances) as Figures;
}
