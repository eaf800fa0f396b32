import {
  argMin,
  barrier,
  cast,
  full,
  gather,
  less,
  matmul,
  slice,
  sum,
  where,
} from "../../ops/index.ts";
import type { Value } from "../../trace/index.ts";

/** Codes compared at once: enough to be fast, few enough for the memory. */
const defaultChunk = 2048;

/**
 * The row of `codebook` [K, D] that is nearest to each row of z [N, D], as int32 [N]: argmin ‖e‖² − 2·z·e.
 * Distances to a chunk of codes exist at a time, [N, chunk], so that K may be large.
 */
export function nearestCodes(
  z: Value,
  codebook: Value,
  { chunk = defaultChunk }: { readonly chunk?: number } = {},
): Value {
  const codes = codebook.size(0) as number;
  let best: { indices: Value; distance: Value } | undefined;
  for (let from = 0; from < codes; from += chunk) {
    const part = slice(codebook, 0, from, Math.min(from + chunk, codes));
    // Each chunk waits for the result of the one before, or they might all be in memory together.
    const rows = best === undefined ? z : barrier(z, best.distance);
    const found = cast(argMin(relativeDistances(rows, part), -1), "int32"); // [N]
    if (codes <= chunk) return found;
    const own = gather(part, found, 0);
    const distance = sum(own.mul(own.sub(z.mul(2))), -1); // [N]
    const indices = found.add(from);
    if (best === undefined) best = { indices, distance };
    else {
      const nearer = less(distance, best.distance);
      best = {
        indices: where(nearer, indices, best.indices),
        distance: where(nearer, distance, best.distance),
      };
    }
  }
  return best?.indices ?? full([z.size(0)], 0, "int32");
}

/** ‖e‖² − 2·z·e: squared distances less ‖z‖², [N, K]. */
const relativeDistances = (z: Value, codebook: Value): Value =>
  matmul(z.mul(-2), codebook, { transposeB: true }).add(sum(codebook.square(), -1));
