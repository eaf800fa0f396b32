import { basename, extname } from "node:path";
import { ReparamError } from "../tensor/index.ts";
import { readCsv } from "./csv.ts";
import type { Description } from "./idx-folder.ts";
import { readJson, readJsonLines } from "./json-table.ts";
import { loadNpyTable } from "./npy-table.ts";
import { readParquet } from "./parquet.ts";
import { type Table, tableDataset } from "./table.ts";
import type { Dataset, SplitOptions, TableOptions } from "./types.ts";

type Read = (path: string, options: TableOptions) => Promise<Table>;

const readers: Readonly<Record<string, Read>> = {
  ".csv": readCsv,
  ".tsv": readCsv,
  ".parquet": readParquet,
  ".json": readJson,
  ".jsonl": readJsonLines,
};
const extensions = [...Object.keys(readers), ".npy"];

/** Whether a path has the ending of a table. */
export const isTableName = (path: string): boolean =>
  extensions.includes(extname(path).toLowerCase());

/** A table of a file, told by its ending, divided at random by `seed`. */
export async function loadTableFile(
  path: string,
  options: SplitOptions & TableOptions = {},
): Promise<Dataset> {
  const about = describeFile(path);
  const extension = extname(path).toLowerCase();
  if (extension === ".npy") return loadNpyTable(path, about, options);
  const read = readers[extension];
  if (read === undefined) {
    throw new ReparamError(
      `${path}: it is a file, but none of ${extensions.join(", ")}. Give such a file, or the folder that holds the data.`,
    );
  }
  return tableDataset(await read(path, options), about, options);
}

const describeFile = (path: string): Description => ({
  name: basename(path),
  card: {
    title: `Table of the file ${basename(path)}`,
    license: "as its owner says",
    source: path,
    citation: "none",
  },
});
