// Ways of training, with the eigenvalues at the equilibrium as derived by hand; f'(0) = ½ and f''(0) = −¼ for
// f(t) = −log(1 + e⁻ᵗ), f'(0) = 1 for the Wasserstein objective.
import type { DiracOptions, fieldEigenvalues } from "reparam/methods/gan";

export interface Variant {
  readonly name: string;
  /** Part of a file name. */
  readonly file: string;
  readonly options: DiracOptions;
  /** ψ is kept within ± this after every update. */
  readonly clip?: number;
  readonly formula?: string;
  readonly eigenvalues?: ReturnType<typeof fieldEigenvalues>;
}

/** −a ± √(a² − b²). */
function pair(a: number, b: number): ReturnType<typeof fieldEigenvalues> {
  const inside = a * a - b * b;
  const root = Math.sqrt(Math.abs(inside));
  return [-1, 1].map((sign) =>
    inside >= 0 ? { re: -a + sign * root, im: 0 } : { re: -a, im: sign * root },
  );
}

const [f1, f2] = [0.5, -0.25];
const sigma = 1;

export const linearizable: readonly Variant[] = [
  {
    ...{ name: "saturating, no penalty", file: "none", options: {} },
    ...{ formula: "±i f′(0)", eigenvalues: pair(0, f1) },
  },
  {
    ...{ name: "non-saturating, no penalty", file: "non-saturating" },
    ...{ options: { loss: "non-saturating" }, formula: "±i f′(0)", eigenvalues: pair(0, f1) },
  },
  {
    ...{ name: "Wasserstein, no penalty", file: "wasserstein" },
    ...{ options: { loss: "wasserstein" }, formula: "±i f′(0)", eigenvalues: pair(0, 1) },
  },
  {
    ...{ name: "instance noise, σ = 1", file: "noise", options: { noise: sigma } },
    formula: "f″(0)σ² ± √(f″(0)²σ⁴ − f′(0)²)",
    eigenvalues: pair(-f2 * sigma ** 2, f1),
  },
  {
    ...{ name: "R1, γ = 0.5", file: "r1", options: { penalty: "r1", weight: 0.5 } },
    ...{ formula: "−γ/2 ± √(γ²/4 − f′(0)²)", eigenvalues: pair(0.25, f1) },
  },
  {
    ...{ name: "R1, γ = 2", file: "r1-strong", options: { penalty: "r1", weight: 2 } },
    ...{ formula: "−γ/2 ± √(γ²/4 − f′(0)²)", eigenvalues: pair(1, f1) },
  },
  {
    ...{ name: "R2, γ = 0.5", file: "r2", options: { penalty: "r2", weight: 0.5 } },
    ...{ formula: "−γ/2 ± √(γ²/4 − f′(0)²)", eigenvalues: pair(0.25, f1) },
  },
  {
    ...{
      name: "JS regularizer, γ = 1",
      file: "js",
      options: { penalty: "js-regularizer", weight: 1 },
    },
    ...{ formula: "−γ/4 ± √(γ²/16 − f′(0)²)", eigenvalues: pair(0.25, f1) },
  },
  {
    ...{ name: "consensus optimization, γ = 1", file: "consensus", options: { consensus: 1 } },
    formula: "−γf′(0)² ± i f′(0)",
    eigenvalues: [-1, 1].map((sign) => ({ re: -f1 * f1, im: sign * f1 })),
  },
];

/** Those without a Jacobian at the equilibrium. */
export const others: readonly Variant[] = [
  {
    ...{ name: "Wasserstein, |ψ| ≤ 1 by clipping", file: "clip" },
    ...{ options: { loss: "wasserstein" }, clip: 1 },
  },
  {
    ...{ name: "Wasserstein with gradient penalty, weight 1", file: "gp" },
    options: { loss: "wasserstein", penalty: "gp", weight: 1 },
  },
];
