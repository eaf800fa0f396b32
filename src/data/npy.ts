import {
  allocate,
  bytesPerElement,
  type DType,
  elementCount,
  formatShape,
  ReparamError,
  type Tensor,
  type TypedArray,
} from "../tensor/index.ts";

/**
 * NumPy's file format (Robert Kern, "A simple file format for NumPy arrays", NEP 1): a magic, a version, a
 * Python dictionary padded to 64 bytes, then the elements as they lay in memory.
 */
const magic = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);
/** More than any header of numbers has. */
const longestHeader = 1 << 16;

/** An element as it lies in the file. */
export interface NpyElement {
  readonly bytes: number;
  /** What it becomes as a tensor. */
  readonly dtype: DType;
  readonly littleEndian: boolean;
  readonly read: (view: DataView, at: number, littleEndian: boolean) => number | bigint;
}

export interface NpyHeader {
  readonly element: NpyElement;
  /** The first axis varies fastest. */
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Bytes before the first element. */
  readonly offset: number;
}

type Kind = Pick<NpyElement, "bytes" | "dtype" | "read">;

const kinds: Readonly<Record<string, Kind>> = {
  f4: { bytes: 4, dtype: "float32", read: (v, at, le) => v.getFloat32(at, le) },
  f8: { bytes: 8, dtype: "float64", read: (v, at, le) => v.getFloat64(at, le) },
  i1: { bytes: 1, dtype: "int32", read: (v, at) => v.getInt8(at) },
  i2: { bytes: 2, dtype: "int32", read: (v, at, le) => v.getInt16(at, le) },
  i4: { bytes: 4, dtype: "int32", read: (v, at, le) => v.getInt32(at, le) },
  i8: { bytes: 8, dtype: "int64", read: (v, at, le) => v.getBigInt64(at, le) },
  u1: { bytes: 1, dtype: "uint8", read: (v, at) => v.getUint8(at) },
  u2: { bytes: 2, dtype: "int32", read: (v, at, le) => v.getUint16(at, le) },
  u4: { bytes: 4, dtype: "int64", read: (v, at, le) => BigInt(v.getUint32(at, le)) },
  b1: { bytes: 1, dtype: "bool", read: (v, at) => v.getUint8(at) },
};

const written: Readonly<Record<DType, string>> = {
  float32: "<f4",
  float64: "<f8",
  int32: "<i4",
  int64: "<i8",
  uint8: "|u1",
  bool: "|b1",
};

/** The bytes of a `.npy` file, version 1.0, in C order. */
export function encodeNpy({ dtype, shape, data }: Tensor): Uint8Array<ArrayBuffer> {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dictionary = `{'descr': '${written[dtype]}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const headerLength = Math.ceil((dictionary.length + 11) / 64) * 64 - 10;
  const file = new Uint8Array(10 + headerLength + data.byteLength);
  file.set(magic);
  file[6] = 1;
  new DataView(file.buffer).setUint16(8, headerLength, true);
  file.set(new TextEncoder().encode(`${dictionary.padEnd(headerLength - 1)}\n`), 10);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + headerLength);
  return file;
}

const wrong = (path: string, why: string): ReparamError =>
  new ReparamError(`${path} is not a .npy file this can read: ${why}.`);

/**
 * The header at the beginning of a file's bytes; the first 64 kB are enough. Throws a ReparamError that names
 * the field that is wrong.
 */
export function parseNpyHeader(bytes: Uint8Array, path: string): NpyHeader {
  if (bytes.length < 10 || magic.some((byte, i) => bytes[i] !== byte)) {
    const start = Array.from(bytes.subarray(0, 6), (byte) => byte.toString(16).padStart(2, "0"));
    throw wrong(
      path,
      bytes.length < 10
        ? `it has ${bytes.length} bytes, which is less than a header`
        : `it begins with ${start.join(" ")}, not with 93 4e 55 4d 50 59 ("NUMPY")`,
    );
  }
  const version = bytes[6] as number;
  if (version < 1 || version > 3) {
    throw wrong(path, `its version is ${version}.${bytes[7]}; known are 1.0, 2.0 and 3.0`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = version === 1 ? 10 : 12;
  if (bytes.length < start) throw wrong(path, "it is cut off in the header");
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > longestHeader) throw wrong(path, `its header claims ${length} bytes`);
  if (bytes.length < start + length) {
    throw wrong(path, `its header claims ${length} bytes, and ${bytes.length - start} are there`);
  }
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  return { ...fieldsOf(header, path), offset: start + length };
}

function fieldsOf(header: string, path: string): Omit<NpyHeader, "offset"> {
  if (/'descr':\s*\[/.test(header)) {
    throw wrong(path, "its descr is that of records; save one plain array of numbers");
  }
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  if (descr === undefined) throw wrong(path, "its header has no descr");
  const kind = kinds[descr.slice(1)];
  if (kind === undefined || !/^[<>|=]/.test(descr)) {
    const what = descr.includes("O") ? "Python objects" : `"${descr}"`;
    throw wrong(path, `its descr is ${what}; known are f4, f8, i1, i2, i4, i8, u1, u2, u4 and b1`);
  }
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  if (order === undefined) throw wrong(path, "its header has no fortran_order of True or False");
  const sizes = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (sizes === undefined || !/^[\d,\sL]*$/.test(sizes))
    throw wrong(path, "its header has no shape");
  const shape = sizes
    .split(",")
    .filter((part) => part.trim() !== "")
    .map((part) => Number.parseInt(part, 10));
  if (!Number.isSafeInteger(elementCount(shape) * 8)) {
    throw wrong(path, `its shape is ${formatShape(shape)}, more than any file holds`);
  }
  const element = { ...kind, littleEndian: !descr.startsWith(">") };
  return { element, fortranOrder: order === "True", shape };
}

/** Throws unless a file of `size` bytes holds the elements that its header tells of, and no more. */
export function checkNpySize(
  { element, shape, offset }: NpyHeader,
  size: number,
  path: string,
): void {
  const wanted = elementCount(shape) * element.bytes;
  if (size - offset === wanted) return;
  const state = size - offset < wanted ? "it is cut off: " : "";
  throw wrong(
    path,
    `${state}shape ${formatShape(shape)} of ${element.bytes} bytes each wants ${wanted} bytes of elements, got ${size - offset}`,
  );
}

/**
 * `count` elements of the file as they lie there, from the beginning of `bytes`, into `into` (whose type may
 * be another).
 */
export function readElements(
  { element }: NpyHeader,
  bytes: Uint8Array,
  count: number,
  into: TypedArray,
): void {
  const { littleEndian, read, bytes: size, dtype } = element;
  const same =
    bytesPerElement[dtype] === size && allocate(dtype, 0).constructor === into.constructor;
  if (same && littleEndian) {
    new Uint8Array(into.buffer, into.byteOffset, count * size).set(bytes.subarray(0, count * size));
    return;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const big = into instanceof BigInt64Array;
  for (let i = 0; i < count; i++) {
    const value = read(view, i * size, littleEndian);
    into[i] = big ? BigInt(value) : Number(value);
  }
}

/** The array in a file's bytes. Throws a ReparamError naming `path` if the file is anything else. */
export function decodeNpy(file: Uint8Array, path: string): Tensor {
  const header = parseNpyHeader(file, path);
  checkNpySize(header, file.length, path);
  const { element, shape, offset, fortranOrder } = header;
  const { dtype } = element;
  const data = allocate(dtype, elementCount(shape));
  readElements(header, file.subarray(offset), data.length, data);
  return { dtype, shape, data: fortranOrder ? rowMajor(data, shape, dtype) : data };
}

/** Elements whose first axis varies fastest, put so that the last one does. */
function rowMajor(data: TypedArray, shape: readonly number[], dtype: DType): TypedArray {
  const out = allocate(dtype, data.length);
  const place = shape.map(() => 0);
  for (let from = 0; from < data.length; from++) {
    const at = place.reduce((sum, index, axis) => sum * (shape[axis] as number) + index, 0);
    out[at] = data[from] as never;
    for (let axis = 0; axis < place.length; axis++) {
      place[axis] = (place[axis] as number) + 1;
      if (place[axis] !== shape[axis]) break;
      place[axis] = 0;
    }
  }
  return out;
}
