import { createHash } from "node:crypto";
import {
  allocate,
  bytesPerElement,
  type DType,
  elementCount,
  ReparamError,
  type Tensor,
} from "../tensor/index.ts";

/**
 * The safetensors format: the length of a JSON header as 8 little-endian bytes, the header (tensor name →
 * dtype, shape, byte offsets; texts under `__metadata__`), and the raw little-endian elements.
 */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

const formatNames: Readonly<Record<DType, string>> = {
  float32: "F32",
  float64: "F64",
  int32: "I32",
  int64: "I64",
  uint8: "U8",
  bool: "BOOL",
};
const dtypes = new Map(Object.entries(formatNames).map(([dtype, name]) => [name, dtype as DType]));

/** Metadata entry with the SHA-256 of all elements, so that a damaged disk block is noticed. */
const digestKey = "sha256";

/** The file's bytes. Wide elements come first, so that every tensor is aligned. */
export function encodeSafetensors({ tensors, metadata }: SafetensorsFile): Uint8Array<ArrayBuffer> {
  const ordered = [...tensors].sort(
    ([, a], [, b]) => bytesPerElement[b.dtype] - bytesPerElement[a.dtype],
  );
  const entries: Record<string, unknown> = {};
  const hash = createHash("sha256");
  let end = 0;
  for (const [name, { dtype, shape, data }] of ordered) {
    const begin = end;
    end += data.byteLength;
    entries[name] = { dtype: formatNames[dtype], shape, data_offsets: [begin, end] };
    hash.update(bytesOf(data));
  }
  const digest = hash.digest("hex");
  const header = { __metadata__: { ...metadata, [digestKey]: digest }, ...entries };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + headerLength + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.set(text, 8);
  file.fill(0x20, 8 + text.length, 8 + headerLength);
  let at = 8 + headerLength;
  for (const [, { data }] of ordered) {
    file.set(bytesOf(data), at);
    at += data.byteLength;
  }
  return file;
}

const bytesOf = (data: Tensor["data"]): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Reads a file's bytes. A truncated or damaged file is a ReparamError that names `path`. */
export function decodeSafetensors(file: Uint8Array, path: string): SafetensorsFile {
  const damaged = (why: string): ReparamError =>
    new ReparamError(`${path} is damaged: ${why}. Use an older checkpoint or make the file again.`);
  if (file.length < 8) throw damaged(`it has only ${file.length} bytes`);
  const headerLength = Number(
    new DataView(file.buffer, file.byteOffset, file.byteLength).getBigUint64(0, true),
  );
  if (headerLength > file.length - 8) throw damaged("its header is cut off");
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + headerLength)));
  } catch {
    throw damaged("its header is not JSON");
  }
  const content = file.subarray(8 + headerLength);
  const { __metadata__: metadata = {}, ...entries } = header as {
    __metadata__?: Record<string, string>;
  };
  const tensors = new Map<string, Tensor>();
  let size = 0;
  for (const [name, entry] of Object.entries(entries)) {
    const found = readEntry(entry as Entry, content);
    if (typeof found === "string") throw damaged(`tensor "${name}" ${found}`);
    tensors.set(name, found);
    size = Math.max(size, (entry as Entry).data_offsets[1]);
  }
  if (size !== content.length)
    throw damaged(`it has ${content.length} bytes of tensors, wants ${size}`);
  const digest = metadata[digestKey];
  if (digest !== undefined && createHash("sha256").update(content).digest("hex") !== digest) {
    throw damaged("its checksum does not match");
  }
  return { tensors, metadata };
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The tensor of a header entry, or what is wrong with it. */
function readEntry(
  { dtype: name, shape, data_offsets }: Entry,
  content: Uint8Array,
): Tensor | string {
  const dtype = dtypes.get(name);
  if (dtype === undefined) return `has the unknown dtype ${name}`;
  const [begin, end] = data_offsets ?? [];
  const count = Array.isArray(shape) ? elementCount(shape) : Number.NaN;
  if (end - begin !== count * bytesPerElement[dtype])
    return "has offsets that do not fit its shape";
  if (begin < 0 || end > content.length) return "is cut off";
  const data = allocate(dtype, count);
  // A copy of its own: the file's bytes are not aligned for wider elements.
  new Uint8Array(data.buffer).set(content.subarray(begin, end));
  return { dtype, shape, data };
}
