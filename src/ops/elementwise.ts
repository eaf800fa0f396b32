import { type DType, isFloat, ShapeError, type Tensor } from "../tensor/index.ts";
import {
  defineOp,
  type EvaluatedSpec,
  elementTypes,
  type Lowering,
  likeFirst,
  type Node,
  type Value,
} from "../trace/index.ts";
import { lowerSine } from "./sine.ts";
import { defineUnary, isDouble, mapElements, number, wrap } from "./unary.ts";

/** −x. */
export const neg = wrap(
  defineUnary(
    "neg",
    (v) => -v,
    ({ dy }) => dy.neg(),
    "Neg",
  ),
);

/** |x|; the derivative at 0 is 0. */
export const abs = wrap(defineUnary("abs", Math.abs, ({ dy, x }) => dy.mul(sign(x)), "Abs"));

/** −1, 0 or 1. Its derivative is taken as 0, so that abs has a second one. */
export const sign = wrap(defineUnary("sign", Math.sign, () => undefined, "Sign"));

/** 1 where x > 0, else 0: the mask of relu. Its derivative is taken as 0. */
export const step = wrap(
  defineUnary(
    "step",
    (v) => (v > 0 ? 1 : 0),
    () => undefined,
    (to, x, _a, node) => {
      // One pass instead of Greater and Cast; the runtime has no float64 kernel for it.
      if (!isDouble(node))
        return to.emit("HardSigmoid", [x], { alpha: { float: 1e38 }, beta: { float: 0 } });
      return to.emit("Cast", [to.emit("Greater", [x, number(to, node, 0)])], { to: 11 });
    },
  ),
);

export const exp = wrap(defineUnary("exp", Math.exp, ({ dy, y }) => dy.mul(y), "Exp"));

/** Natural logarithm. */
export const log = wrap(defineUnary("log", Math.log, ({ dy, x }) => dy.div(x), "Log"));

export const sqrt = wrap(defineUnary("sqrt", Math.sqrt, ({ dy, y }) => dy.div(y).mul(0.5), "Sqrt"));

/** 1/x. */
export const reciprocal = wrap(
  defineUnary(
    "reciprocal",
    (v) => 1 / v,
    ({ dy, y }) => dy.mul(y.mul(y)).neg(),
    "Reciprocal",
  ),
);

export const sin = wrap(
  defineUnary("sin", Math.sin, ({ dy, x }) => dy.mul(cos(x)), lowerSine("Sin", 0)),
);

export const cos = wrap(
  defineUnary("cos", Math.cos, ({ dy, x }) => dy.mul(sin(x)).neg(), lowerSine("Cos", 0.5)),
);

export const tanh = wrap(
  defineUnary("tanh", Math.tanh, ({ dy, y }) => dy.sub(dy.mul(y.mul(y))), "Tanh"),
);

/** The runtime would fuse x·Sigmoid(x) to an operator that it has no float64 kernel for. */
export function emitSigmoid(to: Lowering, x: string, node: Node): string {
  if (!isDouble(node)) return to.emit("Sigmoid", [x]);
  const power = to.emit("Exp", [to.emit("Neg", [x])]);
  return to.emit("Reciprocal", [to.emit("Add", [power, number(to, node, 1)])]);
}

/** 1 / (1 + e⁻ˣ). */
export const sigmoid = wrap(
  defineUnary(
    "sigmoid",
    (v) => (v >= 0 ? 1 / (1 + Math.exp(-v)) : Math.exp(v) / (1 + Math.exp(v))),
    ({ dy, y }) => dy.mul(y.sub(y.mul(y))),
    (to, x, _a, node) => emitSigmoid(to, x, node),
  ),
);

/** Throws for float64, which the runtime has no kernel for. */
export function emitErf(to: Lowering, x: string, node: Node): string {
  if (!isDouble(node)) return to.emit("Erf", [x]);
  throw new ShapeError("erf", "the runtime has no float64 erf; use float32 or plain evaluation.");
}

/** Error function. */
export const erf = wrap(
  defineUnary(
    "erf",
    errorFunction,
    ({ dy, x }) => dy.mul(exp(x.mul(x).neg()).mul(2 / Math.sqrt(Math.PI))),
    (to, x, _a, node) => emitErf(to, x, node),
  ),
);

const noGradient = null;

export const floor = wrap(defineUnary("floor", Math.floor, noGradient, "Floor"));

export const ceil = wrap(defineUnary("ceil", Math.ceil, noGradient, "Ceil"));

/** Nearest integer, halves to the even one, as in ONNX and NumPy (Math.round differs). */
export const round = wrap(
  defineUnary(
    "round",
    (v) => {
      const low = Math.floor(v);
      const rest = v - low;
      return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
    },
    noGradient,
    "Round",
  ),
);

const clipOp = defineUnary<{ min: number; max: number }>(
  "clip",
  (v, { min, max }) => Math.min(Math.max(v, min), max),
  ({ dy, x, attributes: { min, max } }) => {
    // Inside the interval, its ends included, the derivative is 1.
    const above = Number.isFinite(min) ? step(x.neg().add(min)).neg().add(1) : undefined;
    const below = Number.isFinite(max) ? step(x.sub(max)).neg().add(1) : undefined;
    const mask = above && below ? above.mul(below) : (above ?? below);
    return mask === undefined ? dy : dy.mul(mask);
  },
  (to, x, { min, max }, node) => {
    const bound = (v: number): string => (Number.isFinite(v) ? number(to, node, v) : "");
    return to.emit("Clip", [x, bound(min), bound(max)]);
  },
);

/** x limited to [min, max]; pass ∓Infinity for an open end. Throws if min > max. */
export function clip(x: Value, min: number, max: number): Value {
  if (!(min <= max)) throw new ShapeError("clip", `min ${min} must not exceed max ${max}.`);
  return clipOp.apply([x], { min, max })[0] as Value;
}

const castOp = defineOp<{ to: DType }>({
  name: "cast",
  infer: (xs, { to }) => [{ dtype: to, shape: (xs[0] as Value).shape }],
  grad: ({ dy, xs: [x], attributes }) => {
    if (!isFloat(attributes.to) || !isFloat((x as Value).dtype)) return [undefined];
    return [cast(dy, (x as Value).dtype)];
  },
  lower: (to, [x], _node, attributes) => [
    to.emit("Cast", [x as string], { to: elementTypes[attributes.to] }),
  ],
  evaluate: ([x], { to }, [spec]) => [
    mapElements(x as Tensor, spec as EvaluatedSpec, (v) =>
      to === "bool" ? (v !== 0 ? 1 : 0) : isFloat(to) ? v : Math.trunc(v),
    ),
  ],
  simplify: ([x], { to }) => (x?.dtype === to ? [x] : undefined),
});

/** The same numbers in another dtype; fractions are cut off on the way to integers. */
export const cast = (x: Value, to: DType): Value => castOp.apply([x], { to })[0] as Value;

/** Logical negation of a bool tensor. */
export const not = wrap(
  defineOp({
    name: "not",
    infer: likeFirst,
    grad: null,
    lower: (to, [x]) => [to.emit("Not", [x as string])],
    evaluate: ([x], _a, [spec]) => [mapElements(x as Tensor, spec as EvaluatedSpec, (v) => 1 - v)],
  }),
);

/**
 * erf to double precision: Abramowitz, Stegun 7.1.6 (all terms of one sign) for |x| < 3, the continued
 * fraction of erfc, 7.1.14, beyond.
 */
export function errorFunction(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  let fraction = a;
  for (let k = 60; k >= 1; k--) fraction = a + k / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / fraction);
}
