import { ReparamError, type Tensor } from "../tensor/index.ts";

type Nested = number | readonly Nested[];

function nested({ data, shape }: Tensor, axis: number, at: number): Nested {
  if (axis === shape.length) return Number(data[at]);
  const size = shape.slice(axis + 1).reduce((n, d) => n * d, 1);
  return Array.from({ length: shape[axis] as number }, (_, i) =>
    nested({ data, shape } as Tensor, axis + 1, at + i * size),
  );
}

/** A line a row: an object of the tensors [N, ...] by name, as nested lists. */
export function encodeRowsJson(columns: Readonly<Record<string, Tensor>>): string {
  const rows = Object.values(columns)[0]?.shape[0] ?? 0;
  const lines = Array.from({ length: rows }, (_, row) =>
    JSON.stringify(
      Object.fromEntries(
        Object.entries(columns).map(([name, tensor]) => {
          const size = tensor.data.length / rows;
          return [name, nested(tensor, 1, row * size)];
        }),
      ),
    ),
  );
  return lines.map((line) => `${line}\n`).join("");
}

/** The tensor `name` of such lines. Throws for lines that are no JSON, lack it, or differ in shape. */
export function decodeRowsJson(text: string, name: string, file: string): Tensor {
  const rows = text.split("\n").filter((line) => line.trim() !== "");
  let shape: readonly number[] | undefined;
  const all = rows.map((line, i) => {
    const values = valuesOf(line, name, `${file}, line ${i + 1}`);
    shape ??= values.shape;
    if (values.shape.join() !== shape.join()) {
      throw new ReparamError(
        `${file}, line ${i + 1}: ${name} is [${values.shape.join(", ")}], in the first line [${shape.join(", ")}].`,
      );
    }
    return values.data;
  });
  if (shape === undefined) throw new ReparamError(`${file}: there are no rows.`);
  return { dtype: "float64", shape: [rows.length, ...shape], data: Float64Array.from(all.flat()) };
}

function valuesOf(line: string, name: string, where: string): { shape: number[]; data: number[] } {
  let row: Record<string, unknown>;
  try {
    row = JSON.parse(line) as Record<string, unknown>;
  } catch {
    throw new ReparamError(`${where} is not JSON.`);
  }
  const value = row[name];
  const shape: number[] = [];
  for (let part: unknown = value; Array.isArray(part); part = part[0]) shape.push(part.length);
  const data = [value].flat(Number.POSITIVE_INFINITY) as number[];
  const full = shape.reduce((n, d) => n * d, 1) === data.length;
  if (!full || !data.every((v) => typeof v === "number")) {
    throw new ReparamError(`${where}: ${name} must be numbers, or lists of them of equal lengths.`);
  }
  return { shape, data };
}
