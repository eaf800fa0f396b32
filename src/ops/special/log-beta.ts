import type { Value } from "../../trace/index.ts";
import { log1p } from "../binary.ts";
import { broadcastShapes } from "../broadcast.ts";
import { log } from "../elementwise.ts";
import { broadcastTo, expandDims } from "../movement.ts";
import { sum } from "../reduce.ts";
import { customGradient } from "../stop-gradient.ts";
import { digamma, stirlingCorrection } from "./log-gamma.ts";
import { countLike } from "./polynomial.ts";

/**
 * log B(a, b) = log Γ(a) + log Γ(b) − log Γ(a + b) for a, b > 0; shapes broadcast.
 *
 * The three logarithms are large where the sum is not, so that they are taken together: both arguments are
 * moved up by the recurrence, and Stirling's formula for the three leaves ratios only,
 *   log B = ½ log 2π − ½ log s − (a − ½) log(1 + b/a) − (b − ½) log(1 + a/b) + corrections,  s = a + b.
 */
export function logBeta(first: Value, second: Value): Value {
  const shape = broadcastShapes("logBeta", first.shape, second.shape);
  const [a, b] = [broadcastTo(first, shape), broadcastTo(second, shape)];
  const shift = a.dtype === "float64" ? 8 : 4;
  const total = a.add(b);
  const count = countLike(a, shift);
  const at = (x: Value): Value => expandDims(x, -1).add(count);
  const ratio = at(total)
    .div(at(a))
    .mul(at(total).add(shift).div(at(b)));
  const moved = sum(log(ratio), -1);
  const [p, q, s] = [a.add(shift), b.add(shift), total.add(2 * shift)];
  const main = log(s)
    .sub(Math.log(2 * Math.PI))
    .mul(-0.5);
  const left = p.sub(0.5).mul(log1p(q.div(p)));
  const right = q.sub(0.5).mul(log1p(p.div(q)));
  const corrections = stirlingCorrection(p).add(stirlingCorrection(q)).sub(stirlingCorrection(s));
  const y = main.sub(left).sub(right).add(corrections).add(moved);
  return customGradient(y, [a, b], (dy) => {
    const common = digamma(total);
    return [dy.mul(digamma(a).sub(common)), dy.mul(digamma(b).sub(common))];
  });
}

/** log (n choose k) = log n!/(k!(n − k)!), for real n ≥ k ≥ 0 too; shapes broadcast. */
export const logBinomial = (n: Value, k: Value): Value =>
  logBeta(n.sub(k).add(1), k.add(1)).add(log1p(n)).neg();
