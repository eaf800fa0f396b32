import {
  abs,
  and,
  cast,
  ceil,
  clip,
  cos,
  equal,
  erf,
  exp,
  floor,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  log,
  maximum,
  minimum,
  not,
  notEqual,
  or,
  power,
  reciprocal,
  round,
  sign,
  sin,
  sqrt,
  tanh,
  where,
} from "../../ops/index.ts";
import { type DType, isFloat } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Call, Operator, Operators } from "../call.ts";
import { constantOf } from "../known.ts";
import { dtypeOf } from "../tensors.ts";

const unary =
  (apply: (x: Value) => Value): Operator =>
  (call) =>
    apply(call.value(0));

const binary =
  (apply: (a: Value, b: Value) => Value): Operator =>
  (call) =>
    apply(call.value(0), call.value(1));

/** Any count of operands, one after the other. */
const variadic =
  (combine: (a: Value, b: Value) => Value): Operator =>
  (call) =>
    call.values().reduce(combine);

/** Operations that the runtime has for floating-point numbers only, on integers by way of float64. */
const throughFloat =
  (apply: (x: Value) => Value) =>
  (x: Value): Value =>
    isFloat(x.dtype) ? apply(x) : cast(apply(cast(x, "float64")), x.dtype);

const truncate = (x: Value): Value => sign(x).mul(floor(abs(x)));

const divide = (a: Value, b: Value): Value =>
  isFloat(a.dtype) ? a.div(b) : cast(truncate(cast(a, "float64").div(cast(b, "float64"))), a.dtype);

/** The remainder, of the divisor's sign or with `fmod` of the dividend's. */
const remainder: Operator = (call) => {
  const [a, b] = [call.value(0), call.value(1)];
  const toFloat = (x: Value): Value => (isFloat(x.dtype) ? x : cast(x, "float64"));
  const [x, y] = [toFloat(a), toFloat(b)];
  const whole = call.integer("fmod", 0) === 1 ? truncate(x.div(y)) : floor(x.div(y));
  const rest = x.sub(whole.mul(y));
  return isFloat(a.dtype) ? rest : cast(rest, a.dtype);
};

/** |x|ʸ by e^(y·log|x|), with the sign of x where y is odd. */
function generalPower(x: Value, y: Value): Value {
  const size = exp(log(abs(x)).mul(y));
  const half = y.mul(0.5);
  const isOdd = notEqual(floor(half), half);
  const isWhole = equal(floor(y), y);
  const negative = where(isWhole, where(isOdd, size.neg(), size), Number.NaN);
  const signed = where(less(x, 0), negative, size);
  return where(equal(y, 0), 1, signed);
}

const pow: Operator = (call) => {
  const base = call.value(0);
  const exponent = constantOf(call.known(1));
  const x = isFloat(base.dtype) ? base : cast(base, "float64");
  const single = exponent?.data.length === 1 ? Number(exponent.data[0]) : undefined;
  const byNumber =
    single !== undefined &&
    (single === 0.5 || (Number.isInteger(single) && Math.abs(single) <= 16));
  const y = byNumber ? power(x, single) : generalPower(x, cast(call.value(1), x.dtype));
  return isFloat(base.dtype) ? y : cast(round(y), base.dtype);
};

/** Bounds are inputs since operator set 11. */
const clipRule: Operator = (call) => {
  const x = call.value(0);
  const bounds = call.opset < 11 ? undefined : ([call.optional(1), call.optional(2)] as const);
  if (bounds === undefined) {
    return clip(x, call.number("min", -3.4e38), call.number("max", 3.4e38));
  }
  const [low, high] = bounds.map((bound) => (bound === undefined ? undefined : constantOf(bound)));
  if (isFloat(x.dtype) && low !== undefined && high !== undefined) {
    const [from, to] = [Number(low.data[0]), Number(high.data[0])];
    if (from <= to) return clip(x, from, to);
  }
  const floored = bounds[0] === undefined ? x : maximum(x, bounds[0]);
  return bounds[1] === undefined ? floored : minimum(floored, bounds[1]);
};

const notANumber = (x: Value): Value => notEqual(x, x);

/** Truth values compare as integers. */
const comparable = (x: Value): Value => (x.dtype === "bool" ? cast(x, "int32") : x);

const castTo = (x: Value, to: DType): Value => {
  if (x.dtype === to) return x;
  // To an integer towards zero, to a truth value by being other than 0.
  if (to === "bool") return notEqual(x, 0);
  return cast(x, to);
};

const castRule = (call: Call): Value => {
  const x = call.value(0);
  const wanted = call.integer("to", 1);
  const to = dtypeOf(wanted, `what ${call.node.name} casts to`);
  const range = narrow[wanted];
  const y = castTo(x, to);
  // Small integers live in int32 and wrap around as they would in their own size.
  if (range === undefined || x.dtype === "bool") return y;
  const [bits, signed] = range;
  const shift = signed ? 2 ** (bits - 1) : 0;
  const z = cast(y, "float64").add(shift);
  const wrapped = z.sub(floor(z.mul(2 ** -bits)).mul(2 ** bits)).sub(shift);
  return cast(wrapped, to);
};

/** Bits and signedness of the integer types that become int32. */
const narrow: Readonly<Record<number, readonly [number, boolean]>> = {
  3: [8, true],
  4: [16, false],
  5: [16, true],
};

const sinh = (x: Value): Value => exp(x).sub(exp(x.neg())).mul(0.5);
const cosh = (x: Value): Value => exp(x).add(exp(x.neg())).mul(0.5);

export const arithmetic: Operators = {
  Abs: unary(throughFloat(abs)),
  Neg: unary((x) => x.neg()),
  Exp: unary(exp),
  Log: unary(log),
  Sqrt: unary(sqrt),
  Reciprocal: unary(reciprocal),
  Floor: unary(floor),
  Ceil: unary(ceil),
  Round: unary(round),
  Sign: unary(throughFloat(sign)),
  Erf: unary(erf),
  Sin: unary(sin),
  Cos: unary(cos),
  Tan: unary((x) => sin(x).div(cos(x))),
  Sinh: unary(sinh),
  Cosh: unary(cosh),
  Asinh: unary((x) => sign(x).mul(log(abs(x).add(sqrt(x.square().add(1)))))),
  Acosh: unary((x) => log(x.add(sqrt(x.square().sub(1))))),
  Atanh: unary((x) => log(x.add(1).div(x.neg().add(1))).mul(0.5)),
  Tanh: unary(tanh),
  Not: unary(not),
  IsNaN: unary(notANumber),
  IsInf: (call) => {
    const x = call.value(0);
    const up = greater(x, 3.4028234663852886e38);
    const down = less(x, -3.4028234663852886e38);
    const none = and(up, not(up));
    return or(
      call.integer("detect_positive", 1) === 1 ? up : none,
      call.integer("detect_negative", 1) === 1 ? down : none,
    );
  },
  Add: binary((a, b) => a.add(b)),
  Sub: binary((a, b) => a.sub(b)),
  Mul: binary((a, b) => a.mul(b)),
  Div: binary(divide),
  Mod: remainder,
  Pow: pow,
  Sum: variadic((a, b) => a.add(b)),
  Mean: (call) => {
    const values = call.values();
    return values.reduce((a, b) => a.add(b)).div(values.length);
  },
  Max: variadic(maximum),
  Min: variadic(minimum),
  Clip: clipRule,
  And: binary(and),
  Or: binary(or),
  Xor: binary((a, b) => notEqual(comparable(a), comparable(b))),
  Equal: binary((a, b) => equal(comparable(a), comparable(b))),
  Greater: binary(greater),
  GreaterOrEqual: binary(greaterOrEqual),
  Less: binary(less),
  LessOrEqual: binary(lessOrEqual),
  Where: (call) => where(call.value(0), call.value(1), call.value(2)),
  Cast: castRule,
  CastLike: (call) => castTo(call.value(0), call.value(1).dtype),
};
