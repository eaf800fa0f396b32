import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  eigenvalues,
  exponentialAction,
  flatten,
  identity,
  logDeterminant,
  luFactor,
  luSolve,
  matrixExponential,
  multiply,
  norm2,
  phiFunctions,
  qrFactor,
  singularValues,
  solveUpper,
  toRows,
  transpose,
} from "../../src/numerics/index.ts";
import { readGolden } from "../golden/read.ts";

const golden = readGolden("ode");
const arrayOf = (name: string) => golden[name]!.data as Float64Array;
const distance = (a: Float64Array, b: Float64Array) => norm2(a.map((x, i) => x - b[i]!));

const matrices = (n: number) =>
  fc
    .array(fc.integer({ min: -3000, max: 3000 }), { minLength: n * n, maxLength: n * n })
    .map((values) => Float64Array.from(values, (x) => x / 1000));

describe("factorizations", () => {
  it("leave residuals of rounding only", () => {
    fc.assert(
      fc.property(matrices(5), matrices(5), (A, x) => {
        const lu = luFactor(A, 5);
        fc.pre(lu.pivotRatio > 1e-9);
        const b = multiply(A, x, 5, 5, 5);
        const found = luSolve(lu, b, 5);
        const residual = distance(multiply(A, found, 5, 5, 5), b);
        expect(residual).toBeLessThanOrEqual(1e-13 * norm2(A) * norm2(found));
      }),
    );
  });

  it("keep the determinant and the logarithm of one that overflows", () => {
    const { sign, log } = logDeterminant(luFactor(Float64Array.of(0, 2, 3, 1), 2));
    expect(sign).toBe(-1);
    expect(log).toBeCloseTo(Math.log(6), 14);
    const large = identity(40).map((x) => x * 1e20);
    expect(logDeterminant(luFactor(large, 40)).log).toBeCloseTo(40 * 20 * Math.LN10, 9);
  });

  it("give an orthogonal Q, a triangular R, and the sign of Q", () => {
    fc.assert(
      fc.property(matrices(4), (A) => {
        const X = A.slice(0, 12); // [4, 3]
        const { q, r, sign } = qrFactor(X, 4, 3);
        expect(distance(multiply(transpose(q, 4, 4), q, 4, 4, 4), identity(4))).toBeLessThan(1e-14);
        const product = multiply(q, Float64Array.from([...r, 0, 0, 0]), 4, 4, 3);
        expect(distance(product, X)).toBeLessThan(1e-13);
        expect(logDeterminant(luFactor(q, 4)).sign).toBe(sign);
      }),
    );
  });

  it("solve triangular systems", () => {
    const r = Float64Array.of(2, 1, 0, 4);
    expect(Array.from(solveUpper(r, Float64Array.of(4, 8), 2, 1))).toEqual([1, 2]);
  });

  it("give eigenvalues and singular values", () => {
    const rotation = Float64Array.of(0, -2, 2, 0);
    expect(eigenvalues(rotation, 2).map(({ im }) => Math.abs(im))).toEqual([2, 2]);
    expect(singularValues(Float64Array.of(3, 0, 0, 0, -5, 0), 3)).toEqual([5, 3]);
  });

  it("say what is wrong with a matrix", () => {
    expect(() => flatten([[1, 2], [3]], 2, 2, "A")).toThrow("A: must be [2, 2], got 2 rows of 1.");
    expect(toRows(flatten([[1, 2]], 1, 2), 2)).toEqual([[1, 2]]);
  });
});

describe("the matrix exponential", () => {
  it.each([2, 3, 4, 5, 8])("agrees with SciPy, n = %i", (n) => {
    const want = arrayOf(`expm/${n}/value`);
    const got = matrixExponential(arrayOf(`expm/${n}/matrix`), n);
    expect(distance(got, want)).toBeLessThan(1e-12 * norm2(want));
  });

  it("turns sums of commuting matrices into products", () => {
    fc.assert(
      fc.property(matrices(3), (A) => {
        const whole = matrixExponential(A, 3);
        const half = matrixExponential(
          A.map((x) => x / 2),
          3,
        );
        expect(distance(multiply(half, half, 3, 3, 3), whole)).toBeLessThan(1e-12 * norm2(whole));
      }),
    );
  });

  it("refuses what is not finite", () => {
    expect(() => matrixExponential(Float64Array.of(Number.NaN), 1)).toThrow("not finite");
  });

  it("gives the phi functions of mpmath", () => {
    const want = arrayOf("phi/value");
    for (const [k, phi] of phiFunctions(arrayOf("phi/matrix"), 3, 3).entries()) {
      const exact = want.slice(9 * k, 9 * k + 9);
      expect(distance(phi, exact)).toBeLessThan(1e-14 * norm2(exact));
    }
  });

  it("acts on a vector by products alone", () => {
    const n = 200;
    const laplacian = (x: Float64Array) =>
      x.map((value, i) => 100 * ((x[i - 1] ?? 0) - 2 * value + (x[i + 1] ?? 0)));
    // Eigenvectors of the second difference are sines.
    const sine = (k: number) =>
      Float64Array.from({ length: n }, (_, i) => Math.sin((k * Math.PI * (i + 1)) / (n + 1)));
    const rate = (k: number) => -400 * Math.sin((k * Math.PI) / (2 * (n + 1))) ** 2;
    const start = sine(3).map((x, i) => x + 0.5 * sine(40)[i]!);
    for (const tolerance of [1e-6, 1e-12]) {
      const { value, products } = exponentialAction(laplacian, start, 1, { tolerance });
      const exact = sine(3).map(
        (x, i) => Math.exp(rate(3)) * x + 0.5 * Math.exp(rate(40)) * sine(40)[i]!,
      );
      expect(distance(value, exact)).toBeLessThan(10 * tolerance * norm2(start));
      expect(products).toBeLessThan(n);
    }
  });

  it("takes substeps where one subspace does not reach", () => {
    const rates = Float64Array.from({ length: 60 }, (_, i) => -i * 8);
    const { value, substeps } = exponentialAction(
      (x) => x.map((v, i) => v * rates[i]!),
      new Float64Array(60).fill(1),
      1,
      { dimension: 20, tolerance: 1e-9 },
    );
    expect(substeps).toBeGreaterThan(1);
    expect(distance(value, rates.map(Math.exp))).toBeLessThan(1e-7);
  });
});
