import { ShapeError } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { clip, emitErf, emitSigmoid, errorFunction, exp, sigmoid, step } from "./elementwise.ts";
import { takes } from "./forms.ts";
import { defineUnary, isDouble, number, wrap } from "./unary.ts";

/** log(1 + eˣ), as max(x, 0) − log sigmoid(|x|): exact at both ends, and the runtime's own op is slow. */
export const softplus = wrap(
  defineUnary(
    "softplus",
    (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))),
    ({ dy, x }) => dy.mul(sigmoid(x)),
    (to, x, _a, node) => {
      const log = to.emit("Log", [emitSigmoid(to, to.emit("Abs", [x]), node)]);
      return to.emit("Sub", [to.emit("Relu", [x]), log]);
    },
  ),
);

/** max(x, 0); the derivative at 0 is 0. */
export const relu = wrap(
  defineUnary(
    "relu",
    (v) => Math.max(v, 0),
    ({ dy, x }) => dy.mul(step(x)),
    "Relu",
  ),
);

const leakyReluOp = defineUnary<{ alpha: number }>(
  "leakyRelu",
  (v, { alpha }) => (v > 0 ? v : alpha * v),
  ({ dy, x, attributes }) => dy.mul(slopeOp.apply([x], attributes)[0] as Value),
  (to, x, { alpha }, node) => {
    if (!isDouble(node)) return to.emit("LeakyRelu", [x], { alpha: { float: alpha } });
    return to.emit("Max", [x, to.emit("Mul", [x, number(to, node, alpha)])]);
  },
);

/** Derivative of leakyRelu: alpha, or 1 where x > 0. */
const slopeOp = defineUnary<{ alpha: number }>(
  "leakyReluSlope",
  (v, { alpha }) => (v > 0 ? 1 : alpha),
  () => undefined,
  (to, x, { alpha }, node) =>
    to.emit("Clip", [
      to.emit("Mul", [x, number(to, node, 1e38)]),
      number(to, node, alpha),
      number(to, node, 1),
    ]),
);

/** x where x > 0, alpha·x elsewhere; 0 ≤ alpha < 1. */
export function leakyRelu(x: Value, alpha = 0.01): Value {
  if (!(alpha >= 0 && alpha < 1))
    throw new ShapeError("leakyRelu", `alpha must be in [0, 1), got ${alpha}.`);
  return leakyReluOp.apply([x], { alpha })[0] as Value;
}

const eluOp = defineUnary<{ alpha: number }>(
  "elu",
  (v, { alpha }) => (v > 0 ? v : alpha * Math.expm1(v)),
  ({ dy, x, attributes: { alpha } }) => {
    const positive = step(x);
    const negative = exp(clip(x, Number.NEGATIVE_INFINITY, 0)).mul(alpha);
    return dy.mul(positive.add(negative.mul(positive.neg().add(1))));
  },
  (to, x, { alpha }, node) => {
    if (!isDouble(node)) return to.emit("Elu", [x], { alpha: { float: alpha } });
    const negative = to.emit("Exp", [to.emit("Min", [x, number(to, node, 0)])]);
    const scaled = to.emit("Mul", [
      to.emit("Sub", [negative, number(to, node, 1)]),
      number(to, node, alpha),
    ]);
    return to.emit("Add", [to.emit("Relu", [x]), scaled]);
  },
);

/** x where x > 0, alpha·(eˣ − 1) elsewhere (Clevert, Unterthiner, Hochreiter 2016). */
export const elu = (x: Value, alpha = 1): Value => eluOp.apply([x], { alpha })[0] as Value;

const normalDensity = (v: number): number => Math.exp(-0.5 * v * v) / Math.sqrt(2 * Math.PI);

/** Derivative of gelu, Φ(x) + x·φ(x), in as few passes as the runtime's operators allow. */
const geluSlope = wrap(
  defineUnary(
    "geluSlope",
    (v) => 0.5 * (1 + errorFunction(v * Math.SQRT1_2)) + v * normalDensity(v),
    ({ dy, x }) => {
      const square = x.mul(x);
      const density = exp(square.mul(-0.5)).mul(1 / Math.sqrt(2 * Math.PI));
      return dy.mul(density.mul(square.neg().add(2)));
    },
    (to, x, _a, node) => {
      const scaled = to.emit("Mul", [x, number(to, node, Math.SQRT1_2)]);
      const cumulative = to.emit("HardSigmoid", [emitErf(to, scaled, node)], {
        alpha: { float: 0.5 },
        beta: { float: 0.5 },
      });
      // x / exp(x²/2): where the exponential overflows, the quotient is 0 as it should be.
      const quotient = to.emit("Div", [x, to.emit("Exp", [to.emit("Mul", [scaled, scaled])])]);
      const rest = to.emit("Mul", [quotient, number(to, node, 1 / Math.sqrt(2 * Math.PI))]);
      return to.emit("Add", [cumulative, rest]);
    },
  ),
);

/** Gaussian error linear unit x·Φ(x) (Hendrycks, Gimpel 2016), the exact form. */
export const gelu = wrap(
  defineUnary(
    "gelu",
    (v) => 0.5 * v * (1 + errorFunction(v * Math.SQRT1_2)),
    ({ dy, x }) => dy.mul(geluSlope(x)),
    (to, x, _a, node) => {
      if (takes(to, "fused-gelu")) return to.emit("Gelu", [x], {}, "com.microsoft");
      const half = to.emit("Mul", [x, number(to, node, 0.5)]);
      const e = emitErf(to, to.emit("Mul", [x, number(to, node, Math.SQRT1_2)]), node);
      return to.emit("Mul", [half, to.emit("Add", [e, number(to, node, 1)])]);
    },
  ),
);

/** x·sigmoid(x), also called swish. With s for the sigmoid and y for the result the derivative is s + s·(x − y). */
export const silu = wrap(
  defineUnary(
    "silu",
    (v) => v / (1 + Math.exp(-v)),
    ({ dy, x, y }) => {
      const s = sigmoid(x);
      return dy.mul(s.mul(x.sub(y)).add(s));
    },
    (to, x, _a, node) => to.emit("Mul", [x, emitSigmoid(to, x, node)]),
  ),
);
