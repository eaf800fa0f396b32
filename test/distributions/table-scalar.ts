// Families of real numbers by location and scale, and those of counts.
import {
  Cauchy,
  type Distribution,
  Exponential,
  Geometric,
  Gumbel,
  HalfNormal,
  Laplace,
  Logistic,
  LogNormal,
  Multinomial,
  Uniform,
} from "../../src/distributions/index.ts";
import type { Value } from "../../src/trace/index.ts";
import { type Entry, f64, halfLine, line, scalars } from "./entry.ts";

type Located = (options: { location: Value; scale: Value }) => Distribution;

/** An entry of a family that is given by location and scale. */
const located = (
  factory: string,
  family: Located,
  rest: Pick<Entry, "value" | "grid" | "lacks">,
): Entry => ({
  name: factory,
  factory,
  parameters: [f64([2], 0.5, -2), f64([2], 1.5, 0.3)],
  make: (location, scale) => family({ location: location!, scale: scale! }),
  ...rest,
});

/** Tails of a Cauchy distribution: sinh spreads the points. */
const wide = line(-25, 25, 8001).map(Math.sinh);

export const scalarEntries: readonly Entry[] = [
  located("Laplace", Laplace, { value: f64([2], 1.1, -2.5), grid: scalars(line(-40, 40, 12_001)) }),
  located("Logistic", Logistic, { value: f64([2], 1.1, -2.5), grid: scalars(line(-50, 50, 8001)) }),
  located("Gumbel", Gumbel, { value: f64([2], 1.1, -2.5), grid: scalars(line(-20, 50, 8001)) }),
  located("Cauchy", Cauchy, {
    value: f64([2], 1.1, -2.5),
    grid: scalars(wide),
    lacks: ["mean", "variance"],
  }),
  {
    ...located("LogNormal", LogNormal, { value: f64([2], 1.1, 0.1), grid: scalars(halfLine) }),
    // divergences from it are estimated too, for which its tail must not be too heavy
    parameters: [f64([2], 0.5, -2), f64([2], 0.4, 0.3)],
  },
  {
    name: "Laplace by logScale",
    factory: "Laplace",
    parameters: [f64([2, 3], 0.5, -2, 0, 1, 2, 3), f64([2, 3], 0.4, -1.3, 0, 1, -2, 0.1)],
    make: (location, logScale) => Laplace({ location: location!, logScale: logScale! }),
    value: f64([2, 3], 1.1, -2.5, 0.2, -1, 3, 3.3),
  },
  {
    name: "LogNormal by logScale",
    factory: "LogNormal",
    parameters: [f64([2], -0.3, 0.2)],
    make: (logScale) => LogNormal({ location: 0.5, logScale: logScale! }),
    value: f64([2], 1.1, 0.4),
  },
  {
    name: "Uniform",
    factory: "Uniform",
    parameters: [f64([2], -1, -0.5), f64([2], 0.5, 4)],
    make: (low, high) => Uniform({ low: low!, high: high! }),
    value: f64([2], 0.1, 3.7),
    grid: scalars(line(-1.2, 4.2, 12_001)),
  },
  {
    name: "Exponential by rate",
    factory: "Exponential",
    parameters: [f64([2], 0.5, 3)],
    make: (rate) => Exponential({ rate: rate! }),
    value: f64([2], 1.3, 0.2),
    grid: scalars(halfLine),
  },
  {
    name: "Exponential by scale",
    factory: "Exponential",
    parameters: [f64([2], 0.5, 3)],
    make: (scale) => Exponential({ scale: scale! }),
    value: f64([2], 1.3, 0.2),
  },
  {
    name: "HalfNormal",
    factory: "HalfNormal",
    parameters: [f64([2], 0.5, 3)],
    make: (scale) => HalfNormal({ scale: scale! }),
    value: f64([2], 1.3, 0.2),
    grid: scalars(halfLine),
  },
  {
    name: "HalfNormal by logScale",
    factory: "HalfNormal",
    parameters: [f64([2], 0.5, -0.3)],
    make: (logScale) => HalfNormal({ logScale: logScale! }),
    value: f64([2], 1.3, 0.2),
  },
  {
    name: "Geometric by logits",
    factory: "Geometric",
    parameters: [f64([2], -1.7, 0.9)],
    make: (logits) => Geometric({ logits: logits! }),
    value: f64([2], 4, 0),
    events: f64([150, 1], ...line(0, 149, 150)),
  },
  {
    name: "Geometric by probs",
    factory: "Geometric",
    parameters: [f64([2], 0.2, 0.7)],
    make: (probs) => Geometric({ probs: probs! }),
    value: f64([2], 1, 2),
    events: f64([150, 1], ...line(0, 149, 150)),
  },
  {
    name: "Multinomial",
    factory: "Multinomial",
    parameters: [f64([2, 3], 0.3, -1.1, 0.7, 2, 0.1, -0.4)],
    make: (logits) => Multinomial({ total: 2, logits: logits! }),
    value: f64([2, 3], 0, 1, 1, 2, 0, 0),
    events: f64([6, 1, 3], 2, 0, 0, 1, 1, 0, 1, 0, 1, 0, 2, 0, 0, 1, 1, 0, 0, 2),
    lacks: ["entropy"],
  },
];
