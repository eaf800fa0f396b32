// Special functions against 40-digit values of mpmath, tails included; their derivatives; the runtime.
import { describe, expect, it } from "vitest";
import { checkGradient, gradients } from "../../src/autodiff/index.ts";
import * as ops from "../../src/ops/index.ts";
import { spec, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../src/trace/index.ts";
import { readGolden } from "../golden/read.ts";
import { B, compareGraph } from "./graph.ts";

const golden = readGolden("special");

const numbersOf = (name: string): number[] => Array.from(golden[name]!.data, Number);

// any number of values; each function checks its own
type Special = (...xs: [Value, Value, Value]) => Value;
type Float = "float32" | "float64";

/** A function at the golden points of another name's arguments. */
function at(f: Special, family: string, names: readonly string[], dtype: Float): number[] {
  const inputs = names.map((name) => {
    const values = numbersOf(`${family}.${name}`);
    return tensorOf(values, [values.length], dtype);
  });
  const program = trace((xs) => f(...(xs as unknown as [Value, Value, Value])), inputs);
  return Array.from((evaluate(program, inputs) as unknown as Tensor).data, Number);
}

/** Largest |found − exact| / max(|exact|, floor), and where. */
function worst(found: readonly number[], exact: readonly number[], floor: number) {
  let result = { error: 0, index: -1, found: 0, exact: 0 };
  for (const [i, y] of exact.entries()) {
    const error = Math.abs(found[i]! - y) / Math.max(Math.abs(y), floor);
    if (!(error <= result.error)) result = { error, index: i, found: found[i]!, exact: y };
  }
  return result;
}

interface Case {
  readonly name: string;
  readonly f: Special;
  readonly arguments: readonly string[];
  /** Relative error allowed in float64 and float32, and the size below which it is absolute instead. */
  readonly double: number;
  readonly single?: number;
  readonly floor?: number;
}

const one = (name: string, f: Special, double: number, floor = 1e-300, single?: number): Case => ({
  name,
  f,
  arguments: ["x"],
  double,
  floor,
  ...(single === undefined ? {} : { single }),
});

const cases: readonly Case[] = [
  one("logGamma", ops.logGamma, 1e-14, 1, 2e-6),
  one("digamma", ops.digamma, 1e-14, 1, 2e-6),
  one("polygamma1", (x) => ops.polygamma(1, x), 1e-14, 1e-300, 2e-6),
  one("polygamma2", (x) => ops.polygamma(2, x), 1e-14, 1e-300),
  one("polygamma5", (x) => ops.polygamma(5, x), 1e-13, 1e-300),
  { name: "logBeta", f: ops.logBeta, arguments: ["a", "b"], double: 1e-14, floor: 1, single: 5e-6 },
  one("logErfc", ops.logErfc, 1e-14, 1, 1e-6),
  one("erfc", ops.erfc, 1e-13, 1e-300),
  one("logNormalCdf", ops.logNormalCdf, 1e-14, 1, 1e-6),
  { name: "erfInverse", f: ops.erfInverse, arguments: ["argument"], double: 1e-13, floor: 1e-300 },
  { name: "normalQuantile", f: ops.normalQuantile, arguments: ["p"], double: 1e-13, floor: 1 },
  {
    name: "normalQuantileOfLog",
    f: ops.normalQuantileOfLog,
    arguments: ["l"],
    double: 1e-12,
    floor: 1,
    single: 1e-4,
  },
  one("logOneMinusExp", ops.logOneMinusExp, 1e-14, 1e-307),
  {
    name: "lowerIncompleteGamma",
    f: ops.lowerIncompleteGamma,
    arguments: ["a", "x"],
    double: 1e-10,
    floor: 1e-200,
    single: 1e-3,
  },
  {
    name: "upperIncompleteGamma",
    f: ops.upperIncompleteGamma,
    arguments: ["a", "x"],
    double: 1e-10,
    floor: 1e-5,
    single: 1e-3,
  },
  {
    name: "incompleteBeta",
    f: ops.incompleteBeta,
    arguments: ["a", "b", "x"],
    double: 1e-10,
    floor: 1e-200,
    single: 5e-3,
  },
];

describe.each(cases)("$name", ({ name, f, arguments: names, double, single, floor = 1 }) => {
  it("agrees with 40 digits in float64", () => {
    const found = worst(at(f, name, names, "float64"), numbersOf(`${name}.y`), floor);
    expect(found.error, JSON.stringify(found)).toBeLessThan(double);
  });

  if (single === undefined) return;

  it("agrees in float32", () => {
    // a float32 just below 1 is not the golden argument any more
    const last = numbersOf(`${name}.${names.at(-1)}`);
    const keep = <T>(values: readonly T[]): T[] =>
      name === "incompleteBeta" ? values.filter((_, i) => last[i]! < 1 - 2 ** -20) : [...values];
    const found = worst(
      keep(at(f, name, names, "float32")),
      keep(numbersOf(`${name}.y`)),
      Math.max(floor, 1e-30),
    );
    expect(found.error, JSON.stringify(found)).toBeLessThan(single);
  });
});

describe("derivatives of distribution functions towards shapes", () => {
  const derivative =
    (f: Special, index: number): Special =>
    (...xs) =>
      gradients(ops.sum(f(...xs)), xs)[index]!;
  const gammas = ["a", "x"];
  const betas = ["a", "b", "x"];

  it.each([
    ["lowerIncompleteGamma.d_a", derivative(ops.lowerIncompleteGamma, 0), gammas],
    ["upperIncompleteGamma.d_x", derivative(ops.upperIncompleteGamma, 1), gammas],
    ["betaVariate.d_a", derivative(ops.incompleteBeta, 0), betas],
    ["betaVariate.d_b", derivative(ops.incompleteBeta, 1), betas],
  ])("%s agrees with 40 digits", (name, f, names) => {
    const found = worst(at(f, name.split(".")[0]!, names, "float64"), numbersOf(name), 1e-12);
    expect(found.error, JSON.stringify(found)).toBeLessThan(1e-7);
  });

  it("a variate moves with its shapes as the implicit gradient says", () => {
    const gamma: Special = (a, x) => ops.gammaVariateSlope(a, ops.log(x)).mul(x);
    const logits = (x: Value): Value => ops.log(x).sub(ops.log1p(x.neg()));
    const beta =
      (towards: 0 | 1): Special =>
      (a, b, x) =>
        ops.betaVariateSlopes(a, b, logits(x))[towards].mul(x).mul(x.neg().add(1));
    const found = {
      gamma: worst(
        at(gamma, "gammaVariate", gammas, "float64"),
        numbersOf("gammaVariate.slope"),
        1e-300,
      ),
      a: worst(
        at(beta(0), "betaVariate", betas, "float64"),
        numbersOf("betaVariate.slope_a"),
        1e-300,
      ),
      b: worst(
        at(beta(1), "betaVariate", betas, "float64"),
        numbersOf("betaVariate.slope_b"),
        1e-300,
      ),
    };
    for (const [name, { error, ...rest }] of Object.entries(found)) {
      expect(error, `${name} ${JSON.stringify(rest)}`).toBeLessThan(1e-6);
    }
  });
});

describe("first and second derivatives are those of central differences", () => {
  const f64 = (...values: number[]): Tensor => tensorOf(values, [values.length], "float64");
  const shapes = f64(0.3, 1, 4.5, 30);
  const others = f64(2.1, 0.6, 7, 22);
  const points = f64(0.2, 1.7, 3, 40);
  const reals = f64(-2.1, -0.02, 0.6, 3);
  const units = f64(0.01, 0.3, 0.55, 0.97);
  const checks: Record<string, [f: Special, inputs: Tensor[]]> = {
    logGamma: [ops.logGamma, [shapes]],
    polygamma: [(x) => ops.polygamma(2, x), [f64(1, 2.5, 4.5, 30)]],
    logBeta: [ops.logBeta, [shapes, others]],
    logBinomial: [(n, k) => ops.logBinomial(n.add(k), k), [shapes, others]],
    logGammaKernel: [ops.logGammaKernel, [shapes, points]],
    logErfc: [ops.logErfc, [reals]],
    logNormalCdf: [ops.logNormalCdf, [reals]],
    inverseMillsRatio: [ops.inverseMillsRatio, [reals]],
    erfInverse: [(x) => ops.erfInverse(x.mul(2).sub(1)), [f64(0.2, 0.3, 0.505, 0.8)]],
    normalQuantile: [ops.normalQuantile, [f64(0.1, 0.3, 0.55, 0.8)]],
    normalQuantileOfLog: [ops.normalQuantileOfLog, [f64(-30, -3, -0.6, -0.2)]],
    logOneMinusExp: [ops.logOneMinusExp, [f64(-5, -0.9, -0.6, -0.2)]],
    logAddExp: [ops.logAddExp, [reals, shapes]],
    lowerIncompleteGamma: [ops.lowerIncompleteGamma, [shapes, points]],
    upperIncompleteGamma: [ops.upperIncompleteGamma, [shapes, points]],
    incompleteBeta: [ops.incompleteBeta, [shapes, others, units]],
    gammaVariateSlope: [ops.gammaVariateSlope, [shapes, reals]],
    betaVariateSlopes: [(a, b, y) => ops.betaVariateSlopes(a, b, y)[0], [shapes, others, reals]],
  };

  it.each(Object.entries(checks))("%s", (_name, [f, inputs]) => {
    const weights = tensorOf([0.7, -1.1, 0.4, 1.3], [4], "float64");
    const first = (...xs: Value[]): Value =>
      ops.sum(f(...(xs as [Value, Value, Value])).mul(ops.constant(weights)));
    expect(checkGradient(first, inputs).error).toBeLessThan(1e-6);
    const second = (...xs: Value[]): Value =>
      gradients(first(...xs), xs)
        .map((g) => ops.sum(g.mul(ops.constant(weights))))
        .reduce((p, q) => p.add(q));
    expect(checkGradient(second, inputs).error).toBeLessThan(1e-5);
  });
});

describe.each([
  ["float64", "cpu", 1e-10],
  ["float32", "cpu", 2e-5],
  ["float32", "export", 2e-5],
] as const)("in the runtime, %s, %s", (dtype, target, tolerance) => {
  it("every function and its gradients agree with plain evaluation", async () => {
    const specs = { a: spec(dtype, [B, 4]), b: spec(dtype, [B, 4]), x: spec(dtype, [B, 4]) };
    const runs = [1, 3].map((rows) => {
      const fill = (from: number, step: number): Tensor =>
        tensorOf(
          Array.from({ length: 4 * rows }, (_, i) => from + step * i),
          [rows, 4],
          dtype,
        );
      return { a: fill(0.2, 1.3), b: fill(3, 0.9), x: fill(0.03, 0.07) };
    });
    const { worst: found, operators } = await compareGraph(
      ({ a, b, x }) => {
        const [p, q, z] = [a!, b!, x!];
        const ys: Record<string, Value> = {
          logGamma: ops.logGamma(p),
          digamma: ops.digamma(p),
          logBeta: ops.logBeta(p, q),
          kernel: ops.logGammaKernel(p, q),
          logErfc: ops.logErfc(q.sub(p)),
          mills: ops.inverseMillsRatio(p.sub(q)),
          quantile: ops.normalQuantile(z),
          erfInverse: ops.erfInverse(z),
          lower: ops.lowerIncompleteGamma(p, q),
          upper: ops.upperIncompleteGamma(p, q),
          beta: ops.incompleteBeta(p, q, z),
        };
        const total = Object.values(ys).reduce((sum, y) => sum.add(ops.sum(y)), ops.sum(p).mul(0));
        const [da, db, dx] = gradients(total, [p, q, z]) as [Value, Value, Value];
        return { ...ys, da, db, dx };
      },
      specs,
      target,
      runs,
    );
    expect(found.error, found.output).toBeLessThan(tolerance);
    expect(operators.length).toBeLessThan(1500);
  });
});

it("an incomplete gamma function stays below 150 nodes in float32", async () => {
  const specs = { a: spec("float32", [B]), x: spec("float32", [B]) };
  const { operators } = await compareGraph(
    ({ a, x }) => ({ y: ops.lowerIncompleteGamma(a!, x!) }),
    specs,
    "export",
    [],
  );
  expect(operators.length).toBeLessThan(150);
});

it("an order that polygamma has not is one line that says so", () => {
  const attempt = (m: number) => () =>
    trace(({ x }) => ops.polygamma(m, x), { x: spec("float32", [2]) });
  expect(attempt(-1)).toThrow(/polygamma: the order must be a whole number 0 … 16, got -1/);
  expect(attempt(0.5)).toThrow(/got 0.5/);
});
