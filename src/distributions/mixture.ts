import {
  broadcastShapes,
  broadcastTo,
  constant,
  equal,
  expandDims,
  less,
  logSumExp,
  reshape,
  sameShape,
  softmax,
  stack,
  sum,
  where,
} from "../ops/index.ts";
import { formatShape, type Shape, ShapeError, tensorOf } from "../tensor/index.ts";
import type { Key, Value } from "../trace/index.ts";
import type { Categorical } from "./categorical.ts";
import { finite } from "./category.ts";
import {
  type Distribution,
  defineDistribution,
  knownEvents,
  logProbAnywhere,
  notReparameterized,
} from "./distribution.ts";
import { isDiscrete, type Support } from "./domain.ts";
import type { Events } from "./enumeration.ts";

/** One of K components, chosen by weights: p(x) = Σ wₖ pₖ(x). */
export interface Mixture extends Distribution {
  readonly weights: Categorical;
  /** The posterior probabilities of the components, [...batchShape, K]. */
  responsibilities(value: Value): Value;
}

/**
 * The components are one distribution whose last batch axis has K members, or a list of K distributions,
 * also of different families, with equal event shapes.
 */
export interface MixtureOptions {
  readonly weights: Categorical;
  readonly components: Distribution | readonly Distribution[];
}

/** Components of either form. Results have the axis K in front of those of the event, or last. */
interface Components {
  readonly members: readonly Distribution[];
  /** Of every member, without the axis K. */
  readonly batchShapes: readonly Shape[];
  /** Draws of every member with the given shapes before their own batch. */
  readonly sample: (key: Key, shapes: readonly Shape[]) => Value;
  /** [...shape, K]: a number for every value and member. */
  readonly numbers: (value: Value, f: Numbers, shape: Shape) => Value;
  /** [...shape, K, ...eventShape] */
  readonly moments: (f: (p: Distribution) => Value, shape: Shape) => Value;
}

type Numbers = (p: Distribution, value: Value) => Value;

/** The members of one distribution's last batch axis. */
function together(name: string, p: Distribution, count: number): Components {
  const { batchShape, eventShape } = p;
  if (batchShape.at(-1) !== count) {
    throw new ShapeError(
      name,
      `${count} weights want components with a last batch axis of ${count}, got ${p.name} with batch ${formatShape(batchShape)}.`,
    );
  }
  return {
    members: [p],
    batchShapes: [batchShape.slice(0, -1)],
    sample: (key, [shape]) => p.sample(key, shape),
    numbers: (value, f, shape) =>
      broadcastTo(f(p, expandDims(value, value.rank - eventShape.length)), [...shape, count]),
    moments: (f, shape) => broadcastTo(f(p), [...shape, count, ...eventShape]),
  };
}

/** A list of components. */
function listed(name: string, list: readonly Distribution[], count: number): Components {
  const [first] = list;
  if (first === undefined || list.length !== count) {
    throw new ShapeError(name, `${count} weights want ${count} components, got ${list.length}.`);
  }
  const { eventShape } = first;
  const odd = list.find((p) => !sameShape(p.eventShape, eventShape));
  if (odd !== undefined) {
    throw new ShapeError(
      name,
      `wants components of one event shape, got ${first.name} of ${formatShape(eventShape)} and ${odd.name} of ${formatShape(odd.eventShape)}.`,
    );
  }
  const axis = -1 - eventShape.length;
  const stacked = (xs: readonly Value[], shape: Shape, at: number): Value =>
    stack(
      xs.map((x) => broadcastTo(x, shape)),
      at,
    );
  return {
    members: list,
    batchShapes: list.map((p) => p.batchShape),
    sample: (key, shapes) =>
      stack(
        list.map((p, k) => p.sample(key.at(k), shapes[k])),
        axis,
      ),
    numbers: (value, f, shape) =>
      stacked(
        list.map((p) => f(p, value)),
        shape,
        -1,
      ),
    moments: (f, shape) => stacked(list.map(f), [...shape, ...eventShape], axis),
  };
}

/** The batch axes that a part lacks; each of them must be drawn separately. */
function missingAxes(name: string, part: string, own: Shape, batch: Shape): Shape {
  const missing = batch.slice(0, batch.length - own.length);
  if (sameShape([...missing, ...own], batch)) return missing;
  throw new ShapeError(
    name,
    `batch ${formatShape(own)} of ${part} would share draws in ${formatShape(batch)}. Broadcast its parameters first.`,
  );
}

/** The support of all members, or the real numbers where theirs are different intervals. */
function commonSupport(name: string, members: readonly Distribution[]): Support {
  const supports = members.map((p) => p.support);
  const [first] = supports as [Support];
  if (supports.every((support) => support === first)) return first;
  const kinds = ["real", "positive", "nonNegative", "unitInterval"];
  const odd = supports.findIndex((s) =>
    typeof s === "string" ? !kinds.includes(s) : isDiscrete(s),
  );
  if (odd < 0) return "real";
  const others = members.find((p) => p.support !== supports[odd]) as Distribution;
  throw new ShapeError(
    name,
    `values of ${(members[odd] as Distribution).name} and of ${others.name} have no density in common.`,
  );
}

/** The events of members that have the same ones. */
function commonEvents([first, ...others]: readonly Distribution[]): Events | undefined {
  const events = first && knownEvents(first);
  const same = others.every((p) => knownEvents(p)?.count === events?.count);
  return same ? events : undefined;
}

/** log Σ exp over the last axis that is −∞, with the gradient 0, where all terms are. */
function logSum(x: Value): Value {
  const total = logSumExp(finite(x), -1);
  return where(less(total, -1e29), Number.NEGATIVE_INFINITY, total);
}

/** [..., K] as [..., K, 1, …]: before the axes of an event. */
const beforeEvent = (x: Value, eventRank: number): Value =>
  reshape(x, [...x.shape, ...new Array<number>(eventRank).fill(1)]);

/** Draws every component, and of each event keeps the one that the weights choose. */
function chooser(
  name: string,
  weights: Categorical,
  { members, batchShapes, sample }: Components,
  batchShape: Shape,
): (key: Key, sampleShape: Shape) => Value {
  const { count } = weights.parameters;
  const { eventShape } = members[0] as Distribution;
  const missing = batchShapes.map((own, k) =>
    missingAxes(name, (members[k] as Distribution).name, own, batchShape),
  );
  const missingOfWeights = missingAxes(name, "the weights", weights.batchShape, batchShape);
  return (key, sampleShape) => {
    const shapes = missing.map((axes) => [...sampleShape, ...axes]);
    const draws = sample(key.at("components"), shapes); // (..., K, ...event)
    const choice = weights.sample(key.at("choice"), [...sampleShape, ...missingOfWeights]);
    const indices = Array.from({ length: count }, (_, k) => k);
    const chosen = equal(expandDims(choice, -1), constant(tensorOf(indices, [count], "int64")));
    const kept = where(beforeEvent(chosen, eventShape.length), draws, 0);
    return sum(kept, -1 - eventShape.length);
  };
}

/**
 * The mixture of K components. It has no pathwise sample: the choice of the component is discrete.
 * @throws ShapeError where components and weights do not fit each other.
 */
export function Mixture({ weights, components }: MixtureOptions): Mixture {
  const isList = Array.isArray(components);
  const list = (isList ? components : [components]) as readonly Distribution[];
  const name = `Mixture(${[...new Set(list.map((p) => p.name))].join(", ")})`;
  const { count, probs, logProbs } = weights.parameters;
  const parts = isList ? listed(name, list, count) : together(name, list[0] as Distribution, count);
  const { eventShape } = list[0] as Distribution;
  const eventRank = eventShape.length;
  const batchShape = parts.batchShapes.reduce(
    (shape, own) => broadcastShapes(name, shape, own),
    weights.batchShape,
  );
  const weighted = (x: Value): Value => sum(beforeEvent(probs(), eventRank).mul(x), -1 - eventRank);
  const means = (): Value => parts.moments((p) => p.mean(), batchShape);
  const shapeOf = (value: Value): Shape =>
    broadcastShapes(name, value.shape.slice(0, value.rank - eventRank), batchShape);
  /** log wₖ + log pₖ(x), [..., K] */
  const joint = (value: Value): Value =>
    parts.numbers(value, (p, x) => logProbAnywhere(p)(x), shapeOf(value)).add(logProbs());

  return defineDistribution<Mixture>({
    name,
    weights,
    batchShape,
    eventShape,
    support: commonSupport(name, list),
    ...notReparameterized(
      name,
      [],
      chooser(name, weights, parts, batchShape),
      "Use a score-function estimator: the choice of the component is discrete.",
    ),
    logProb: (value) => logSum(joint(value)),
    responsibilities: (value) => softmax(joint(value)),
    cdf: (value) => sum(parts.numbers(value, (p, x) => p.cdf(x), shapeOf(value)).mul(probs()), -1),
    events: commonEvents(list),
    mean: () => weighted(means()),
    variance: () => {
      const centre = expandDims(weighted(means()), -1 - eventRank);
      const spread = parts.moments((p) => p.variance(), batchShape);
      return weighted(spread.add(means().sub(centre).square()));
    },
  });
}
