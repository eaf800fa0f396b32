import { cast, clip, max, maximum, min, minimum, reshape, round, tile } from "../../ops/index.ts";
import { type DType, isFloat, type Size } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Call, Operator, Operators } from "../call.ts";
import { convolve } from "./convolutions.ts";
import { product } from "./matrices.ts";

/** Scales and zero points: one, one a place of an axis, or one a block of an axis. */
function spreadOver(call: Call, parameter: Value, x: Value): Value {
  if (parameter.rank === 0 || (parameter.rank === 1 && parameter.shape[0] === 1)) {
    return reshape(parameter, []);
  }
  const axis = call.integer("axis", 1);
  const at = axis < 0 ? axis + x.rank : axis;
  if (parameter.rank === 1) {
    const shape = x.shape.map((_, i): Size => (i === at ? (parameter.shape[0] as Size) : 1));
    return reshape(parameter, shape);
  }
  const block = call.integer("block_size", 1);
  const split = [...parameter.shape.slice(0, at + 1), 1, ...parameter.shape.slice(at + 1)];
  const repeats = split.map((_, i) => (i === at + 1 ? block : 1));
  return reshape(tile(reshape(parameter, split), repeats), x.shape);
}

/** Smallest and largest value of the quantized types, by the dtype and type number of the zero point. */
const ranges: Readonly<Record<number, readonly [number, number]>> = {
  2: [0, 255],
  3: [-128, 127],
  4: [0, 65535],
  5: [-32768, 32767],
};

const quantize: Operator = (call) =>
  quantized(call, call.value(0), { scale: call.value(1), zero: call.optional(2), zeroAt: 2 });

interface Steps {
  readonly scale: Value;
  readonly zero: Value | undefined;
  /** Which input of the node the zero point is. */
  readonly zeroAt: number;
}

/** saturate(round(x / scale) + zero point); small signed integers live in int32. */
function quantized(call: Call, x: Value, { scale, zero, zeroAt }: Steps): Value {
  const s = spreadOver(call, scale, x);
  const type = quantizedType(call, zero, zeroAt);
  const [low, high] = ranges[type] ?? call.fail("quantizes to a type that is not known");
  const floats = isFloat(x.dtype) ? x : cast(x, "float32");
  const shifted = round(floats.div(s)).add(
    zero === undefined ? 0 : cast(spreadOver(call, zero, x), floats.dtype),
  );
  return cast(clip(shifted, low, high), dtypeOfRange(low, high));
}

const dtypeOfRange = (low: number, high: number): DType =>
  low === 0 && high === 255 ? "uint8" : "int32";

/** uint8 where the zero point is, and int8 otherwise: the types below 32 bits share int32 here. */
function quantizedType(call: Call, zero: Value | undefined, zeroAt: number): number {
  const wanted = call.integer("output_dtype", 0);
  if (wanted !== 0) return wanted;
  if (zero === undefined || zero.dtype === "uint8") return 2;
  return call.fileType(zeroAt) ?? 3;
}

/** (x − zero point)·scale. */
const dequantize: Operator = (call) => {
  const [x, scale, zero] = [call.value(0), call.value(1), call.optional(2)];
  const numbers = cast(x, scale.dtype);
  const centred =
    zero === undefined ? numbers : numbers.sub(cast(spreadOver(call, zero, x), scale.dtype));
  return centred.mul(spreadOver(call, scale, x));
};

/** x less its zero point, which is one number, or one of each row or column: `axis` of x. */
function centred(x: Value, zero: Value | undefined, axis: number, dtype: DType): Value {
  const numbers = cast(x, dtype);
  if (zero === undefined) return numbers;
  const offset = cast(zero, dtype);
  if (zero.rank !== 1 || zero.shape[0] === 1) {
    return numbers.sub(zero.rank === 1 ? reshape(offset, []) : offset);
  }
  const at = axis < 0 ? axis + x.rank : axis;
  return numbers.sub(reshape(offset, x.shape.map((_, i) => (i === at ? -1 : 1)) as number[]));
}

/** Products of integers, whose sums single precision would round. */
const integerProduct: Operator = (call) => {
  const a = centred(call.value(0), call.optional(2), -2, "float64");
  const b = centred(call.value(1), call.optional(3), -1, "float64");
  return cast(product(a, b), "int32");
};

/** There is no convolution in double precision: sums beyond 2²⁴ are rounded to 24 bits. */
const integerConvolution: Operator = (call) => {
  const x = centred(call.value(0), call.optional(2), 1, "float32");
  const w = centred(call.value(1), call.optional(3), 0, "float32");
  return cast(round(convolve(call, x, w, undefined)), "int32");
};

/** uint8 with the scale and the zero point of the numbers at hand. */
const quantizeByRange: Operator = (call) => {
  const x = call.value(0);
  const low = minimum(min(x), 0);
  const scale = maximum(max(x), 0).sub(low).div(255);
  const zero = round(clip(low.neg().div(scale), 0, 255));
  const y = clip(round(x.div(scale)).add(zero), 0, 255);
  return [cast(y, "uint8"), scale, cast(zero, "uint8")];
};

/** The scale at an input, as a column or a row of x where it is one of each. */
function scaled(call: Call, x: Value, at: number, axis: number): Value {
  const scale = call.value(at);
  if (scale.rank !== 1 || scale.shape[0] === 1) return x.mul(reshape(scale, []));
  const place = axis < 0 ? axis + x.rank : axis;
  return x.mul(reshape(scale, x.shape.map((_, i) => (i === place ? -1 : 1)) as number[]));
}

const quantizedProduct: Operator = (call) => {
  const a = scaled(call, centred(call.value(0), call.value(2), -2, "float32"), 1, -2);
  const b = scaled(call, centred(call.value(3), call.value(5), -1, "float32"), 4, -1);
  const steps = { scale: call.value(6), zero: call.value(7), zeroAt: 7 };
  return quantized(call, product(a, b), steps);
};

const quantizedConvolution: Operator = (call) => {
  const x = scaled(call, centred(call.value(0), call.value(2), 1, "float32"), 1, 1);
  const w = scaled(call, centred(call.value(3), call.value(5), 0, "float32"), 4, 0);
  const bias = call.optional(8);
  // A bias is in steps of both scales.
  const real = bias && cast(bias, "float32").mul(call.value(1)).mul(call.value(4));
  const steps = { scale: call.value(6), zero: call.value(7), zeroAt: 7 };
  return quantized(call, convolve(call, x, w, real && reshape(real, bias.shape)), steps);
};

export const quantization: Operators = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  DynamicQuantizeLinear: quantizeByRange,
  MatMulInteger: integerProduct,
  ConvInteger: integerConvolution,
  QLinearMatMul: quantizedProduct,
  QLinearConv: quantizedConvolution,
};
