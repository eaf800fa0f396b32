import type { Value } from "../trace/index.ts";

/** Where the conjugate of a generator is finite: between `low` and `high`. */
export interface ConjugateDomain {
  readonly low: number;
  readonly high: number;
  /** Whether `high` itself belongs to it. `low` never does: it is −∞. */
  readonly closed: boolean;
}

/**
 * An f-divergence D(P ‖ Q) = E_Q[f(p/q)] in nats, of a convex f on [0, ∞) with f(1) = 0 (Csiszár 1967), as data.
 *
 * With the conjugate f*(t) = sup_u (ut − f(u)), every critic T into the domain of f* gives a lower bound
 * D ≥ E_P[T] − E_Q[f*(T)], an equality at T = f'(p/q) (Nguyen, Wainwright, Jordan 2010, lemma 1). A network
 * makes any real v; `activation` takes it into the domain (Nowozin, Cseke, Tomioka, "f-GAN", 2016, section 2.4).
 *
 * All functions work elementwise.
 */
export interface FDivergence {
  readonly name: string;
  /** The divergence as an integral, which fixes its factor. */
  readonly definition: string;
  /** What other texts call by the same name, and the factor between. */
  readonly normalisation: string;
  /** f(0), the density of Q where P has none; may be infinite. */
  readonly atZero: number;
  /** The limit of f(u)/u for u → ∞: what P costs where Q has nothing; may be infinite. */
  readonly slopeAtInfinity: number;
  /** The least upper bound of D: f(0) and that slope together. */
  readonly upperBound: number;
  /** f(u), u > 0. */
  readonly generator: (u: Value) => Value;
  /** f*(t) for t inside of the domain; NaN or ∞ outside of it. */
  readonly conjugate: (t: Value) => Value;
  readonly conjugateDomain: ConjugateDomain;
  /** From any real number into the domain of f*, rising. */
  readonly activation: (v: Value) => Value;
  /** f*(activation(v)), in a form that loses no digits at either end. */
  readonly penalty: (v: Value) => Value;
  /** f'(p/q) from log p/q: the critic that attains the divergence. */
  readonly optimalCritic: (logRatio: Value) => Value;
  /** v with activation(v) = f'(p/q), from log p/q. */
  readonly optimalOutput: (logRatio: Value) => Value;
  /**
   * Where D is a function of ∫ pᵅ q¹⁻ᵅ: D = factor·(∫ pᵅ q¹⁻ᵅ − 1)/(α(α − 1)), with the limits KL(P ‖ Q) at
   * α = 1 and KL(Q ‖ P) at α = 0.
   */
  readonly power?: { readonly alpha: number; readonly factor: number };
}

/** A divergence with its upper bound. */
export const defineDivergence = (given: Omit<FDivergence, "upperBound">): FDivergence => ({
  ...given,
  upperBound: given.atZero + given.slopeAtInfinity,
});
