import { ShapeError } from "../tensor/index.ts";
import { type Operand, uniform } from "../trace/index.ts";
import { type Distribution, defineDistribution } from "./distribution.ts";
import { checkParameter, type Interval, knownNumbers } from "./domain.ts";
import { locationScale, type StandardForm } from "./location-scale.ts";
import { minus } from "./operand.ts";
import { scaleFrom } from "./scale.ts";

/** Equal density from low to high, event shape []. */
export interface Uniform extends Distribution {
  readonly name: "Uniform";
  readonly support: Interval;
  readonly parameters: { readonly low: Operand; readonly high: Operand };
}

/** Numbers or values that broadcast, low < high. */
export interface UniformOptions {
  readonly low: Operand;
  readonly high: Operand;
}

const standard: StandardForm = {
  support: "unitInterval",
  noise: (key, shape, dtype) => uniform(key, shape, dtype),
  logDensity: (z) => z.mul(0),
  cdf: (z) => z,
  icdf: (p) => p,
  entropy: 0,
  mean: 1 / 2,
  variance: 1 / 12,
};

/** The pair at which low is not below high, where both are known and of one shape. */
function emptyInterval({ low, high }: UniformOptions): string | undefined {
  const [a, b] = [knownNumbers(low)?.data, knownNumbers(high)?.data];
  if (a === undefined || b === undefined || (a.length !== b.length && b.length !== 1)) return;
  for (let i = 0; i < a.length; i++) {
    const [from, to] = [Number(a[i]), Number(b[b.length === 1 ? 0 : i])];
    if (!(from < to)) return `${from} and ${to}`;
  }
  return undefined;
}

/** @throws ShapeError where a known low is not below a known high. */
export function Uniform(options: UniformOptions): Uniform {
  const { low, high } = options;
  checkParameter("Uniform", "low", low, "real");
  checkParameter("Uniform", "high", high, "real");
  const empty = emptyInterval(options);
  if (empty !== undefined) {
    throw new ShapeError("Uniform", `low must be below high, got ${empty}. Swap or widen them.`);
  }
  const support = { low, high };
  const parameters = { location: low, scale: scaleFrom(minus(high, low)) };
  return defineDistribution<Uniform>({
    ...locationScale("Uniform", standard, parameters),
    name: "Uniform",
    support,
    parameters: { low, high },
  });
}
