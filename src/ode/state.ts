import { multiply, qrFactor, solveUpper, transpose } from "../numerics/index.ts";

/** The solutions at one time, x = X c + F z: the m new ones, and a particular one. */
export interface State {
  /** [m, m] */
  readonly z: Float64Array;
  /** [k, m] */
  readonly c: Float64Array;
  /** [m] */
  readonly zp: Float64Array;
  /** [k] */
  readonly cp: Float64Array;
}

/**
 * The same solutions in another basis at one time: F z = X δ + after·z' for X [n, k], the complement F [n, m]
 * until now, and `after` [n, m], orthonormal and orthogonal to X.
 */
export function turned(
  { z, c, zp, cp }: State,
  {
    X,
    F,
    after,
  }: { readonly X: Float64Array; readonly F: Float64Array; readonly after: Float64Array },
): State {
  const m = zp.length;
  const k = cp.length;
  const n = m + k;
  const { q, r } = qrFactor(X, n, k);
  const change = (values: Float64Array, columns: number) => {
    const vectors = multiply(F, values, n, m, columns);
    const inside = multiply(transpose(q, n, n), vectors, n, n, columns).subarray(0, k * columns);
    const outside = multiply(transpose(after, n, m), vectors, m, n, columns);
    return { inside: solveUpper(r, inside, k, columns), outside };
  };
  const fresh = change(z, m);
  const forced = change(zp, 1);
  return {
    z: fresh.outside,
    c: c.map((x, i) => x + fresh.inside[i]!),
    zp: forced.outside,
    cp: cp.map((x, i) => x + forced.inside[i]!),
  };
}
