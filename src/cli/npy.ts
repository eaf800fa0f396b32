import {
  allocate,
  bytesPerElement,
  type DType,
  elementCount,
  ReparamError,
  type Tensor,
} from "../tensor/index.ts";

/** NumPy's file format, version 1.0: a magic, a Python dictionary padded to 64 bytes, raw elements. */
const magic = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0);

const descriptions: Readonly<Record<DType, string>> = {
  float32: "<f4",
  float64: "<f8",
  int32: "<i4",
  int64: "<i8",
  uint8: "|u1",
  bool: "|b1",
};
const dtypes = new Map(Object.entries(descriptions).map(([dtype, text]) => [text, dtype as DType]));

export function encodeNpy({ dtype, shape, data }: Tensor): Uint8Array<ArrayBuffer> {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dictionary = `{'descr': '${descriptions[dtype]}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const headerLength = Math.ceil((dictionary.length + 11) / 64) * 64 - 10;
  const file = new Uint8Array(10 + headerLength + data.byteLength);
  file.set(magic);
  new DataView(file.buffer).setUint16(8, headerLength, true);
  file.set(new TextEncoder().encode(`${dictionary.padEnd(headerLength - 1)}\n`), 10);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + headerLength);
  return file;
}

/** Reads an array in C order. Throws a ReparamError naming `path` if the file is anything else. */
export function decodeNpy(file: Uint8Array, path: string): Tensor {
  const wrong = (why: string): ReparamError =>
    new ReparamError(`${path} is not a .npy file this can read: ${why}.`);
  if (file.length < 10 || magic.slice(0, 6).some((byte, i) => file[i] !== byte)) {
    throw wrong("it does not begin like one");
  }
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const wide = (file[6] as number) > 1;
  const start = wide ? 12 : 10;
  if (file.length < start) throw wrong("it is cut off");
  const headerEnd = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder().decode(file.subarray(start, headerEnd));
  const description = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? "";
  const shapeText = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  const dtype = dtypes.get(description.replace("=", "<"));
  if (dtype === undefined) throw wrong(`its elements are "${description}"`);
  if (shapeText === undefined) throw wrong("it has no shape");
  if (/'fortran_order':\s*True/.test(header))
    throw wrong("its order is Fortran's; save it in C order");
  const shape = shapeText
    .split(",")
    .filter((part) => part.trim() !== "")
    .map(Number);
  const bytes = elementCount(shape) * bytesPerElement[dtype];
  if (file.length - headerEnd !== bytes) {
    throw wrong(`it has ${file.length - headerEnd} bytes of elements, wants ${bytes}`);
  }
  const data = allocate(dtype, elementCount(shape));
  new Uint8Array(data.buffer).set(file.subarray(headerEnd));
  return { dtype, shape, data };
}
