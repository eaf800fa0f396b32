/**
 * Concentrations of gamma and Dirichlet distributions from means of logarithms, by Newton's method: Minka,
 * "Estimating a gamma distribution" (2002), equation 9; Minka, "Estimating a Dirichlet distribution" (2000),
 * equations 4 and 15 to 18.
 */
import { digamma, trigamma } from "../../ops/index.ts";
import { dim, spec, type Tensor, tensor } from "../../tensor/index.ts";
import { evaluate, trace, type Value } from "../../trace/index.ts";

/** ψ and ψ′ on the host. */
let gammaSlopes: ReturnType<typeof trace> | undefined;

function slopesAt(x: readonly number[]): { first: Float64Array; second: Float64Array } {
  gammaSlopes ??= trace(
    ({ x: given }) => ({ first: digamma(given as Value), second: trigamma(given as Value) }),
    { x: spec("float64", [dim("N")]) },
  );
  const outputs = evaluate(gammaSlopes, { x: tensor(Float64Array.from(x), [x.length]) });
  const { first, second } = outputs as unknown as Record<"first" | "second", Tensor>;
  return { first: first.data as Float64Array, second: second.data as Float64Array };
}

const iterations = 100;
const settled = 1e-15;

/** The a of log a − ψ(a) = s; NaN unless s > 0, which observations that are not all equal have. */
export function gammaConcentration(s: number): number {
  if (!(s > 0)) return Number.NaN;
  let a = (3 - s + Math.sqrt((s - 3) ** 2 + 24 * s)) / (12 * s);
  for (let i = 0; i < iterations; i++) {
    const { first, second } = slopesAt([a]);
    const slope = 1 / a - (second[0] as number);
    const next = 1 / (1 / a + (Math.log(a) - (first[0] as number) - s) / (a * a * slope));
    if (Math.abs(next - a) <= settled * a) return next;
    a = next;
  }
  return a;
}

/**
 * The a of ψ(a_k) − ψ(Σ a) = mean log x_k. It begins at moments: `means` of the x_k, and the mean square of
 * the first. NaN where the observations do not vary.
 */
export function dirichletConcentrations(
  meanLogs: readonly number[],
  means: readonly number[],
  firstSquare: number,
): number[] {
  const [first = Number.NaN] = means;
  const variance = firstSquare - first * first;
  // What observations lose to rounding alone is no spread.
  if (!(variance > 1e-14 * first * first)) return means.map(() => Number.NaN);
  const precision = Math.max(1e-3, (first - firstSquare) / variance);
  let a = means.map((mean) => mean * precision);
  for (let i = 0; i < iterations; i++) {
    const next = newtonStep(a, meanLogs);
    const change = Math.max(...next.map((v, k) => Math.abs(v / (a[k] as number) - 1)));
    a = next;
    if (change <= settled) break;
  }
  return a;
}

/** The Hessian is diagonal but for a constant, so that its inverse costs as much as its diagonal. */
function newtonStep(a: readonly number[], meanLogs: readonly number[]): number[] {
  const total = a.reduce((sum, v) => sum + v, 0);
  const { first, second } = slopesAt([...a, total]);
  const [psi, curvature] = [first.at(-1) as number, second.at(-1) as number];
  const gradient = a.map((_, k) => psi - (first[k] as number) + (meanLogs[k] as number));
  const q = a.map((_, k) => -(second[k] as number));
  const weighted = gradient.reduce((sum, g, k) => sum + g / (q[k] as number), 0);
  const inverse = q.reduce((sum, v) => sum + 1 / v, 0);
  const shift = weighted / (1 / curvature + inverse);
  const step = gradient.map((g, k) => (g - shift) / (q[k] as number));
  // A step out of the positive numbers is cut to half of the way.
  return a.map((v, k) => Math.max(v - (step[k] as number), v / 2));
}
