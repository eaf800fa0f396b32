// Small dense linear algebra in the graph: held to the definitions (L·Lᵀ = A, T·x = b), to central
// differences, and to the runtime.
import { describe, expect, it } from "vitest";
import { checkGradient, gradients } from "../../src/autodiff/index.ts";
import {
  cholesky,
  constant,
  diagonal,
  diagonalMatrix,
  logDeterminant,
  lowerTriangular,
  matmul,
  solveTriangular,
  sum,
  transpose,
  triangularInverse,
} from "../../src/ops/index.ts";
import { dim, spec, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../src/trace/index.ts";
import { B, compareGraph, float32, float64, random } from "./graph.ts";

/** Symmetric positive definite [count, n, n]; `shift` near 0 makes them ill-conditioned. */
function positiveDefinite(
  count: number,
  n: number,
  shift: number,
  dtype: "float32" | "float64",
): Tensor {
  const root = random([count, n, n], `root ${n}`, "float64").data as Float64Array;
  const values = Array.from({ length: count * n * n }, (_, p) => {
    const [i, j] = [Math.floor(p / n) % n, p % n];
    const at = Math.floor(p / n / n) * n * n;
    let total = i === j ? shift : 0;
    for (let k = 0; k < n; k++) total += root[at + i * n + k]! * root[at + j * n + k]!;
    return total;
  });
  return tensorOf(values, [count, n, n], dtype);
}

const largest = ({ data }: Tensor): number =>
  Array.from(data, Number).reduce((m, v) => (Math.abs(v) <= m ? m : Math.abs(v)), 0);

const run = (
  build: (xs: Record<string, Value>) => Record<string, Value>,
  inputs: Record<string, Tensor>,
) =>
  evaluate(
    trace((xs) => build(xs as unknown as Record<string, Value>), inputs),
    inputs,
  ) as Record<string, Tensor>;

/** A scalar that moves with every element in its own way, and not linearly. */
function scalarOf(x: Value): Value {
  const shape = x.shape as number[];
  const count = shape.reduce((n, d) => n * d, 1);
  const weights = Array.from({ length: count }, (_, i) => Math.sin(1 + 1.7 * i));
  return sum(x.add(x.square().mul(0.3)).mul(constant(tensorOf(weights, shape, "float64"))));
}

describe.each([1, 2, 3, 5, 8, 17, 32])("n = %i", (n) => {
  const a = positiveDefinite(2, n, 0.01, "float64");

  it("cholesky is the lower triangular L with a positive diagonal and L·Lᵀ = A", () => {
    const { error, above, pivots } = run(
      ({ a }) => {
        const l = cholesky(a!);
        return {
          error: matmul(l, l, { transposeB: true }).sub(a!),
          above: l.sub(lowerTriangular(l)),
          pivots: diagonal(l),
        };
      },
      { a },
    );
    expect(largest(error!)).toBeLessThan(1e-14 * n * largest(a));
    expect(largest(above!)).toBe(0);
    expect(Array.from(pivots!.data, Number).every((v) => v > 0)).toBe(true);
  });

  it("solveTriangular solves T·x = b for both triangles, transposed or not, and reads only its triangle", () => {
    const b = random([2, n, 3], "b", "float64");
    const noise = random([2, n, n], "noise", "float64");
    const errors = run(
      ({ a, b, noise }) => {
        const l = cholesky(a!);
        const rest = noise!.sub(lowerTriangular(noise!)); // above the diagonal
        const found: Record<string, Value> = {};
        for (const lower of [true, false]) {
          for (const transposed of [true, false]) {
            const t = lower ? l : transpose(l);
            const given = t.add(lower ? rest : transpose(rest));
            const x = solveTriangular(given, b!, { lower, transpose: transposed });
            found[`${lower} ${transposed}`] = matmul(t, x, { transposeA: transposed }).sub(b!);
          }
        }
        return found;
      },
      { a, b, noise },
    );
    for (const error of Object.values(errors)) expect(largest(error)).toBeLessThan(1e-9);
  });
});

it("a triangular inverse is accurate where products of powers of its off-diagonal part are not", () => {
  // Neighbours correlated by 0.99998: the scaled off-diagonal elements are 150, their powers 10⁶⁸.
  const n = 32;
  const rho = 0.99998;
  const values = Array.from(
    { length: n * n },
    (_, p) => rho ** Math.abs(Math.floor(p / n) - (p % n)),
  );
  const { identity } = run(
    ({ a }) => {
      const l = cholesky(a!);
      return { identity: matmul(triangularInverse(l), l).sub(matmul(l, triangularInverse(l))) };
    },
    { a: tensorOf(values, [n, n], "float64") },
  );
  expect(largest(identity!)).toBeLessThan(1e-9);
});

it("the log-determinant is that of the product of eigenvalues", () => {
  // Tridiagonal (−1, 2, −1) has determinant n + 1.
  const n = 20;
  const values = Array.from({ length: n * n }, (_, p) => {
    const distance = Math.abs(Math.floor(p / n) - (p % n));
    return distance === 0 ? 2 : distance === 1 ? -1 : 0;
  });
  const found = run(({ a }) => ({ y: logDeterminant(a!) }), {
    a: tensorOf(values, [n, n], "float64"),
  });
  expect(Number(found.y?.data[0])).toBeCloseTo(Math.log(n + 1), 12);
});

describe("first and second derivatives are those of central differences", () => {
  const a = positiveDefinite(2, 4, 0.5, "float64");
  const b = random([2, 4, 2], "b", "float64");
  const factor = random([4, 4], "factor", "float64");
  for (let i = 0; i < 4; i++) factor.data[5 * i] = 1 + 0.3 * i;
  const cases: Record<string, [f: (...xs: Value[]) => Value, inputs: Tensor[]]> = {
    cholesky: [(x) => scalarOf(cholesky(x!)), [a]],
    logDeterminant: [(x) => scalarOf(logDeterminant(x!)), [a]],
    triangularInverse: [(x) => scalarOf(triangularInverse(x!)), [factor]],
    diagonalMatrix: [(x) => scalarOf(diagonalMatrix(x!)), [b]],
    "solve, lower": [(t, y) => scalarOf(solveTriangular(t!, y!)), [factor, b]],
    "solve, lower transposed": [
      (t, y) => scalarOf(solveTriangular(t!, y!, { transpose: true })),
      [factor, b],
    ],
    "solve, upper": [(t, y) => scalarOf(solveTriangular(t!, y!, { lower: false })), [factor, b]],
    "solve, upper transposed": [
      (t, y) => scalarOf(solveTriangular(t!, y!, { lower: false, transpose: true })),
      [factor, b],
    ],
  };

  it.each(Object.entries(cases))("%s", (_name, [f, inputs]) => {
    expect(checkGradient(f, inputs).error).toBeLessThan(1e-7);
    const squared = (...xs: Value[]): Value =>
      gradients(f(...xs), xs)
        .map(scalarOf)
        .reduce((p, q) => p.add(q));
    expect(checkGradient(squared, inputs).error).toBeLessThan(1e-6);
  });

  it("a Gaussian's log-likelihood has the gradient ½(yyᵀ − Σ⁻¹) with y = Σ⁻¹x", () => {
    const x = random([4, 1], "x", "float64");
    const one = tensorOf(Array.from(a.data, Number).slice(0, 16), [4, 4], "float64");
    const { error } = run(
      ({ a, x }) => {
        const l = cholesky(a!);
        const z = solveTriangular(l, x!);
        const logProb = sum(z.square()).add(logDeterminant(a!)).mul(-0.5);
        const y = solveTriangular(l, z, { transpose: true });
        const inverse = triangularInverse(l);
        const precision = matmul(inverse, inverse, { transposeA: true });
        const wanted = matmul(y, y, { transposeB: true }).sub(precision).mul(0.5);
        return { error: gradients(logProb, [a!])[0]!.sub(wanted) };
      },
      { a: one, x },
    );
    expect(largest(error!)).toBeLessThan(1e-11);
  });
});

describe.each(["cpu", "export"] as const)("in the runtime, target %s", (target) => {
  it.each([
    ["float32", 1e-5],
    ["float64", 1e-11],
  ] as const)("%s", async (dtype, tolerance) => {
    const n = 6;
    const specs = {
      a: (dtype === "float32" ? float32 : float64)(B, n, n),
      b: spec(dtype, [B, n, 2]),
    };
    const inputs = [1, 4].map((count) => ({
      a: positiveDefinite(count, n, 2, dtype),
      b: random([count, n, 2], "b", dtype),
    }));
    const { worst } = await compareGraph(
      ({ a, b }) => {
        const l = cholesky(a!);
        const x = solveTriangular(l, b!, { transpose: true });
        const loss = sum(x.square()).add(sum(logDeterminant(a!)));
        const [da, db] = gradients(loss, [a!, b!]) as [Value, Value];
        return { l, x, da, db };
      },
      specs,
      target,
      inputs,
    );
    expect(worst.error, worst.output).toBeLessThan(tolerance);
  });
});

describe("what cannot be", () => {
  const attempt =
    (shape: readonly (number | ReturnType<typeof dim>)[], build: (a: Value) => Value) => () =>
      trace(({ a }) => build(a), { a: spec("float32", shape) });

  it("is one line that says so", () => {
    expect(attempt([33, 33], cholesky)).toThrow(/cholesky: n = 33 is more than 32.* on the host/);
    expect(attempt([3, 4], cholesky)).toThrow(
      /cholesky: wants .*\[\.\.\., n, n\].* got float32\[3, 4\]/,
    );
    expect(attempt([dim("N"), dim("N")], cholesky)).toThrow(/with a fixed n/);
    expect(attempt([3, 3], (a) => solveTriangular(a, diagonal(a)))).toThrow(
      /solveTriangular: wants right sides \[\.\.\., 3, m\].*expandDims/,
    );
  });

  it("gives NaN: the factor of a matrix that is not positive definite", () => {
    const found = run(({ a }) => ({ l: cholesky(a!) }), {
      a: tensorOf([1, 2, 2, 1], [2, 2], "float64"),
    });
    expect(Number.isNaN(Number(found.l?.data[3]))).toBe(true);
  });
});
