import {
  allocate,
  type DType,
  elementCount,
  formatShape,
  ReparamError,
  type Tensor,
} from "../tensor/index.ts";
import type { FileTensor } from "./file.ts";

/** Bytes of a tensor that are in another file: `location` is relative to the model's own folder. */
export type ExternalData = (location: string, offset: number, length: number) => Uint8Array;

/** How elements of one type (TensorProto.DataType) are stored and what they become here. */
interface Element {
  readonly dtype: DType;
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number | bigint;
  /** Of 16-bit floats, which are listed as integers: the number of those bits. */
  readonly ofBits?: (bits: number) => number;
}

/**
 * Types that the library lacks become the next larger one: 16-bit floats float32, small integers int32, unsigned 32 and
 * 64 bits int64.
 */
const elements: Readonly<Record<number, Element>> = {
  1: { dtype: "float32", bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  2: { dtype: "uint8", bytes: 1, read: (view, at) => view.getUint8(at) },
  3: { dtype: "int32", bytes: 1, read: (view, at) => view.getInt8(at) },
  4: { dtype: "int32", bytes: 2, read: (view, at) => view.getUint16(at, true) },
  5: { dtype: "int32", bytes: 2, read: (view, at) => view.getInt16(at, true) },
  6: { dtype: "int32", bytes: 4, read: (view, at) => view.getInt32(at, true) },
  7: { dtype: "int64", bytes: 8, read: (view, at) => view.getBigInt64(at, true) },
  9: { dtype: "bool", bytes: 1, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
  10: {
    ...{ dtype: "float32", bytes: 2, ofBits: halfFloat },
    read: (view, at) => halfFloat(view.getUint16(at, true)),
  },
  11: { dtype: "float64", bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  12: { dtype: "int64", bytes: 4, read: (view, at) => BigInt(view.getUint32(at, true)) },
  13: { dtype: "int64", bytes: 8, read: (view, at) => view.getBigInt64(at, true) },
  16: {
    ...{ dtype: "float32", bytes: 2, ofBits: brainFloat },
    read: (view, at) => brainFloat(view.getUint16(at, true)),
  },
};

/** The element type here of one of ONNX's. @throws ReparamError for strings, complex numbers and those below a byte. */
export function dtypeOf(type: number, what: string): DType {
  const element = elements[type];
  if (element === undefined) {
    throw new ReparamError(`fromOnnx: ${what} has elements of type ${type}, which are not read.`);
  }
  return element.dtype;
}

/** IEEE 754 binary16. */
function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const scratch = new DataView(new ArrayBuffer(4));

/** The upper half of a float32. */
function brainFloat(bits: number): number {
  scratch.setUint32(0, bits * 65536);
  return scratch.getFloat32(0);
}

/**
 * A tensor of the file. Nothing is allocated before its size has been found to agree with the bytes that are there.
 * @throws ReparamError where it does not, or where its bytes are in another file and `external` is missing.
 */
export function tensorOf(file: FileTensor, external?: ExternalData): Tensor {
  const what = `tensor "${file.name}"`;
  const { shape } = file;
  const dtype = dtypeOf(file.type, what);
  const element = elements[file.type] as Element;
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new ReparamError(`fromOnnx: ${what} has the shape ${formatShape(shape)}.`);
  }
  const count = elementCount(shape);
  const bytes = file.external === undefined ? file.raw : outside(file, count, element, external);
  const have = bytes === undefined ? file.numbers.length : bytes.length / element.bytes;
  if (have !== count) {
    throw new ReparamError(
      `fromOnnx: ${what} is ${formatShape(shape)}, ${count} elements, but has ${have}.`,
    );
  }
  const data = allocate(dtype, count);
  if (bytes === undefined) {
    const convert = element.ofBits ?? ((n: number) => n);
    for (const [i, n] of file.numbers.entries())
      data[i] = dtype === "int64" ? BigInt(n) : convert(n);
  } else if (element.bytes === data.BYTES_PER_ELEMENT && dtype !== "bool") {
    new Uint8Array(data.buffer).set(bytes);
  } else {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < count; i++) data[i] = element.read(view, i * element.bytes);
  }
  return { dtype, shape, data };
}

function outside(
  { name, external: place }: FileTensor,
  count: number,
  { bytes }: Element,
  external: ExternalData | undefined,
): Uint8Array {
  const location = place?.get("location") ?? "";
  if (external === undefined) {
    throw new ReparamError(
      `fromOnnx: tensor "${name}" is in another file, ${location}. Open the model by its path, or give \`external\`.`,
    );
  }
  const number = (key: string, otherwise: number): number =>
    place?.has(key) === true ? Number(place.get(key)) : otherwise;
  return external(location, number("offset", 0), number("length", count * bytes));
}
