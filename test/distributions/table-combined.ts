// Distributions made of others.
import {
  bijectors,
  Categorical,
  Exponential,
  Gumbel,
  Independent,
  Laplace,
  Mixture,
  Normal,
  Transformed,
  Uniform,
} from "../../src/distributions/index.ts";
import type { Value } from "../../src/trace/index.ts";
import { type Entry, f64, halfLine, line, scalars, unit } from "./entry.ts";

const all = ["entropy", "mean", "variance"] as const;

const normal = (mean: Value, std: Value): Normal => Normal({ mean, std });
const parameters = [f64([2], 0.5, -0.7), f64([2], 0.9, 0.4)] as const;

const transformed = (
  name: string,
  make: (mean: Value, std: Value) => Transformed,
  rest: Pick<Entry, "value" | "grid" | "lacks">,
): Entry => ({
  name: `Transformed by ${name}`,
  factory: "Transformed",
  parameters,
  make: (mean, std) => make(mean!, std!),
  ...rest,
});

export const combinedEntries: readonly Entry[] = [
  transformed(
    "affine",
    (m, s) => Transformed(normal(m, s), bijectors.affine({ shift: s, scale: m })),
    {
      value: f64([2], 1.2, 0.3),
      grid: scalars(line(-20, 20, 8001)),
    },
  ),
  transformed("exp", (m, s) => Transformed(normal(m, s), bijectors.exp), {
    value: f64([2], 1.2, 0.3),
    grid: scalars(halfLine),
    lacks: ["mean", "variance"],
  }),
  transformed("sigmoid", (m, s) => Transformed(normal(m, s), bijectors.sigmoid), {
    value: f64([2], 0.8, 0.3),
    grid: scalars(unit),
    lacks: all,
  }),
  transformed("tanh", (m, s) => Transformed(normal(m, s), bijectors.tanh), {
    value: f64([2], 0.8, -0.3),
    grid: scalars(unit.map((x) => 2 * x - 1).slice(1, -1)),
    lacks: all,
  }),
  transformed("softplus", (m, s) => Transformed(normal(m, s), bijectors.softplus), {
    value: f64([2], 0.8, 0.3),
    grid: scalars(halfLine),
    lacks: all,
  }),
  transformed(
    "power of an exponential (Weibull)",
    (_m, s) => Transformed(Exponential({ rate: s }), bijectors.power(0.7)),
    { value: f64([2], 0.8, 0.3), grid: scalars(halfLine), lacks: all },
  ),
  transformed(
    "a falling power",
    (_m, s) => Transformed(Exponential({ rate: s }), bijectors.power(-2)),
    { value: f64([2], 0.8, 0.3), grid: scalars(line(-50, 50).map(Math.exp)), lacks: all },
  ),
  {
    name: "Transformed vectors",
    factory: "Transformed",
    parameters: [f64([2, 3], 0.3, -1.1, 0.7, 2, 0.1, -0.4)],
    make: (mean) => Transformed(Independent(Normal({ mean: mean!, std: 0.6 }), 1), bijectors.exp),
    value: f64([2, 3], 0.2, 0.3, 0.5, 0.9, 0.4, 0.8),
    lacks: ["mean", "variance"],
  },
  {
    name: "Mixture of one family",
    factory: "Mixture",
    parameters: [f64([2, 3], 0.3, -1.1, 0.7, 2, 0.1, -0.4), f64([2, 3], 0, 4, -3, 1, 0.5, 2)],
    make: (logits, mean) =>
      Mixture({
        weights: Categorical({ logits: logits! }),
        components: Normal({ mean: mean!, std: 0.7 }),
      }),
    value: f64([2], 0.4, -1),
    grid: scalars(line(-12, 12, 8001)),
    lacks: ["entropy"],
  },
  {
    name: "Mixture of families",
    factory: "Mixture",
    parameters: [f64([2, 3], 0.2, 0.3, 0.5, 0.7, 0.2, 0.1), f64([2], 0.6, 1.4)],
    make: (probs, scale) =>
      Mixture({
        weights: Categorical({ probs: probs! }),
        components: [
          Laplace({ location: -1, scale: scale! }),
          Gumbel({ location: 2, scale: scale! }),
          Exponential({ scale: scale! }),
        ],
      }),
    value: f64([2], 0.4, 1.3),
    // half a step beside 0, where the density jumps
    grid: scalars(line(-40.005, 59.995, 10_001)),
    lacks: ["entropy"],
  },
  {
    name: "Mixture of vectors",
    factory: "Mixture",
    parameters: [f64([2, 2], 0.3, -1.1, 0.7, 2), f64([2, 2, 3], ...line(-1, 1, 12))],
    make: (logits, low) =>
      Mixture({
        weights: Categorical({ logits: logits! }),
        components: Independent(Uniform({ low: low!, high: low!.add(3) }), 1),
      }),
    value: f64([2, 3], 1.1, 1.3, 1.7, 1.1, 1.2, 1.9),
    lacks: ["entropy"],
  },
];
