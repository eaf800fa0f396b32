import { broadcastShapes, stopGradient } from "../ops/index.ts";
import { formatShape, ReparamError, type Shape, ShapeError } from "../tensor/index.ts";
import type { Key, Value } from "../trace/index.ts";
import { checkInside, checkProbability, type Support } from "./domain.ts";
import { type Events, enumerated } from "./enumeration.ts";

/**
 * A distribution, or a batch of them with their own parameters. A sample has the shape
 * [...sampleShape, ...batchShape, ...eventShape]; densities are those of a whole event, in nats.
 *
 * Parameters and values are checked where their numbers are known while tracing (numbers and constants).
 * What enters a program as an input, or is computed in it, is not: a scale of 0 then gives infinities, a
 * negative one NaN, and a value outside of the support −∞ or NaN.
 */
export interface Distribution {
  readonly name: string;
  readonly batchShape: Shape;
  readonly eventShape: Shape;
  readonly support: Support;
  /** Whether `pathwiseSample` exists. */
  readonly pathwise: boolean;
  /** Whether `enumerate` exists: there are few events. */
  readonly supportsEnumeration: boolean;
  /** Draws through which no gradient flows. */
  sample(key: Key, sampleShape?: Shape): Value;
  /**
   * Draws that are differentiable functions of the parameters (the reparameterization trick).
   * @throws ReparamError for distributions that have none.
   */
  pathwiseSample(key: Key, sampleShape?: Shape): Value;
  /** Log-density or log-probability of [...batchShape, ...eventShape], broadcasting; [...batchShape]. */
  logProb(value: Value): Value;
  /**
   * The probability of values up to this one, [...batchShape]; for events of shape [].
   * @throws ReparamError where there is no closed form.
   */
  cdf(value: Value): Value;
  /**
   * The value at which `cdf` has reached a probability from 0 to 1, [...batchShape].
   * @throws ReparamError where there is no closed form.
   */
  icdf(probability: Value): Value;
  /** [...batchShape]. @throws ReparamError where there is no closed form. */
  entropy(): Value;
  /** [...batchShape, ...eventShape]. @throws ReparamError where there is no closed form. */
  mean(): Value;
  /** Of every element: [...batchShape, ...eventShape]. @throws ReparamError without a closed form. */
  variance(): Value;
  /**
   * All events, each once, [events, ...batchShape, ...eventShape]: the shape of so many samples. With
   * weights exp(logProb), [events, ...batchShape], they give expectations exactly.
   * @throws ReparamError where there are too many.
   */
  enumerate(): Value;
}

type Optional = "cdf" | "icdf" | "entropy" | "mean" | "variance";

/** The members of a distribution; those without a closed form are left out. */
export type Definition<D extends Distribution> = Omit<
  D,
  Optional | "supportsEnumeration" | "enumerate"
> &
  Partial<Pick<D, Optional>> & { readonly events?: Events | undefined };

const definitions = new WeakMap<Distribution, Definition<Distribution>>();

/** `logProb` for values that may lie outside of the support, such as those of other mixture components. */
export const logProbAnywhere = (p: Distribution): ((value: Value) => Value) =>
  definitions.get(p)?.logProb ?? p.logProb;

/** The events that `enumerate` gives, on the host. */
export const knownEvents = (p: Distribution): Events | undefined => definitions.get(p)?.events;

/**
 * The distribution of a definition: arguments of logProb, cdf and icdf are checked before they are used,
 * and members that are absent throw when they are called.
 */
export function defineDistribution<D extends Distribution>(definition: Definition<D>): D {
  const { events, ...given }: Definition<Distribution> = definition;
  const { name, batchShape, eventShape, logProb, cdf, icdf } = given;
  const self: Distribution = {
    entropy: noClosedForm(name, "entropy"),
    mean: noClosedForm(name, "mean"),
    variance: noClosedForm(name, "variance"),
    ...given,
    supportsEnumeration: events !== undefined,
    enumerate:
      events === undefined ? tooManyEvents(name) : () => enumerated(events, batchShape, eventShape),
    logProb: (value) => {
      checkValue(self, value);
      return logProb(value);
    },
    cdf:
      cdf === undefined
        ? noClosedForm(name, "cdf")
        : (value) => {
            checkShape(`${name}.cdf`, batchShape, eventShape, value);
            return cdf(value);
          },
    icdf:
      icdf === undefined
        ? noClosedForm(name, "icdf")
        : (probability) => {
            checkShape(`${name}.icdf`, batchShape, eventShape, probability);
            checkProbability(`${name}.icdf`, probability);
            return icdf(probability);
          },
  };
  definitions.set(self, definition);
  return self as D;
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

/** A moment whose integral diverges: no number of samples would estimate it. */
export const divergent = (name: string, what: string, instead: string) => (): Value => {
  throw new ReparamError(`${name}: the ${what} does not exist, its integral diverges. ${instead}`);
};

const tooManyEvents = (name: string) => (): Value => {
  throw new ReparamError(`${name}: the events are too many to enumerate. Use samples.`);
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
    throw new ShapeError(
      distribution,
      `wants exactly one of ${names.join(" or ")}, got ${got}. Name the one you mean.`,
    );
  }
  return [only, given[only] as T];
}

type Described = Pick<Distribution, "name" | "batchShape" | "eventShape" | "support">;

function checkShape(what: string, batchShape: Shape, eventShape: Shape, value: Value): void {
  const lead = value.rank - eventShape.length;
  if (lead < 0 || !eventShape.every((size, i) => size === value.shape[lead + i])) {
    throw new ShapeError(
      what,
      `wants a value of [...batch, ${eventShape.join(", ")}], got ${formatShape(value.shape)}.`,
    );
  }
  broadcastShapes(what, value.shape.slice(0, lead), batchShape);
}

/**
 * Checks that a value ends in the event shape, that its other axes fit the batch, and, where its numbers
 * are known, that they lie in the support.
 */
export function checkValue(
  { name, batchShape, eventShape, support }: Described,
  value: Value,
): void {
  checkShape(`${name}.logProb`, batchShape, eventShape, value);
  checkInside(`${name}.logProb`, support, value);
}

/** A relaxation's temperature: a positive number, or a scalar value when it changes while training. */
export function checkTemperature(name: string, temperature: Value | number): void {
  if (typeof temperature === "number") {
    if (temperature > 0 && Number.isFinite(temperature)) return;
    throw new ShapeError(
      name,
      `the temperature must be above 0, got ${temperature}. Small ones, like 0.1, come close to discrete values.`,
    );
  }
  if (temperature.rank !== 0) {
    throw new ShapeError(
      name,
      `the temperature must be a scalar, got ${temperature}. Scale the logits for one of each element.`,
    );
  }
}
