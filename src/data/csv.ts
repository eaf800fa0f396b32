import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { CsvError } from "csv-parse";
import { ReparamError } from "../tensor/index.ts";
import { buildTable, numberOf, type Table, type TableBuilder } from "./table.ts";
import type { TableOptions } from "./types.ts";

/**
 * A table of comma- or tab-separated values (RFC 4180, UTF-8), read as a stream. The first line names the
 * columns; if all of it is numbers it is a row, and the names are 0, 1, 2, … Where commas are decimal marks,
 * semicolons may separate the columns. Throws on damaged files, naming line and column.
 */
export async function readCsv(path: string, options: TableOptions = {}): Promise<Table> {
  const { parse } = await import("csv-parse");
  let names: readonly string[] = [];
  let builder: TableBuilder | undefined;
  const take = (cells: readonly string[], lines: number): void => {
    if (builder === undefined) {
      const headless = cells.every((cell) => numberOf(cell) !== undefined && cell.trim() !== "");
      names = headless ? cells.map((_, i) => String(i)) : headerOf(path, cells);
      builder = buildTable(path, names, options);
      if (!headless) return;
    }
    if (cells.length !== names.length) {
      throw new ReparamError(
        `${path}, line ${lines}: ${cells.length} cells, but the first line has ${names.length}. ${cellsHint(cells, names)}`,
      );
    }
    builder.add(cells, `line ${lines}`);
  };
  const parser = parse({
    bom: true,
    delimiter: await delimiterOf(path),
    relaxColumnCount: true,
    skipEmptyLines: true,
    onRecord: (cells: readonly string[], { lines }) => {
      take(cells, lines);
      return null;
    },
  });
  // Records are taken as they come; what the parser passes on is nothing.
  const drain = async (records: AsyncIterable<unknown>): Promise<void> => {
    for await (const _ of records);
  };
  try {
    await pipeline(createReadStream(path), parser, drain);
  } catch (error) {
    throw explained(error as Error, path);
  }
  if (builder === undefined)
    throw new ReparamError(`${path} is empty. Check that it is the right file.`);
  return (builder as TableBuilder).finish();
}

function headerOf(path: string, cells: readonly string[]): string[] {
  const names = cells.map((cell) => cell.trim());
  const unnamed = names.indexOf("");
  // R and pandas write row numbers under an empty name.
  if (unnamed >= 0 && names.indexOf("", unnamed + 1) >= 0) {
    throw new ReparamError(
      `${path}, line 1: columns ${unnamed + 1} and ${names.indexOf("", unnamed + 1) + 1} have no name. Name them.`,
    );
  }
  return names.map((name, i) => (name === "" ? `column ${i + 1}` : name));
}

function cellsHint(cells: readonly string[], names: readonly string[]): string {
  if (cells.length > names.length) {
    return `Column ${names.length + 1} is "${cells[names.length]?.slice(0, 30)}": quote cells that contain the separator.`;
  }
  return `The column "${names[cells.length]}" is the first that is missing.`;
}

/** What separates the columns: the one of comma, semicolon and tab that the first line has most of. */
async function delimiterOf(path: string): Promise<string> {
  if (/\.tsv$/i.test(path)) return "\t";
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(65536), 0, 65536, 0);
    const start = buffer.toString("utf8", 0, bytesRead).split(/\r?\n/, 1)[0] ?? "";
    const line = start.replaceAll(/"[^"]*"/g, "");
    const counts = [",", ";", "\t"].map((mark) => ({ mark, count: line.split(mark).length }));
    return counts.reduce((best, next) => (next.count > best.count ? next : best)).mark;
  } finally {
    await file.close();
  }
}

/** The parser's own errors with the file, line and column. */
function explained(error: Error, path: string): Error {
  const { code, lines, column } = error as CsvError & { lines?: number; column?: number | string };
  if (error instanceof ReparamError || typeof code !== "string" || !/^CSV_|QUOTE/.test(code))
    return error;
  const place = typeof column === "number" ? `, column ${column + 1}` : "";
  const why = {
    CSV_QUOTE_NOT_CLOSED: "a quote is opened and not closed",
    CSV_INVALID_CLOSING_QUOTE: "something follows a closing quote",
    INVALID_OPENING_QUOTE: "a quote stands inside of a cell that has none around it",
  }[code as string];
  return new ReparamError(
    `${path}, line ${lines}${place}: ${why ?? error.message}. Write quotes inside of a quoted cell twice.`,
  );
}
