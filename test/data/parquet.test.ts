import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, it } from "vitest";
import { type Dataset, loadDataset } from "../../src/data/index.ts";

const folder = mkdtempSync(join(tmpdir(), "reparam-parquet-"));
let written = 0;

type Options = Parameters<typeof parquetWriteBuffer>[0];

function file(options: Options): { path: string; bytes: Uint8Array } {
  const path = join(folder, `${written++}.parquet`);
  const bytes = new Uint8Array(parquetWriteBuffer(options));
  writeFileSync(path, bytes);
  return { path, bytes };
}

const rowsOf = ({ train, validation, test }: Dataset): number[][] =>
  [train, validation, test]
    .flatMap(({ length, columns }) =>
      Array.from({ length }, (_, i) =>
        Object.values(columns).flatMap(({ data, shape: [size = 1] }) => [
          ...Array.from(data.slice(i * size, (i + 1) * size), Number),
        ]),
      ),
    )
    .sort((a, b) => a[0]! - b[0]!);

const numbers = Array.from({ length: 25 }, (_, i) => i);
const columnData = (): Options["columnData"] => [
  { name: "double", data: numbers.map((i) => i / 4), type: "DOUBLE" },
  {
    name: "float",
    data: numbers.map((i) => (i % 5 === 0 ? null : i)),
    type: "FLOAT",
    nullable: true,
  },
  { name: "int", data: numbers.map((i) => 1 - i), type: "INT32" },
  { name: "long", data: numbers.map((i) => BigInt(i) * 1000n), type: "INT64" },
  { name: "flag", data: numbers.map((i) => i % 2 === 0), type: "BOOLEAN" },
  { name: "kind", data: numbers.map((i) => ["b", "a"][i % 2]!), type: "STRING" },
];
const expected = numbers.map((i) => [
  ...[i / 4, i % 5 === 0 ? Number.NaN : i, 1 - i, 1000 * i, i % 2 === 0 ? 1 : 0],
  i % 2 === 0 ? 1 : 0,
]);

describe("a table of a Parquet file", () => {
  it.each([[[25]], [[10]], [[7, 3]]])(
    "has every type of number, in row groups of %s",
    async (size) => {
      const { path } = file({ columnData: columnData(), rowGroupSize: size });
      const data = await loadDataset(path, { labelColumn: "kind" });
      expect(data.names?.x).toEqual(["double", "float", "int", "long", "flag"]);
      expect(data.classes).toEqual(["a", "b"]);
      expect(data.train.columns.x).toMatchObject({ dtype: "float64", shape: [5] });
      expect(rowsOf(data)).toEqual(expected);
    },
  );

  it.each(["UNCOMPRESSED", "SNAPPY", "GZIP", "BROTLI"] as const)(
    "is unpacked from %s",
    async (codec) => {
      const compressors = {
        GZIP: (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes)),
        BROTLI: (bytes: Uint8Array) => new Uint8Array(brotliCompressSync(bytes)),
      };
      const { path } = file({ columnData: columnData(), codec, compressors });
      expect(rowsOf(await loadDataset(path, { labelColumn: "kind" }))).toEqual(expected);
    },
  );

  it("refuses text, nested columns and unknown compression by name", async () => {
    const { path } = file({ columnData: columnData() });
    await expect(loadDataset(path)).rejects.toThrow(/kind \("b", row 1\).*--ignore-columns kind,/);
    await expect(loadDataset(path, { columns: ["none"] })).rejects.toThrow(
      /no column "none".*double/,
    );
    const tags = { name: "tags", data: numbers.map((i) => [i, i]) };
    const nested = file({
      columnData: [{ name: "double", data: numbers.map((i) => i / 4) }, tags],
      schema: [
        { name: "root", num_children: 2 },
        { name: "double", type: "DOUBLE", repetition_type: "REQUIRED" },
        { name: "tags", repetition_type: "OPTIONAL", num_children: 1, converted_type: "LIST" },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        { name: "element", type: "INT32", repetition_type: "OPTIONAL" },
      ],
    });
    await expect(loadDataset(nested.path)).rejects.toThrow(
      /nested columns are no table: tags\. .*--ignore-columns tags/,
    );
    const flat = await loadDataset(nested.path, { ignoreColumns: ["tags"] });
    expect(rowsOf(flat)).toEqual(numbers.map((i) => [i / 4]));
    const lz4 = { LZ4: (bytes: Uint8Array) => bytes };
    const packed = file({ columnData: columnData(), codec: "LZ4", compressors: lz4 });
    await expect(loadDataset(packed.path, { labelColumn: "kind" })).rejects.toThrow(
      /"double" is compressed with LZ4; known are UNCOMPRESSED, SNAPPY/,
    );
  });

  it("refuses files that are none, cut, or damaged in a column, which it names", async () => {
    const { path, bytes } = file({ columnData: columnData(), codec: "UNCOMPRESSED" });
    writeFileSync(path, bytes.slice(0, -6));
    await expect(loadDataset(path)).rejects.toThrow(/is not a whole Parquet file/);
    writeFileSync(path, "PAR1");
    await expect(loadDataset(path)).rejects.toThrow(/is not a whole Parquet file/);
    const gzip = (part: Uint8Array) => new Uint8Array(gzipSync(part));
    const options = { codec: "GZIP", compressors: { GZIP: gzip } } as const;
    const packed = file({ columnData: columnData().slice(2, 4), ...options });
    // The first gzip member is that of "int"; its magic is broken.
    const at = packed.bytes.findIndex((byte, i) => byte === 0x1f && packed.bytes[i + 1] === 0x8b);
    packed.bytes[at] = 0;
    writeFileSync(packed.path, packed.bytes);
    await expect(loadDataset(packed.path)).rejects.toThrow(
      /the column "int" cannot be read in row group 0: /,
    );
  });
});
