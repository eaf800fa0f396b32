// The divergences by name. Generators and conjugates: Nowozin, Cseke, Tomioka, "f-GAN: Training Generative Neural
// Samplers using Variational Divergence Minimization" (2016), tables 1, 5 and 6; Sason, Verdú, "f-Divergence
// Inequalities" (2016), section 2 for the rest. Factors are those of `definition`.
import { abs, exp, log, maximum, reciprocal, sign, softplus, sqrt, tanh } from "../ops/index.ts";
import { ReparamError } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { defineDivergence, type FDivergence } from "./divergence.ts";

const everywhere = { low: -Infinity, high: Infinity, closed: false } as const;
const below = (high: number, closed = false) => ({ low: -Infinity, high, closed });

/** 1 − e⁻ᵛ: from the reals to the numbers below 1. */
const belowOne = (v: Value): Value => exp(v.neg()).neg().add(1);

const kl = defineDivergence({
  name: "kl",
  definition: "∫ p log(p/q)",
  normalisation: "the usual one, in nats",
  atZero: 0,
  slopeAtInfinity: Infinity,
  generator: (u) => u.mul(log(u)),
  conjugate: (t) => exp(t.sub(1)),
  conjugateDomain: everywhere,
  activation: (v) => v,
  penalty: (v) => exp(v.sub(1)),
  optimalCritic: (l) => l.add(1),
  optimalOutput: (l) => l.add(1),
  power: { alpha: 1, factor: 1 },
});

const reverseKl = defineDivergence({
  name: "reverse-kl",
  definition: "∫ q log(q/p)",
  normalisation: "KL(Q ‖ P), in nats",
  atZero: Infinity,
  slopeAtInfinity: 0,
  generator: (u) => log(u).neg(),
  conjugate: (t) => log(t.neg()).add(1).neg(),
  conjugateDomain: below(0),
  activation: (v) => exp(v.neg()).neg(),
  penalty: (v) => v.sub(1),
  optimalCritic: (l) => exp(l.neg()).neg(),
  optimalOutput: (l) => l,
  power: { alpha: 0, factor: 1 },
});

const half = 0.5 * Math.LN2;

const jensenShannon = defineDivergence({
  name: "jensen-shannon",
  definition: "½ KL(p ‖ m) + ½ KL(q ‖ m), m = (p + q)/2",
  normalisation:
    "the usual one, at most log 2; f-GAN's generator is twice this one, and the objective of the original GAN, E_P[log σ(v)] + E_Q[log(1 − σ(v))], is at most 2·JS − log 4",
  atZero: half,
  slopeAtInfinity: half,
  generator: (u) => {
    const mixture = u.add(1);
    return u
      .mul(log(u))
      .sub(mixture.mul(log(mixture.mul(0.5))))
      .mul(0.5);
  },
  conjugate: (t) => log(exp(t.mul(2)).neg().add(2)).mul(-0.5),
  conjugateDomain: below(half),
  activation: (v) => softplus(v.neg()).mul(-0.5).add(half),
  penalty: (v) => softplus(v).mul(0.5).sub(half),
  optimalCritic: (l) => softplus(l.neg()).mul(-0.5).add(half),
  optimalOutput: (l) => l,
});

const pearson = defineDivergence({
  name: "pearson",
  definition: "∫ (p − q)²/q",
  normalisation: "χ²(P ‖ Q); twice the α-divergence of α = 2",
  atZero: 1,
  slopeAtInfinity: Infinity,
  generator: (u) => u.sub(1).square(),
  // Below −2 the supremum is at u = 0.
  conjugate: (t) => maximum(t.mul(0.5).add(1), 0).square().sub(1),
  conjugateDomain: everywhere,
  activation: (v) => v,
  penalty: (v) => maximum(v.mul(0.5).add(1), 0).square().sub(1),
  optimalCritic: (l) => exp(l).sub(1).mul(2),
  optimalOutput: (l) => exp(l).sub(1).mul(2),
  power: { alpha: 2, factor: 2 },
});

const neyman = defineDivergence({
  name: "neyman",
  definition: "∫ (p − q)²/p",
  normalisation: "χ²(Q ‖ P); twice the α-divergence of α = −1",
  atZero: Infinity,
  slopeAtInfinity: 1,
  generator: (u) => reciprocal(u).add(u).sub(2),
  conjugate: (t) => sqrt(t.neg().add(1)).mul(-2).add(2),
  conjugateDomain: below(1, true),
  activation: belowOne,
  penalty: (v) => exp(v.mul(-0.5)).mul(-2).add(2),
  optimalCritic: (l) => belowOne(l.mul(2)),
  optimalOutput: (l) => l.mul(2),
  power: { alpha: -1, factor: 2 },
});

const squaredHellinger = defineDivergence({
  name: "squared-hellinger",
  definition: "∫ (√p − √q)²",
  normalisation:
    "at most 2; many texts have ½ before it, at most 1. Half the α-divergence of α = ½",
  atZero: 1,
  slopeAtInfinity: 1,
  generator: (u) => sqrt(u).sub(1).square(),
  conjugate: (t) => t.div(t.neg().add(1)),
  conjugateDomain: below(1),
  activation: belowOne,
  penalty: (v) => exp(v).sub(1),
  optimalCritic: (l) => belowOne(l.mul(0.5)),
  optimalOutput: (l) => l.mul(0.5),
  power: { alpha: 0.5, factor: 0.5 },
});

const totalVariation = defineDivergence({
  name: "total-variation",
  definition: "½ ∫ |p − q|",
  normalisation: "the largest difference of probabilities, at most 1; some texts leave out the ½",
  atZero: 0.5,
  slopeAtInfinity: 0.5,
  generator: (u) => abs(u.sub(1)).mul(0.5),
  conjugate: (t) => maximum(t, -0.5),
  conjugateDomain: below(0.5, true),
  activation: (v) => tanh(v).mul(0.5),
  penalty: (v) => tanh(v).mul(0.5),
  optimalCritic: (l) => sign(l).mul(0.5),
  // The optimum lies at infinity; tanh 20 is 1 in float64.
  optimalOutput: (l) => sign(l).mul(20),
});

const table = {
  kl,
  "reverse-kl": reverseKl,
  "jensen-shannon": jensenShannon,
  pearson,
  neyman,
  "squared-hellinger": squaredHellinger,
  "total-variation": totalVariation,
} as const;

export type DivergenceName = keyof typeof table;

/** Every divergence that has a name; the family of `alphaDivergence` is beside them. */
export const divergences: Readonly<Record<DivergenceName, FDivergence>> = table;

/** The divergence of that name. */
export function findDivergence(name: string): FDivergence {
  const found = (divergences as Readonly<Record<string, FDivergence | undefined>>)[name];
  if (found !== undefined) return found;
  throw new ReparamError(
    `there is no divergence "${name}". There are: ${Object.keys(divergences).join(", ")}.`,
  );
}
