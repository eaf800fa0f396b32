import { formatShape, type Shape } from "./dim.ts";
import { allocate, type DType, type TypedArray } from "./dtype.ts";
import { ReparamError } from "./error.ts";

/** A tensor on the host: row-major data with its shape. */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** What a tensor of a program looks like before it exists: dtype, and a shape that may have symbols. */
export interface TensorSpec {
  readonly dtype: DType;
  readonly shape: Shape;
}

export const elementCount = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** A tensor over existing data. Throws if the element count or the array type does not fit. */
export function tensor(data: TypedArray, shape: readonly number[], dtype?: DType): Tensor {
  const type = dtype ?? dtypeOf(data);
  if (elementCount(shape) !== data.length) {
    throw new ReparamError(
      `tensor: shape ${formatShape(shape)} needs ${elementCount(shape)} elements, got ${data.length}.`,
    );
  }
  if (allocate(type, 0).constructor !== data.constructor) {
    throw new ReparamError(`tensor: ${type} data cannot live in a ${data.constructor.name}.`);
  }
  return { dtype: type, shape, data };
}

/** A float32 tensor (or another dtype) from plain numbers. */
export function tensorOf(
  values: ArrayLike<number>,
  shape: readonly number[],
  dtype: DType = "float32",
): Tensor {
  const data = allocate(dtype, values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    data[i] = dtype === "int64" ? BigInt(value) : value;
  }
  return tensor(data, shape, dtype);
}

export const scalar = (value: number, dtype: DType = "float32"): Tensor =>
  tensorOf([value], [], dtype);

export const zeros = (shape: readonly number[], dtype: DType = "float32"): Tensor => ({
  dtype,
  shape,
  data: allocate(dtype, elementCount(shape)),
});

export const spec = (dtype: DType, shape: Shape): TensorSpec => ({ dtype, shape });

/** The only element as a number. Throws if there is not exactly one. */
export function item(value: Tensor): number {
  if (value.data.length !== 1) {
    throw new ReparamError(`item: wants one element, got ${formatShape(value.shape)}.`);
  }
  return Number(value.data[0]);
}

/** Elements as text, −0 told apart from 0: equal texts are equal bits (or any two NaNs). */
export const elementsText = (data: TypedArray): string =>
  data instanceof BigInt64Array
    ? data.join()
    : Array.from(data as ArrayLike<number>, (v) => (Object.is(v, -0) ? "-0" : String(v))).join();

function dtypeOf(data: TypedArray): DType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof BigInt64Array) return "int64";
  return "uint8";
}
