import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { ReparamError } from "../tensor/index.ts";
import { buildTable, type Table, type TableBuilder } from "./table.ts";
import type { TableOptions } from "./types.ts";

/** Takes rows that are objects, or arrays with the column names given. */
function rowTaker(file: string, options: TableOptions, given: readonly string[] | undefined) {
  let names = given ?? [];
  let known = new Set<string>();
  let builder: TableBuilder | undefined;
  return {
    take(row: unknown, where: string): void {
      if (typeof row !== "object" || row === null) {
        const got = JSON.stringify(row)?.slice(0, 30);
        throw new ReparamError(
          `${file}, ${where}: a row must be an object or an array, got ${got}.`,
        );
      }
      const listed = Array.isArray(row);
      if (builder === undefined) {
        if (given === undefined) names = Object.keys(row);
        known = new Set(names);
        builder = buildTable(file, names, options);
      }
      if (listed && row.length !== names.length) {
        throw new ReparamError(
          `${file}, ${where}: ${row.length} values, but the first row has ${names.length}. Make them equal.`,
        );
      }
      const stranger = listed ? undefined : Object.keys(row).find((key) => !known.has(key));
      if (stranger !== undefined) {
        throw new ReparamError(
          `${file}, ${where}: the first row has no "${stranger}". Give the first row every key, null where it is empty.`,
        );
      }
      const cells = listed ? row : names.map((name) => (row as Record<string, unknown>)[name]);
      builder.add(cells, where);
    },
    finish(): Table {
      if (builder === undefined) throw new ReparamError(`${file} has no rows. Check the file.`);
      return builder.finish();
    },
  };
}

function parsed(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ReparamError(`${place}: not JSON: ${(error as Error).message}. Check the file.`);
  }
}

/** A table of one JSON array of objects, or of arrays whose columns have these names. */
export function parseJsonTable(
  text: string,
  file: string,
  options: TableOptions = {},
  names?: readonly string[],
): Table {
  const rows = parsed(text, file);
  if (!Array.isArray(rows)) {
    throw new ReparamError(
      `${file}: wants an array of rows, got ${rows === null ? "null" : typeof rows}. Keep the rows alone.`,
    );
  }
  const taker = rowTaker(file, options, names);
  for (const [i, row] of rows.entries()) taker.take(row, `row ${i + 1}`);
  return taker.finish();
}

/** A table of one JSON array of objects or of arrays, whose columns are then 0, 1, 2, … */
export const readJson = async (path: string, options: TableOptions = {}): Promise<Table> =>
  parseJsonTable(await readFile(path, "utf8"), path, options);

/** A table of one JSON object or array a line, read as a stream. Empty lines are left out. */
export async function readJsonLines(path: string, options: TableOptions = {}): Promise<Table> {
  const taker = rowTaker(path, options, undefined);
  const lines = createInterface({
    input: createReadStream(path),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  let line = 0;
  for await (const text of lines) {
    line++;
    if (text.trim() !== "") taker.take(parsed(text, `${path}, line ${line}`), `line ${line}`);
  }
  return taker.finish();
}
