import * as zlib from "node:zlib";
import type {
  AsyncBuffer,
  CompressionCodec,
  Compressors,
  FileMetaData,
  SchemaElement,
} from "hyparquet";
import { ReparamError } from "../tensor/index.ts";
import { buildTable, type Table } from "./table.ts";
import { columnList, rolesOf } from "./table-columns.ts";
import type { TableOptions } from "./types.ts";

type Library = typeof import("hyparquet");

/** Zstandard is in Node from 22.15 on. */
const { zstdDecompressSync } = zlib as { zstdDecompressSync?: (bytes: Uint8Array) => Uint8Array };

/** What Node unpacks; Snappy is in the library. */
const compressors: Compressors = {
  GZIP: (input) => zlib.gunzipSync(input),
  BROTLI: (input) => zlib.brotliDecompressSync(input),
  ...(zstdDecompressSync && { ZSTD: (input: Uint8Array) => zstdDecompressSync(input) }),
};
const codecs: readonly CompressionCodec[] = [
  "UNCOMPRESSED",
  "SNAPPY",
  ...(Object.keys(compressors) as CompressionCodec[]),
];

/**
 * A table of a Parquet file, read a row group at a time and only in the columns that are used. Throws on
 * damaged files, and names columns that are nested or compressed in a way that is not known here.
 */
export async function readParquet(path: string, options: TableOptions = {}): Promise<Table> {
  const library = await import("hyparquet");
  const file = await library.asyncBufferFromFile(path);
  const metadata = await library.parquetMetadataAsync(file).catch((error: Error) => {
    throw new ReparamError(`${path} is not a whole Parquet file: ${plain(error)}. Get it again.`);
  });
  const fields = topFields(metadata);
  const names = fields.map(({ name }) => name);
  const { features, weight, label } = rolesOf(path, names, options);
  const used = [...features, ...[weight, label].filter((at) => at !== undefined)];
  checkFields(
    path,
    used.map((at) => fields[at] as SchemaElement),
    options,
  );
  const columns = used.map((at) => names[at] as string);
  checkCodecs(path, metadata, new Set(columns));
  const builder = buildTable(path, names, options);
  let start = 0;
  for (const [index, group] of metadata.row_groups.entries()) {
    const end = start + Number(group.num_rows);
    const where = { path, group: index, start, end };
    const rows = await readGroup(library, file, metadata, columns, where);
    for (const [i, row] of rows.entries()) {
      builder.add(
        names.map((name) => row[name]),
        `row ${start + i + 1}`,
      );
    }
    start = end;
  }
  return builder.finish();
}

const plain = (error: Error): string => error.message.replace(/^parquet /, "");

/** The columns of the schema, nested ones with their children left out. */
function topFields({ schema }: FileMetaData): SchemaElement[] {
  const fields: SchemaElement[] = [];
  const skip = (at: number): number => {
    let next = at + 1;
    for (let child = 0; child < (schema[at]?.num_children ?? 0); child++) next = skip(next);
    return next;
  };
  for (let at = 1; at < schema.length; at = skip(at)) fields.push(schema[at] as SchemaElement);
  return fields;
}

function checkFields(
  path: string,
  fields: readonly SchemaElement[],
  { ignoreColumns = [] }: TableOptions,
): void {
  const nested = fields
    .filter((field) => (field.num_children ?? 0) > 0 || field.repetition_type === "REPEATED")
    .map(({ name }) => name);
  if (nested.length === 0) return;
  throw new ReparamError(
    `${path}: nested columns are no table: ${nested.join(", ")}. Leave them out with --ignore-columns ${columnList([...ignoreColumns, ...nested])}.`,
  );
}

function checkCodecs(path: string, { row_groups }: FileMetaData, used: ReadonlySet<string>): void {
  for (const { columns } of row_groups) {
    for (const { meta_data } of columns) {
      const name = meta_data?.path_in_schema[0] ?? "";
      if (meta_data === undefined || !used.has(name) || codecs.includes(meta_data.codec)) continue;
      const newer = meta_data.codec === "ZSTD" ? ", or use Node 22.15 or newer" : "";
      throw new ReparamError(
        `${path}: the column "${name}" is compressed with ${meta_data.codec}; known are ${codecs.join(", ")}. Write the file with one of these${newer}.`,
      );
    }
  }
}

interface Where {
  readonly path: string;
  readonly group: number;
  readonly start: number;
  readonly end: number;
}

async function readGroup(
  library: Library,
  file: AsyncBuffer,
  metadata: FileMetaData,
  columns: readonly string[],
  { path, group, start, end }: Where,
): Promise<readonly Record<string, unknown>[]> {
  const read = (names: readonly string[]) =>
    library.parquetReadObjects({
      ...{ file, metadata, compressors },
      columns: [...names],
      rowStart: start,
      rowEnd: end,
    });
  const fail = (name: string, why: string): ReparamError =>
    new ReparamError(
      `${path}: the column "${name}" cannot be read in row group ${group}: ${why}. Get the file again.`,
    );
  try {
    const rows = await read(columns);
    if (rows.length === end - start) return rows;
    throw new Error(`it has ${rows.length} of ${end - start} rows`);
  } catch (error) {
    // Which column it is, the library does not say.
    for (const name of columns) {
      const found = await read([name]).catch((cause: Error) => cause);
      if (found instanceof Error) throw fail(name, plain(found));
      if (found.length !== end - start) throw fail(name, plain(error as Error));
    }
    throw fail(columns.join(", "), plain(error as Error));
  }
}
