import type { Distribution } from "../distributions/index.ts";
import { broadcastTo, constant, exp, sum } from "../ops/index.ts";
import { elementCount, staticShape, type Tensor, tensorOf } from "../tensor/index.ts";
import { baseOf } from "./discrete.ts";
import type { EstimatorDefinition } from "./estimator.ts";

/** f is computed at this many outcomes at most. */
const mostOutcomes = 4096;

/** How many values each element of an event takes; undefined for infinitely many. */
function choices(q: Distribution): number | undefined {
  const base = baseOf(q);
  if (base.name === "Bernoulli") return 2;
  if (base.name !== "Categorical" && base.name !== "OneHotCategorical") return undefined;
  return (base as Distribution & { parameters: { count: number } }).parameters.count;
}

/** Elements of an event that are drawn independently of each other; undefined where a size is free. */
function parts(q: Distribution): number | undefined {
  const own = baseOf(q).eventShape.length;
  const shape = staticShape(q.eventShape.slice(0, q.eventShape.length - own));
  return shape === undefined ? undefined : elementCount(shape);
}

function refusal(q: Distribution): string | undefined {
  const [each, count] = [choices(q), parts(q)];
  if (each === undefined) return "its outcomes cannot be counted";
  if (count === undefined) return "its event has an axis of unknown size";
  return each ** count <= mostOutcomes
    ? undefined
    : `it has ${each}^${count} outcomes, and at most ${mostOutcomes} are enumerated`;
}

/** Every outcome of one event, [n, 1, …, ...eventShape], as samples of q come. */
function outcomes(q: Distribution): Tensor {
  const [each, count] = [choices(q) as number, parts(q) as number];
  const n = each ** count;
  const digit = (i: number, part: number): number => Math.floor(i / each ** part) % each;
  const digits = Array.from({ length: n * count }, (_, i) =>
    digit(Math.floor(i / count), i % count),
  );
  const vectors = baseOf(q).eventShape.length > 0;
  const numbers = vectors
    ? digits.flatMap((d) => Array.from({ length: each }, (_, k) => (k === d ? 1 : 0)))
    : digits;
  const ones = q.batchShape.map(() => 1);
  const shape = [n, ...ones, ...(staticShape(q.eventShape) as number[])];
  if (baseOf(q).name !== "Categorical") return tensorOf(numbers, shape, q.mean().dtype);
  return tensorOf(numbers, shape, "int64");
}

/** Σ q(z) f(z) over every z, and its gradient: no sampling. */
export const exact: EstimatorDefinition = {
  summary: "sum over every outcome, where they are few",
  source:
    "Kingma, Rezende, Mohamed, Welling, Semi-supervised learning with deep generative models (2014), equation 7: the sum over classes",
  targets: ["objective"],
  unbiased: true,
  differentiates: false,
  options: [],
  leastSamples: 1,
  refusal,
  estimate: ({ q, f }) => {
    const all = outcomes(q);
    const n = all.shape[0] as number;
    const z = broadcastTo(constant(all), [n, ...q.batchShape, ...q.eventShape]);
    return { surrogate: sum(exp(q.logProb(z)).mul(f(z, "sample")), 0) };
  },
};
