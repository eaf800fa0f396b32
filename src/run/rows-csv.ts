import { elementCount, ReparamError, type Tensor } from "../tensor/index.ts";

/** A column of a table that is written: texts, or numbers [N] or [N, …] with a name for each of a row. */
export type CsvColumn =
  | { readonly name: string; readonly texts: readonly string[] }
  | { readonly name: string; readonly values: Tensor; readonly entries?: readonly string[] };

/**
 * Columns of equal length as comma-separated values (RFC 4180) with a first line of names. Of [N, K] numbers
 * every entry has a column, `name 0` to `name K − 1` where `entries` does not name it. Missing values (NaN)
 * are empty cells. Throws if the lengths differ.
 */
export function encodeRowsCsv(columns: readonly CsvColumn[]): string {
  const lengths = columns.map((column) =>
    "texts" in column ? column.texts.length : (column.values.shape[0] ?? 1),
  );
  const [length = 0] = lengths;
  const other = lengths.findIndex((each) => each !== length);
  if (other > 0) {
    throw new ReparamError(
      `csv: "${columns[other]?.name}" has ${lengths[other]} rows, "${columns[0]?.name}" has ${length}.`,
    );
  }
  const lines = [columns.flatMap(headerOf).map(quoted).join(",")];
  for (let row = 0; row < length; row++) {
    lines.push(columns.flatMap((column) => cellsOf(column, row)).join(","));
  }
  return `${lines.join("\n")}\n`;
}

const widthOf = ({ shape }: Tensor): number => elementCount(shape.slice(1));

function headerOf(column: CsvColumn): string[] {
  const { name } = column;
  if ("texts" in column || column.values.shape.length === 1) return [name];
  const { values, entries } = column;
  return Array.from({ length: widthOf(values) }, (_, i) => entries?.[i] ?? `${name} ${i}`);
}

function cellsOf(column: CsvColumn, row: number): string[] {
  if ("texts" in column) return [quoted(column.texts[row] as string)];
  const width = widthOf(column.values);
  const { data } = column.values;
  return Array.from({ length: width }, (_, i) => {
    const value = data[row * width + i];
    return Number.isNaN(value) ? "" : String(value);
  });
}

const quoted = (text: string): string =>
  /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
