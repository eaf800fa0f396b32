import { compile } from "../onnx/index.ts";
import { matmul, sum } from "../ops/index.ts";
import { dim, permutation, ReparamError, spec, type Tensor } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { pickRows, rowsOf, type VectorSet, vectorPair } from "./vectors.ts";

export interface KernelDistanceOptions {
  /** Samples of either set in a subset; by default a tenth of the smaller set, 1000 at most. */
  readonly subsetSize?: number;
  /** Of the subsets. Default 0. */
  readonly seed?: number;
  /** Default 2. */
  readonly threads?: number;
}

export interface KernelDistance {
  /** Mean over subsets. It is unbiased, so that it may be below 0 where the sets are alike. */
  readonly distance: number;
  /** Of that mean; undefined for one subset. */
  readonly standardError: number | undefined;
  readonly subsets: number;
  readonly subsetSize: number;
}

/** (x·y/D + 1)³ from products x·y of vectors of size D. */
const kernel = (product: Value, size: number): Value => {
  const base = product.div(size).add(1);
  return base.square().mul(base);
};

/** Σ k(x, x′) over pairs of different rows of x [N, D]. */
function within(x: Value, size: number): Value {
  const all = sum(kernel(matmul(x, x, { transposeB: true }), size));
  return all.sub(sum(kernel(sum(x.square(), 1), size)));
}

/**
 * Squared maximum mean discrepancy of two sets of features [N, D] and [M, D] under the kernel (x·y/D + 1)³, by its
 * unbiased estimator
 *   Σ_{i≠j} k(xᵢ, xⱼ)/(n(n − 1)) + Σ_{i≠j} k(yᵢ, yⱼ)/(n(n − 1)) − 2·Σ k(xᵢ, yⱼ)/n²
 * over disjoint random subsets of n samples: Bińkowski, Sutherland, Arbel, Gretton, "Demystifying MMD GANs" (2018),
 * section 4 and equation 4 (there 100 subsets of 1000, which overlap; disjoint ones are independent, so that their spread
 * is an honest standard error). Does not grow as samples get fewer, as the Fréchet distance does.
 */
export async function kernelDistance(
  x: Tensor,
  y: Tensor,
  { subsetSize, seed = 0, threads = 2 }: KernelDistanceOptions = {},
): Promise<KernelDistance> {
  const [a, b] = vectorPair("kernelDistance", x, y, 2);
  const smaller = Math.min(a.count, b.count);
  const n = subsetSize ?? Math.max(2, Math.min(1000, Math.floor(smaller / 10)));
  const subsets = Math.floor(smaller / n);
  if (n < 2 || subsets < 1) {
    throw new ReparamError(
      `kernelDistance: subsets of ${n} do not fit sets of ${a.count} and ${b.count}. Use 2 to ${smaller}.`,
    );
  }
  const N = dim("N");
  const program = await compile(
    (given) => {
      const [p, q] = [given.x as Value, given.y as Value];
      const across = sum(kernel(matmul(p, q, { transposeB: true }), a.size));
      return { within: within(p, a.size).add(within(q, a.size)), across };
    },
    { x: spec("float64", [N, a.size]), y: spec("float64", [N, a.size]) },
    { threads, spin: false },
  );
  const parts = (set: VectorSet, name: string): VectorSet =>
    subsets * n === set.count && subsets === 1
      ? set
      : pickRows(set, permutation(set.count, { seed, step: 0, path: `kernelDistance.${name}` }));
  const [p, q] = [parts(a, "x"), parts(b, "y")];
  const found: number[] = [];
  for (let at = 0; at < subsets * n; at += n) {
    const sums = await program.run({ x: rowsOf(p, at, at + n), y: rowsOf(q, at, at + n) });
    found.push(
      Number(sums.within.data[0]) / (n * (n - 1)) - (2 * Number(sums.across.data[0])) / (n * n),
    );
  }
  await program.release();
  return { ...meanAndError(found), subsets, subsetSize: n };
}

function meanAndError(
  values: readonly number[],
): Pick<KernelDistance, "distance" | "standardError"> {
  const n = values.length;
  const distance = values.reduce((total, v) => total + v, 0) / n;
  const squares = values.reduce((total, v) => total + (v - distance) ** 2, 0);
  return { distance, standardError: n > 1 ? Math.sqrt(squares / (n - 1) / n) : undefined };
}
