import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip, gzipSync } from "node:zlib";
import {
  allocate,
  bytesPerElement,
  type DType,
  elementCount,
  formatShape,
  ReparamError,
  type Tensor,
} from "../tensor/index.ts";

/**
 * IDX, the format of MNIST: two zero bytes, a type, the number of axes, each axis as a big-endian 32-bit
 * integer, then the elements, row-major and big-endian.
 */
interface Format {
  readonly name: string;
  readonly bytes: number;
  readonly dtype: DType;
  readonly read: (view: DataView, at: number) => number;
}

const formats: ReadonlyMap<number, Format> = new Map<number, Format>([
  [0x08, { name: "uint8", bytes: 1, dtype: "uint8", read: (v, at) => v.getUint8(at) }],
  [0x09, { name: "int8", bytes: 1, dtype: "int32", read: (v, at) => v.getInt8(at) }],
  [0x0b, { name: "int16", bytes: 2, dtype: "int32", read: (v, at) => v.getInt16(at) }],
  [0x0c, { name: "int32", bytes: 4, dtype: "int32", read: (v, at) => v.getInt32(at) }],
  [0x0d, { name: "float32", bytes: 4, dtype: "float32", read: (v, at) => v.getFloat32(at) }],
  [0x0e, { name: "float64", bytes: 8, dtype: "float64", read: (v, at) => v.getFloat64(at) }],
]);

const typeCodes: Partial<Record<DType, number>> = {
  uint8: 0x08,
  int32: 0x0c,
  float32: 0x0d,
  float64: 0x0e,
};

const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");

/**
 * The tensor in an IDX file's bytes, uncompressed. uint8 data shares their memory; int8 and int16 become
 * int32. `file` names the source in errors: wrong magic, unknown type, too few or too many bytes.
 */
export function parseIdx(bytes: Uint8Array<ArrayBuffer>, file: string): Tensor {
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0) {
    const start = bytes.length === 0 ? "is empty" : `starts with ${hex(bytes.subarray(0, 4))}`;
    throw new ReparamError(
      `${file}: not an IDX file: it ${start}, not with 00 00 TYPE AXES. Check that it is the right file.`,
    );
  }
  const format = formats.get(bytes[2] as number);
  if (format === undefined) {
    throw new ReparamError(
      `${file}: unknown IDX type 0x${hex(bytes.subarray(2, 3))}. Known are 08, 09, 0b, 0c, 0d and 0e.`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const axes = bytes[3] as number;
  const header = 4 + 4 * axes;
  if (bytes.length < header) throw truncated(file, `a header of ${header} bytes`, bytes.length);
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  const count = elementCount(shape);
  const expected = header + count * format.bytes;
  const what = `${formatShape(shape)} ${format.name}, ${expected} bytes`;
  if (bytes.length < expected) throw truncated(file, what, bytes.length);
  if (bytes.length > expected) {
    throw new ReparamError(
      `${file}: the header says ${what}, but the file has ${bytes.length}. Get the file again.`,
    );
  }
  const { dtype } = format;
  if (dtype === "uint8") {
    // Not a subarray: that of a Buffer is a Buffer, whose slice() does not copy.
    const data = new Uint8Array(bytes.buffer, bytes.byteOffset + header, count);
    return { dtype, shape, data };
  }
  const data = allocate(dtype, count);
  for (let i = 0; i < count; i++) data[i] = format.read(view, header + i * format.bytes);
  return { dtype, shape, data };
}

const truncated = (file: string, what: string, found: number): ReparamError =>
  new ReparamError(
    `${file}: truncated: the header says ${what}, but the file has ${found}. Get the file again.`,
  );

/** The bytes of an IDX file. Takes uint8, int32, float32 and float64. */
export function encodeIdx({ dtype, shape, data }: Tensor): Uint8Array<ArrayBuffer> {
  const code = typeCodes[dtype];
  if (code === undefined) throw new ReparamError(`IDX has no type for ${dtype}. Use int32.`);
  const header = 4 + 4 * shape.length;
  const size = bytesPerElement[dtype];
  const bytes = new Uint8Array(header + data.length * size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, code * 256 + shape.length);
  for (const [axis, length] of shape.entries()) view.setUint32(4 + 4 * axis, length);
  if (dtype === "uint8") bytes.set(data as Uint8Array, header);
  for (let i = 0; dtype !== "uint8" && i < data.length; i++) {
    const at = header + i * size;
    const value = data[i] as number;
    if (dtype === "int32") view.setInt32(at, value);
    else if (dtype === "float32") view.setFloat32(at, value);
    else view.setFloat64(at, value);
  }
  return bytes;
}

/** The bytes themselves, or what they unpack to if they are gzip (told by their first bytes). */
export async function gunzipIfPacked(
  bytes: Uint8Array<ArrayBuffer>,
  file: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await promisify(gunzip)(bytes);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ReparamError(`${file}: not a whole gzip file (${why}). Get the file again.`);
  }
}

/** Reads an IDX file, gzipped or not. */
export async function readIdx(path: string): Promise<Tensor> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === "ENOENT" ? "there is no such file" : `cannot be read (${code})`;
    throw new ReparamError(`${path}: ${why}. Check the path.`);
  }
  return parseIdx(await gunzipIfPacked(bytes, path), path);
}

/** Writes an IDX file, gzipped if the name ends in `.gz`. */
export async function writeIdx(path: string, value: Tensor): Promise<void> {
  const bytes = encodeIdx(value);
  await writeFile(path, path.endsWith(".gz") ? gzipSync(bytes, { level: 9 }) : bytes);
}
