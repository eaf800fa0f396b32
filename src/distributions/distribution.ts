import { broadcastShapes, stopGradient } from "../ops/index.ts";
import { formatShape, ReparamError, type Shape, ShapeError } from "../tensor/index.ts";
import type { Key, Value } from "../trace/index.ts";

/**
 * Where the values of a distribution lie. "category" is an index 0 … K − 1, "oneHot" the same as a vector
 * of K with a single 1, "simplex" positive vectors that sum to 1, "logSimplex" their logarithms.
 */
export type Support =
  | "real"
  | "unitInterval"
  | "boolean"
  | "category"
  | "oneHot"
  | "simplex"
  | "logSimplex";

/**
 * A distribution, or a batch of them with their own parameters. A sample has the shape
 * [...sampleShape, ...batchShape, ...eventShape]; densities are those of a whole event, in nats.
 */
export interface Distribution {
  readonly name: string;
  readonly batchShape: Shape;
  readonly eventShape: Shape;
  readonly support: Support;
  /** Whether `pathwiseSample` exists. */
  readonly pathwise: boolean;
  /** Draws through which no gradient flows. */
  sample(key: Key, sampleShape?: Shape): Value;
  /**
   * Draws that are differentiable functions of the parameters (the reparameterization trick).
   * @throws ReparamError for distributions that have none.
   */
  pathwiseSample(key: Key, sampleShape?: Shape): Value;
  /** Log-density or log-probability of [...batchShape, ...eventShape], broadcasting; [...batchShape]. */
  logProb(value: Value): Value;
  /** [...batchShape]. @throws ReparamError where there is no closed form. */
  entropy(): Value;
  /** [...batchShape, ...eventShape]. @throws ReparamError where there is no closed form. */
  mean(): Value;
  /** Of every element: [...batchShape, ...eventShape]. @throws ReparamError without a closed form. */
  variance(): Value;
}

type Sampling = Pick<Distribution, "pathwise" | "sample" | "pathwiseSample">;
type Draw = (key: Key, shape: Shape) => Value;

/** Sampling by a differentiable function of noise; `draw` is given [...sampleShape, ...batchShape]. */
export function reparameterized(batchShape: Shape, draw: Draw): Sampling {
  const pathwiseSample = (key: Key, sampleShape: Shape = []): Value =>
    draw(key, [...sampleShape, ...batchShape]);
  const sample = (key: Key, sampleShape?: Shape): Value =>
    stopGradient(pathwiseSample(key, sampleShape));
  return { pathwise: true, sample, pathwiseSample };
}

/** Sampling without a pathwise gradient; `instead` ends the error of those who ask for one. */
export function notReparameterized(
  name: string,
  batchShape: Shape,
  draw: Draw,
  instead: string,
): Sampling {
  return {
    pathwise: false,
    sample: (key, sampleShape = []) => stopGradient(draw(key, [...sampleShape, ...batchShape])),
    pathwiseSample: () => {
      throw new ReparamError(`${name} has no pathwise sample. ${instead}`);
    },
  };
}

/** A member of the contract that has no closed form. */
export const noClosedForm = (name: string, what: string) => (): Value => {
  throw new ReparamError(`${name}: the ${what} has no closed form. Estimate it from samples.`);
};

/**
 * The one alternative that is given, for example logits or probs, as [name, value].
 * @throws ReparamError for none or several: probabilities are never taken for logits.
 */
export function exactlyOne<T, Name extends string>(
  distribution: string,
  given: { readonly [N in Name]?: T | undefined },
): readonly [Name, T] {
  const names = Object.keys(given) as Name[];
  const present = names.filter((name) => given[name] !== undefined);
  const [only] = present;
  if (only === undefined || present.length > 1) {
    const got = present.length === 0 ? "none" : present.join(" and ");
    throw new ReparamError(
      `${distribution}: wants exactly one of ${names.join(" or ")}, got ${got}. Name the one you mean.`,
    );
  }
  return [only, given[only] as T];
}

/** Checks that a value ends in the event shape and that its other axes fit the batch. */
export function checkValue(
  { name, batchShape, eventShape }: Pick<Distribution, "name" | "batchShape" | "eventShape">,
  value: Value,
): void {
  const lead = value.rank - eventShape.length;
  if (lead < 0 || !eventShape.every((size, i) => size === value.shape[lead + i])) {
    throw new ShapeError(
      `${name}.logProb`,
      `wants a value of [...batch, ${eventShape.join(", ")}], got ${formatShape(value.shape)}.`,
    );
  }
  broadcastShapes(`${name}.logProb`, value.shape.slice(0, lead), batchShape);
}

/** A relaxation's temperature: a positive number, or a scalar value when it changes while training. */
export function checkTemperature(name: string, temperature: Value | number): void {
  if (typeof temperature === "number") {
    if (temperature > 0 && Number.isFinite(temperature)) return;
    throw new ReparamError(
      `${name}: the temperature must be above 0, got ${temperature}. Small ones, like 0.1, come close to discrete values.`,
    );
  }
  if (temperature.rank !== 0) {
    throw new ReparamError(
      `${name}: the temperature must be a scalar, got ${temperature}. Scale the logits for one of each element.`,
    );
  }
}
