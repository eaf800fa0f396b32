// Every distribution of the library, with parameters for the tests of the shared contract.
import {
  Bernoulli,
  Categorical,
  ExpRelaxedOneHotCategorical,
  Independent,
  LogitRelaxedBernoulli,
  Normal,
  OneHotCategorical,
  RelaxedBernoulli,
  RelaxedOneHotCategorical,
} from "../../src/distributions/index.ts";
import { tensorOf } from "../../src/tensor/index.ts";
import { type Entry, f64, line, scalars, unit } from "./entry.ts";
import { combinedEntries } from "./table-combined.ts";
import { scalarEntries } from "./table-scalar.ts";
import { specialEntries } from "./table-special.ts";

const numbersOf = (data: ArrayLike<number | bigint>): number[] => Array.from(data, Number);

const three = f64([2, 3], 0.3, -1.1, 0.7, 2, 0.1, -0.4);
const identity = f64([3, 1, 3], 1, 0, 0, 0, 1, 0, 0, 0, 1);
const two = f64([2, 1], -0.4, 1.2);
const probs = f64([2, 3], 0.2, 0.3, 0.5, 0.7, 0.2, 0.1);
const simplex = f64([2, 3], 0.2, 0.3, 0.5, 0.9, 0.02, 0.08);

export const table: readonly Entry[] = [
  ...scalarEntries,
  ...combinedEntries,
  ...specialEntries,
  {
    name: "Normal by std",
    factory: "Normal",
    parameters: [f64([2], 0.5, -2), f64([2], 1.5, 0.3)],
    make: (mean, std) => Normal({ mean: mean!, std: std! }),
    value: f64([2], 1.1, -2.5),
    grid: scalars(line(-20, 20, 8001)),
  },
  {
    name: "Normal by logVariance",
    factory: "Normal",
    parameters: [f64([2, 3], 0.5, -2, 0, 1, 2, 3), f64([2, 3], 0.4, -1.3, 0, 1, -2, 0.1)],
    make: (mean, logVariance) => Normal({ mean: mean!, logVariance: logVariance! }),
    value: f64([2, 3], 1.1, -2.5, 0, 1, 3, 3.3),
  },
  {
    name: "Normal of one std",
    factory: "Normal",
    parameters: [f64([2, 3], 0.5, -2, 0, 1, 2, 3)],
    make: (mean) => Normal({ mean: mean!, std: 0.7 }),
    value: f64([2, 3], 1.1, -2.5, 0, 1, 3, 3.3),
  },
  {
    name: "Bernoulli by logits",
    factory: "Bernoulli",
    parameters: [f64([2], -0.7, 1.9)],
    make: (logits) => Bernoulli({ logits: logits! }),
    value: f64([2], 1, 0),
    events: f64([2, 1], 0, 1),
  },
  {
    name: "Bernoulli by probs",
    factory: "Bernoulli",
    parameters: [f64([2], 0.03, 0.6)],
    make: (p) => Bernoulli({ probs: p! }),
    value: f64([2], 1, 0),
    events: f64([2, 1], 0, 1),
  },
  {
    name: "Categorical by logits",
    factory: "Categorical",
    parameters: [three],
    make: (logits) => Categorical({ logits: logits! }),
    value: tensorOf([2, 0], [2], "int64"),
    events: tensorOf([0, 1, 2], [3, 1], "int32"),
  },
  {
    name: "Categorical by probs",
    factory: "Categorical",
    parameters: [probs],
    make: (p) => Categorical({ probs: p! }),
    value: tensorOf([2, 0], [2], "uint8"),
    events: tensorOf([0, 1, 2], [3, 1], "int64"),
  },
  {
    name: "OneHotCategorical",
    factory: "OneHotCategorical",
    parameters: [three],
    make: (logits) => OneHotCategorical({ logits: logits! }),
    value: f64([2, 3], 0, 0, 1, 1, 0, 0),
    events: identity,
  },
  {
    name: "RelaxedOneHotCategorical",
    factory: "RelaxedOneHotCategorical",
    parameters: [three],
    make: (logits) => RelaxedOneHotCategorical({ temperature: 0.6, logits: logits! }),
    value: simplex,
    lacks: ["entropy", "mean", "variance"],
  },
  {
    name: "RelaxedOneHotCategorical of two",
    factory: "RelaxedOneHotCategorical",
    parameters: [f64([2, 2], 0.2, -0.3, 1, 0)],
    make: (logits) => RelaxedOneHotCategorical({ temperature: 0.4, logits: logits! }),
    value: f64([2, 2], 0.2, 0.8, 0.5, 0.5),
    lacks: ["entropy", "mean", "variance"],
    grid: [unit, f64([unit.length, 1, 2], ...unit.flatMap((x) => [x, 1 - x]))],
  },
  {
    name: "ExpRelaxedOneHotCategorical",
    factory: "ExpRelaxedOneHotCategorical",
    parameters: [probs],
    make: (p) => ExpRelaxedOneHotCategorical({ temperature: 0.6, probs: p! }),
    value: f64([2, 3], ...numbersOf(simplex.data).map(Math.log)),
    lacks: ["entropy", "mean", "variance"],
  },
  {
    name: "RelaxedBernoulli",
    factory: "RelaxedBernoulli",
    parameters: [f64([2], -0.7, 1.9)],
    make: (logits) => RelaxedBernoulli({ temperature: 0.5, logits: logits! }),
    value: f64([2], 0.3, 0.9),
    lacks: ["entropy", "mean", "variance"],
    grid: scalars(unit),
  },
  {
    name: "LogitRelaxedBernoulli",
    factory: "LogitRelaxedBernoulli",
    parameters: [f64([2], 0.3, 0.9)],
    make: (p) => LogitRelaxedBernoulli({ temperature: 0.5, probs: p! }),
    value: f64([2], 0.3, -4),
    grid: scalars(line(-90, 90, 8001)),
  },
  {
    name: "Independent Normal",
    factory: "Independent",
    parameters: [three, f64([2, 1], 0.4, 1.3)],
    make: (mean, std) => Independent(Normal({ mean: mean!, std: std! }), 1),
    value: simplex,
  },
  {
    name: "Independent OneHotCategorical",
    factory: "Independent",
    parameters: [f64([2, 2, 3], ...[three, probs].flatMap(({ data }) => numbersOf(data)))],
    make: (logits) => Independent(OneHotCategorical({ logits: logits! }), 1),
    value: f64([2, 2, 3], 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0),
    events: f64(
      [9, 1, 2, 3],
      ...[0, 1, 2].flatMap((i) =>
        [0, 1, 2].flatMap((j) => [i, j].flatMap((k) => [0, 1, 2].map((n) => Number(n === k)))),
      ),
    ),
  },
  {
    name: "Independent Bernoulli",
    factory: "Independent",
    parameters: [two],
    make: (logits) => Independent(Bernoulli({ logits: logits! }), 1),
    value: f64([2, 1], 0, 1),
    events: f64([2, 1, 1], 0, 1),
  },
];
