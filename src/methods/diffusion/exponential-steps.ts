/**
 * Exponential integrators of diffusion models. Over λ = log(α/σ) the probability flow is linear but for what the
 * network says of it:
 *
 *   u = x/α:  du/dλ = −u + x̂₀          u = x/σ:  du/dλ = u − ε,  ε = (x − αx̂₀)/σ
 *
 * that is u' = −r·u + r·m, with m = x̂₀ and r = 1, or m = ε and r = −1 (Lu et al. 2022a, eq. 3.4; 2022b, eq. 8). With
 * the noise of strength η that keeps the marginals, r = 1 + η of x̂₀, and a step of h adds noise of variance
 * σ²(1 − e^{−2ηh}) (Lu et al. 2022b, eq. 11 for η = 1). A step is
 *
 *   u(λ + h) = e^{−rh}·u(λ) + ∫₀ʰ r·e^{−r(h − s)}·m(λ + s) ds
 *
 * and methods differ in how m is continued from where it is known. Lu et al. 2022a, "DPM-Solver"; 2022b,
 * "DPM-Solver++: Fast solver for guided sampling of diffusion probabilistic models".
 */
import { integral, luFactor, luSolve, phiFunctions } from "../../numerics/index.ts";
import type { ExponentialTableau, PhiTerm } from "../../ode/index.ts";
import { levelOf, type NoiseLevel, relativeNoise } from "./grid.ts";
import type { PlanWriter, Register, Term } from "./plan.ts";
import type { NoiseProcess } from "./process.ts";

/** What is continued: x̂₀ or ε. */
export type Continued = "data" | "noise";

/** A level, x there, and what the network said: x̂₀, and m. */
export interface Known {
  readonly level: NoiseLevel;
  readonly denoised: Register;
  readonly m: Register;
}

/** In which variable m is a polynomial: λ, σ̂ or t. */
export type PolynomialVariable = "log-snr" | "sigma" | "time";

const scaleOf = (continued: Continued, { alpha, sigma }: NoiseLevel): number =>
  continued === "data" ? alpha : sigma;

const rateOf = (continued: Continued, eta: number): number => (continued === "data" ? 1 + eta : -1);

/** Asks the network at a level. */
export function ask(plan: PlanWriter, continued: Continued, x: Register, level: NoiseLevel): Known {
  const denoised = plan.denoise(x, level);
  const { alpha, sigma } = level;
  const m =
    continued === "data" ? denoised : plan.combine([x, 1 / sigma], [denoised, -alpha / sigma]);
  return { level, denoised, m };
}

/** φ₀(z) … φ_order(z) */
const phis = (z: number, order: number): number[] =>
  phiFunctions(Float64Array.of(z), 1, order).map((phi) => phi[0]!);

/**
 * How a term of m is weighed that is not constant: as it is, or as a well-known form of the method has it. With z = rh
 * and moments M_k = ∫₀¹ z·e^{−z(1 − θ)}·θᵏ dθ = z·k!·φ_{k+1}(−z):
 *
 *   exact      M_k
 *   midpoint   M₁ = M₀/2: Lu et al. 2022b, algorithm 2; B₂ of Zhao et al. 2023
 *   halved     M₂ = z·φ₃(−z), half of what it is: the third order of DPM-Solver++ in its common implementations
 *   plain      M₁ = z/2: B₁ of Zhao et al. 2023, "UniPC"
 *
 * midpoint and plain concern methods of two terms, halved those of three.
 */
export type MomentRule = "exact" | "midpoint" | "halved" | "plain";

export interface MultistepRule {
  readonly continued: Continued;
  readonly variable: PolynomialVariable;
  readonly rule: MomentRule;
  readonly eta: number;
}

/** M_0 … of as many terms. */
function momentsOf(
  z: number,
  terms: number,
  rule: MomentRule,
  variable: (theta: number) => number,
  inLambda: boolean,
): Float64Array {
  if (!inLambda) {
    const powers = Array.from({ length: terms }, (_, k) => k);
    const integrand = (theta: number) => {
      const weight = z * Math.exp(-z * (1 - theta));
      return powers.map((k) => weight * variable(theta) ** k);
    };
    return integral(integrand, 0, 1, { relative: 1e-12 }).value;
  }
  let factorial = 1;
  const exact = phis(-z, terms)
    .slice(1)
    .map((phi, k) => {
      factorial *= Math.max(1, k);
      return z * factorial * phi;
    });
  if (rule === "midpoint" && terms === 2) exact[1] = exact[0]! / 2;
  if (rule === "plain" && terms === 2) exact[1] = z / 2;
  if (rule === "halved" && terms === 3) exact[2] = exact[2]! / 2;
  return Float64Array.from(exact);
}

/** w of Σ_j w_j·nodes_jᵏ = moments_k: exact for polynomials of degree below the number of nodes. */
function weightsOf(nodes: readonly number[], moments: Float64Array): Float64Array {
  const n = nodes.length;
  const powers = Float64Array.from({ length: n * n }, (_, i) => nodes[i % n]! ** Math.floor(i / n));
  return luSolve(luFactor(powers, n), moments);
}

/**
 * x at `to` from x at `from`, m a polynomial through the known points: those behind are a step of Adams and Bashforth,
 * one at `to` itself makes it one of Adams and Moulton. At no noise it is x̂₀.
 */
export function multistep(
  plan: PlanWriter,
  x: Register,
  [from, to]: readonly [NoiseLevel, NoiseLevel],
  known: readonly Known[],
  { process, continued, variable, rule, eta }: MultistepRule & { readonly process: NoiseProcess },
): Register {
  if (to.sigma === 0) return plan.combine([known[0]!.denoised, 1]);
  const rate = rateOf(continued, eta);
  const h = to.halfLogSnr - from.halfLogSnr;
  const coordinate = (level: NoiseLevel): number =>
    variable === "log-snr"
      ? level.halfLogSnr
      : variable === "sigma"
        ? relativeNoise(level)
        : level.t;
  const [start, end] = [coordinate(from), coordinate(to)];
  const place = (level: NoiseLevel): number => (coordinate(level) - start) / (end - start);
  const within = (theta: number): number =>
    place(levelOf(process, Math.exp(-(from.halfLogSnr + theta * h))));
  const moments = momentsOf(rate * h, known.length, rule, within, variable === "log-snr");
  const weights = weightsOf(
    known.map(({ level }) => place(level)),
    moments,
  );
  const scale = scaleOf(continued, to);
  const kept = (scale / scaleOf(continued, from)) * Math.exp(-rate * h);
  const terms = known.map(({ m }, j): Term => [m, scale * weights[j]!]);
  const noise = to.sigma * Math.sqrt(-Math.expm1(-2 * eta * h));
  return noise === 0
    ? plan.combine([x, kept], ...terms)
    : plan.combine([x, kept], ...terms, [plan.noise(), noise]);
}

/** x at `to` from what is known at `from`, by stages between. At no noise it is x̂₀. */
export function rungeKutta(
  plan: PlanWriter,
  x: Register,
  first: Known,
  to: NoiseLevel,
  options: {
    readonly process: NoiseProcess;
    readonly continued: Continued;
    readonly tableau: ExponentialTableau;
  },
): Register {
  if (to.sigma === 0) return plan.combine([first.denoised, 1]);
  const { process, continued, tableau } = options;
  const { level: from } = first;
  const h = to.halfLogSnr - from.halfLogSnr;
  const rate = rateOf(continued, 0);
  const known = [first];
  const stage = (node: number, level: NoiseLevel, row: ExponentialTableau["weights"]): Register => {
    const scale = scaleOf(continued, level);
    const kept = (scale / scaleOf(continued, from)) * Math.exp(-rate * node * h);
    const terms = known.map(
      ({ m }, j): Term => [m, scale * h * rate * sumOf(row[j] ?? [], -rate * h)],
    );
    return plan.combine([x, kept], ...terms);
  };
  for (const [i, node] of tableau.nodes.entries()) {
    if (i === 0) continue;
    const level = node === 1 ? to : levelOf(process, Math.exp(-(from.halfLogSnr + node * h)));
    known.push(ask(plan, continued, stage(node, level, tableau.stages[i]!), level));
  }
  return stage(1, to, tableau.weights);
}

/** Σ factor·φ_k(scale·z) */
const sumOf = (terms: readonly PhiTerm[], z: number): number =>
  terms.reduce((sum, { factor, k, scale }) => sum + factor * phis(scale * z, k)[k]!, 0);

const term = (k: 1 | 2, factor: number, scale = 1): PhiTerm => ({ k, factor, scale });

/**
 * DPM-Solver-2 with its midpoint at r₁ = 1/2: Lu et al. 2022a, algorithm 1. By the mean value theorem what the network
 * says somewhere within a step is exact for the whole step; elsewhere than in the middle the order is 1, and the error
 * may still be less (Zhou, Chen, Wang, Chen, "Fast ODE-based sampling for diffusion models in around 5 steps", 2024,
 * equation 9, where a network finds the place).
 */
export const dpmSolver2 = (midpoint: number): ExponentialTableau => ({
  name: "dpm-solver-2",
  order: midpoint === 1 / 2 ? 2 : 1,
  nodes: [0, midpoint],
  stages: [[], [[term(1, midpoint, midpoint)]]],
  weights: [[], [term(1, 1)]],
});

/** DPM-Solver-3 with r₁ = 1/3, r₂ = 2/3: Lu et al. 2022a, algorithm 2. */
export const dpmSolver3: ExponentialTableau = {
  name: "dpm-solver-3",
  order: 3,
  nodes: [0, 1 / 3, 2 / 3],
  stages: [
    [],
    [[term(1, 1 / 3, 1 / 3)]],
    [[term(1, 2 / 3, 2 / 3), term(2, -4 / 3, 2 / 3)], [term(2, 4 / 3, 2 / 3)]],
  ],
  weights: [[term(1, 1), term(2, -3 / 2)], [], [term(2, 3 / 2)]],
};
