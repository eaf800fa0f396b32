import { cast, clip, reshape, round, tile } from "../../ops/index.ts";
import { type DType, isFloat, type Size } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Call, Operator, Operators } from "../call.ts";

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

/** saturate(round(x / scale) + zero point); small signed integers live in int32. */
const quantize: Operator = (call) => {
  const [x, scale, zero] = [call.value(0), call.value(1), call.optional(2)];
  const s = spreadOver(call, scale, x);
  const type = quantizedType(call, zero);
  const [low, high] = ranges[type] ?? call.fail("quantizes to a type that is not known");
  const floats = isFloat(x.dtype) ? x : cast(x, "float32");
  const shifted = round(floats.div(s)).add(
    zero === undefined ? 0 : cast(spreadOver(call, zero, x), floats.dtype),
  );
  return cast(clip(shifted, low, high), dtypeOfRange(low, high));
};

const dtypeOfRange = (low: number, high: number): DType =>
  low === 0 && high === 255 ? "uint8" : "int32";

/** uint8 where the zero point is, and int8 otherwise: the types below 32 bits share int32 here. */
function quantizedType(call: Call, zero: Value | undefined): number {
  const wanted = call.integer("output_dtype", 0);
  if (wanted !== 0) return wanted;
  if (zero === undefined || zero.dtype === "uint8") return 2;
  return call.fileType(2) ?? 3;
}

/** (x − zero point)·scale. */
const dequantize: Operator = (call) => {
  const [x, scale, zero] = [call.value(0), call.value(1), call.optional(2)];
  const numbers = cast(x, scale.dtype);
  const centred =
    zero === undefined ? numbers : numbers.sub(cast(spreadOver(call, zero, x), scale.dtype));
  return centred.mul(spreadOver(call, scale, x));
};

export const quantization: Operators = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
};
