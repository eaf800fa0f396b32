// The families that need special functions, for the tests of the shared contract.
import {
  Beta,
  Binomial,
  Dirichlet,
  Gamma,
  InverseGamma,
  MultivariateNormal,
  NegativeBinomial,
  Poisson,
  StudentT,
  TruncatedNormal,
} from "../../src/distributions/index.ts";
import { type Entry, f64, line, scalars } from "./entry.ts";

const matrices = f64([2, 2, 2], 1.3, 0, -0.4, 0.8, 0.6, 0, 0.9, 1.7);
const definite = f64([2, 2, 2], 1.7, 0.4, 0.4, 0.9, 2.1, -0.6, -0.6, 0.8);
const means = f64([2, 2], 0.3, -1, 2, 0.5);
const vectors = f64([2, 2], 0.9, -0.2, 1.4, 1.5);

/** Points of (0, 1), dense at both ends; fewer than elsewhere, since cdfs are integrals here. */
const odds = line(-24, 24, 1001).map((t) => 1 / (1 + Math.exp(-t)));

const counts = (most: number): number[] => Array.from({ length: most + 1 }, (_, k) => k);

const multivariate: readonly Entry[] = [
  {
    name: "MultivariateNormal by scaleTril",
    factory: "MultivariateNormal",
    parameters: [means, matrices],
    make: (mean, scaleTril) => MultivariateNormal({ mean: mean!, scaleTril: scaleTril! }),
    value: vectors,
  },
  {
    name: "MultivariateNormal by covariance",
    factory: "MultivariateNormal",
    parameters: [means, definite],
    make: (mean, covariance) => MultivariateNormal({ mean: mean!, covariance: covariance! }),
    value: vectors,
  },
  {
    name: "MultivariateNormal by precision",
    factory: "MultivariateNormal",
    parameters: [means, definite],
    make: (mean, precision) => MultivariateNormal({ mean: mean!, precision: precision! }),
    value: vectors,
  },
  {
    name: "MultivariateNormal by variance",
    factory: "MultivariateNormal",
    parameters: [means, f64([2, 2], 0.3, 2, 1.1, 0.7)],
    make: (mean, variance) => MultivariateNormal({ mean: mean!, variance: variance! }),
    value: vectors,
  },
  {
    name: "MultivariateNormal of low rank",
    factory: "MultivariateNormal",
    parameters: [f64([2, 2, 1], 0.8, -1.2, 0.3, 0.5), f64([2, 2], 0.3, 2, 1.1, 0.7)],
    make: (factor, diagonal) =>
      MultivariateNormal({ mean: 0.3, lowRank: { factor: factor!, diagonal: diagonal! } }),
    value: vectors,
  },
];

const counting: readonly Entry[] = [
  {
    name: "Poisson of small rates",
    factory: "Poisson",
    parameters: [f64([2], 0.7, 6.5)],
    make: (rate) => Poisson({ rate: rate! }),
    value: f64([2], 3, 0),
    events: f64([60, 1], ...counts(59)),
    lacks: ["entropy"],
  },
  {
    name: "Poisson of large rates",
    factory: "Poisson",
    parameters: [f64([2], 2.6, 5)],
    make: (logRate) => Poisson({ logRate: logRate! }),
    value: f64([2], 9, 160),
    events: f64([400, 1], ...counts(399)),
    lacks: ["entropy"],
  },
  {
    name: "NegativeBinomial",
    factory: "NegativeBinomial",
    parameters: [f64([2], -0.4, 0.3)],
    make: (logits) => NegativeBinomial({ total: 2.5, logits: logits! }),
    value: f64([2], 3, 0),
    events: f64([200, 1], ...counts(199)),
    lacks: ["entropy"],
  },
  {
    name: "NegativeBinomial of many totals",
    factory: "NegativeBinomial",
    parameters: [f64([2], 0.8, 3.5), f64([2], 0.4, 0.6)],
    make: (total, probs) => NegativeBinomial({ total: total!, probs: probs! }),
    value: f64([2], 3, 0),
    events: f64([200, 1], ...counts(199)),
    lacks: ["entropy"],
  },
  {
    name: "Binomial by logits",
    factory: "Binomial",
    parameters: [f64([2], -0.7, 2.3)],
    make: (logits) => Binomial({ total: 12, logits: logits! }),
    value: f64([2], 3, 12),
    events: f64([13, 1], ...counts(12)),
  },
  {
    name: "Binomial by probs",
    factory: "Binomial",
    parameters: [f64([2], 0.02, 0.7)],
    make: (probs) => Binomial({ total: 100, probs: probs! }),
    value: f64([2], 0, 68),
    events: f64([101, 1], ...counts(100)),
  },
];

export const specialEntries: readonly Entry[] = [
  {
    name: "Gamma by rate",
    factory: "Gamma",
    parameters: [f64([2], 0.6, 7), f64([2], 1.5, 0.4)],
    make: (concentration, rate) => Gamma({ concentration: concentration!, rate: rate! }),
    value: f64([2], 0.3, 20),
    grid: scalars(line(-40, 8, 1601).map(Math.exp)),
    implicit: true,
  },
  {
    name: "Gamma by scale",
    factory: "Gamma",
    parameters: [f64([2], 1.2, 40)],
    make: (scale) => Gamma({ concentration: 2, scale: scale! }),
    value: f64([2], 0.3, 20),
  },
  {
    name: "InverseGamma",
    factory: "InverseGamma",
    parameters: [f64([2], 8, 12), f64([2], 1.5, 0.4)],
    make: (concentration, scale) => InverseGamma({ concentration: concentration!, scale: scale! }),
    value: f64([2], 0.3, 0.05),
    grid: scalars(line(-12, 8, 1001).map(Math.exp)),
    implicit: true,
  },
  {
    name: "Beta",
    factory: "Beta",
    parameters: [f64([2], 0.7, 6), f64([2], 2.5, 3)],
    make: (alpha, beta) => Beta({ alpha: alpha!, beta: beta! }),
    value: f64([2], 0.1, 0.8),
    grid: scalars(odds),
    implicit: true,
  },
  {
    name: "Dirichlet",
    factory: "Dirichlet",
    parameters: [f64([2, 3], 0.7, 2, 1.1, 6, 3, 0.4)],
    make: (concentration) => Dirichlet({ concentration: concentration! }),
    value: f64([2, 3], 0.2, 0.3, 0.5, 0.9, 0.02, 0.08),
    implicit: true,
  },
  {
    name: "Dirichlet of two",
    factory: "Dirichlet",
    parameters: [f64([2, 2], 0.7, 2, 6, 3)],
    make: (concentration) => Dirichlet({ concentration: concentration! }),
    value: f64([2, 2], 0.2, 0.8, 0.6, 0.4),
    grid: [odds, f64([odds.length, 1, 2], ...odds.flatMap((x) => [x, 1 - x]))],
    implicit: true,
  },
  {
    name: "StudentT",
    factory: "StudentT",
    parameters: [f64([2], 9, 30), f64([2], 0.5, -2), f64([2], 1.5, 0.3)],
    make: (df, location, scale) =>
      StudentT({ degreesOfFreedom: df!, location: location!, scale: scale! }),
    value: f64([2], 1.1, -2.5),
    grid: scalars(line(-30, 30, 1001)),
    implicit: true,
  },
  {
    name: "TruncatedNormal",
    factory: "TruncatedNormal",
    parameters: [f64([2], 0.5, -2), f64([2], 1.5, 0.6)],
    make: (mean, std) => TruncatedNormal({ mean: mean!, std: std!, low: -1, high: 2.5 }),
    value: f64([2], 0.7, -0.8),
    grid: scalars(line(-1, 2.5, 8001)),
  },
  {
    name: "TruncatedNormal of one end",
    factory: "TruncatedNormal",
    parameters: [f64([2], 0.5, -2), f64([2], 1.5, 0.6), f64([2], 0.9, 1.2)],
    make: (mean, std, low) =>
      TruncatedNormal({ mean: mean!, std: std!, low: low!, high: Number.POSITIVE_INFINITY }),
    value: f64([2], 1.7, 1.5),
  },
  ...multivariate,
  ...counting,
];
