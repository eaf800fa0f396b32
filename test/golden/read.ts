import { readFileSync } from "node:fs";

const constructors = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

export type GoldenDtype = keyof typeof constructors;

export type GoldenData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

export interface GoldenArray {
  readonly shape: number[];
  readonly dtype: GoldenDtype;
  readonly data: GoldenData;
}

/** Numbers, strings and lists of them, to any depth. */
export type GoldenMeta =
  | number
  | string
  | boolean
  | GoldenMeta[]
  | { readonly [key: string]: GoldenMeta };

type Stored = { shape: number[]; dtype: GoldenDtype; data?: number[]; base64?: string };

function decode(name: string, stored: Stored): GoldenArray {
  const { shape, dtype, base64 } = stored;
  const count = shape.reduce((product, size) => product * size, 1);
  const array = constructors[dtype];
  let data: GoldenData;
  if (base64 !== undefined) {
    // a copy, because a view of Buffer's pool may start at an address the typed array refuses
    data = new array(new Uint8Array(Buffer.from(base64, "base64")).buffer);
  } else {
    const values = stored.data ?? [];
    data = dtype === "int64" ? BigInt64Array.from(values.map(BigInt)) : numbers(dtype, values);
  }
  if (data.length !== count) throw new Error(`${name}: ${data.length} values, want [${shape}]`);
  return { shape, dtype, data };
}

function numbers(dtype: Exclude<GoldenDtype, "int64">, values: number[]): GoldenData {
  return constructors[dtype].from(values.map(Number));
}

function readFile(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`./${name}.json`, import.meta.url), "utf8"));
}

/** The arrays of test/golden/NAME.json by name; booleans come as bytes of 0 and 1. */
export function readGolden(name: string): Record<string, GoldenArray> {
  const { meta: _, ...arrays } = readFile(name);
  const decoded: Record<string, GoldenArray> = {};
  for (const [key, stored] of Object.entries(arrays)) decoded[key] = decode(key, stored as Stored);
  return decoded;
}

/** What the same file says beside its arrays: settings, formulas, expected scalars. */
export function readGoldenMeta(name: string): { readonly [key: string]: GoldenMeta } {
  const { meta } = readFile(name);
  return (meta ?? {}) as { readonly [key: string]: GoldenMeta };
}
