/** Element types. Training runs in float32; float64 serves EM and gradient checks on the CPU. */
export type DType = "float32" | "float64" | "int32" | "int64" | "uint8" | "bool";

export type TypedArray =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** Every array type whose elements are JavaScript numbers: all but int64. */
export type NumberArray = Exclude<TypedArray, BigInt64Array>;

/** Bytes of one element. */
export const bytesPerElement: Readonly<Record<DType, number>> = {
  float32: 4,
  float64: 8,
  int32: 4,
  int64: 8,
  uint8: 1,
  bool: 1,
};

/** A zero-filled array of `length` elements; booleans are bytes 0 and 1. */
export function allocate(dtype: DType, length: number): TypedArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(length);
    case "float64":
      return new Float64Array(length);
    case "int32":
      return new Int32Array(length);
    case "int64":
      return new BigInt64Array(length);
    default:
      return new Uint8Array(length);
  }
}

export const isFloat = (dtype: DType): boolean => dtype === "float32" || dtype === "float64";
