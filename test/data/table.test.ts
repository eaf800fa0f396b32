import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  type Dataset,
  type LoadOptions,
  loadDataset,
  parseColumnList,
} from "../../src/data/index.ts";
import { columnList } from "../../src/data/table-columns.ts";
import { ReparamError } from "../../src/tensor/index.ts";

const folder = mkdtempSync(join(tmpdir(), "reparam-table-"));
let written = 0;

/** Writes a file and loads it whole, in the order of its rows' first numbers. */
const load = (name: string, content: string | Uint8Array, options: LoadOptions = {}) => {
  const path = join(folder, `${written++}-${name}`);
  writeFileSync(path, content);
  return loadDataset(path, options);
};

/** Rows of x with label and weight, of all splits, sorted. */
const rowsOf = ({ train, validation, test }: Dataset): number[][] =>
  [train, validation, test]
    .flatMap(({ length, columns: { x, weight, label } }) =>
      Array.from({ length }, (_, i) => [
        ...(x!.data as Float64Array).slice(i * x!.shape[0]!, (i + 1) * x!.shape[0]!),
        ...[weight, label].filter((c) => c !== undefined).map(({ data }) => Number(data[i])),
      ]),
    )
    .sort((a, b) => a[0]! - b[0]!);

const refused = async (name: string, content: string, options: LoadOptions = {}) => {
  const error = await load(name, content, options).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ReparamError);
  expect((error as Error).message).not.toContain("\n");
  return expect((error as Error).message);
};

const birds = "species,bill mm,mass,sex\nGentoo,46.1,5000,M\nAdelie,39.1,,F\nGentoo,NA,4700,\n";

describe("a table of comma-separated values", () => {
  it("becomes float64 features with names, NaN where a cell is empty", async () => {
    const options = { labelColumn: "species", ignoreColumns: ["sex"] };
    const data = await load("a.csv", birds, options);
    expect(data.names).toEqual({ x: ["bill mm", "mass"] });
    expect(data.classes).toEqual(["Adelie", "Gentoo"]);
    expect(data.train.columns.x).toMatchObject({ dtype: "float64", shape: [2] });
    expect(data.train.columns.label).toMatchObject({ dtype: "int32", shape: [] });
    expect(rowsOf(data)).toEqual(
      expect.arrayContaining([
        [46.1, 5000, 1],
        [39.1, Number.NaN, 0],
        [Number.NaN, 4700, 1],
      ]),
    );
  });

  it("refuses text by name, with the flag to paste", async () => {
    const message = await refused("a.csv", birds);
    message.toMatch(
      /text where numbers are wanted, in species \("Gentoo", line 2\), sex \("M", line 2\)/,
    );
    message.toContain("--ignore-columns species,sex,");
    (await refused("a.csv", birds, { ignoreColumns: ["species"] })).toContain(
      "--ignore-columns species,sex,",
    );
    (await refused("a.csv", birds, { columns: ["mass", "sex", "bill mm"] })).toContain(
      'Use --columns "mass,bill mm".',
    );
  });

  it("takes columns in the order asked for, weights, and float32", async () => {
    const text = "a,w,b\n1,0.5,10\n2,2,20\n3,0,30.1\n";
    const data = await load("a.csv", text, {
      ...{ columns: ["b", "a"], weightColumn: "w", dtype: "float32" },
    });
    expect(data.names).toEqual({ x: ["b", "a"] });
    expect(rowsOf(data)).toEqual([
      [10, 1, 0.5],
      [20, 2, 2],
      [Math.fround(30.1), 3, 0],
    ]);
    expect(data.train.columns.weight).toMatchObject({ dtype: "float32", shape: [] });
    const options = { weightColumn: "w" };
    (await refused("a.csv", "a,w\n1,1\n2,-1\n", options)).toMatch(/weight in line 3 is -1/);
    (await refused("a.csv", "a,w\n1,\n2,1\n", options)).toMatch(/weight in line 2 is empty/);
    (await refused("a.csv", "a,w\n1,x\n2,1\n", options)).toMatch(/w \("x".*--weight-column/);
  });

  it("reads quotes, other separators, a byte order mark, CRLF, and files without a header", async () => {
    const same = [
      [1, 2.5],
      [3, -4e-3],
    ];
    const texts = {
      "a.csv": '\ufeff"x, one","y ""two"""\r\n"1",2.5\r\n3,-4e-3\r\n',
      "b.csv": "x;y\n1;2.5\n\n3;-.004",
      "c.tsv": "x\ty\n1\t2.5\n3\t-0.004\n",
      "d.csv": "1,2.5\n3,-0.004\n",
    };
    const loaded = await Promise.all(Object.entries(texts).map(([name, text]) => load(name, text)));
    for (const data of loaded) expect(rowsOf(data)).toEqual(same);
    expect(loaded[0]?.names).toEqual({ x: ["x, one", 'y "two"'] });
    expect(loaded[3]?.names).toEqual({ x: ["0", "1"] });
  });

  it.each<[string, string, RegExp]>([
    ["a row too short", "a,b\n1,2\n3\n", /line 3: 1 cells, but the first line has 2.*"b"/],
    ["a row too long", "a,b\n1,2\n3,4,five\n", /line 3: 3 cells.*Column 3 is "five"/],
    ["an open quote", 'a,b\n1,2\n"3,4\n', /line \d.*a quote is opened and not closed/],
    ["text after a quote", 'a,b\n1,2\n"3"x,4\n', /line 3, column 1: something follows/],
    ["a quote inside of a cell", 'a,b\n1,2\n3,4"5\n', /line 3, column 2: a quote stands inside/],
    ["an overflow", "a,b\n1,2\n3,1e999\n", /"b" is 1e999 in line 3/],
    ["one name twice", "a,a\n1,2\n", /two columns "a"/],
    ["two columns without a name", ",a,\n1,2,3\n", /columns 1 and 3 have no name/],
    ["an empty column", "a,b\n1,\n2,NaN\n", /column "b" is empty.*--ignore-columns "b"/],
    ["nothing but a header", "a,b\n", /has no rows/],
    ["nothing", "", /is empty/],
  ])("refuses %s", async (_, text, message) => {
    (await refused("bad.csv", text)).toMatch(message);
  });

  it("names the columns that there are", async () => {
    (await refused("a.csv", birds, { columns: ["masss"] })).toMatch(
      /no column "masss"\. It has species, bill mm, mass, sex/,
    );
    const twice = { columns: ["mass"], labelColumn: "mass" };
    (await refused("a.csv", birds, twice)).toMatch(/"mass".*another use/);
  });

  it("is divided by seed without overlap", async () => {
    const text = `a\n${Array.from({ length: 120 }, (_, i) => i).join("\n")}\n`;
    const data = await load("a.csv", text, { seed: 3 });
    expect([data.train, data.validation, data.test].map((s) => s.length)).toEqual([101, 9, 10]);
    expect(rowsOf(data).flat()).toEqual(Array.from({ length: 120 }, (_, i) => i));
    expect((await load("a.csv", text, { seed: 4 })).test).not.toEqual(data.test);
    expect((await load("a.csv", text, { validation: 0 })).train.length).toBe(110);
    const { train, validation, test } = await load("a.csv", text, { whole: true, limit: 100 });
    expect([train.length, validation.length]).toEqual([0, 0]);
    expect([...test.columns.x!.data]).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });
});

describe("a table of JSON", () => {
  it("has rows that are objects or arrays, one a line or all in a list", async () => {
    const objects = [
      { a: 1, b: true, kind: "x" },
      { a: 2, b: null, kind: 7 },
    ];
    const lines = objects.map((row) => JSON.stringify(row)).join("\n\n");
    for (const [name, text] of Object.entries({
      "a.json": JSON.stringify(objects),
      "a.jsonl": lines,
    })) {
      const data = await load(name, text, { labelColumn: "kind" });
      expect(data.classes).toEqual(["7", "x"]);
      expect(rowsOf(data)).toEqual([
        [1, 1, 1],
        [2, Number.NaN, 0],
      ]);
    }
    expect(rowsOf(await load("b.jsonl", "[1, 2]\n[3, 4]\n"))).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it.each<[string, string, RegExp]>([
    ["a.jsonl", '{"a":1}\n{"a":', /line 2: not JSON/],
    ["a.json", '{"a":1}', /wants an array of rows, got object/],
    ["a.json", "[3]", /row 1: a row must be an object or an array, got 3/],
    ["a.json", '[{"a":1},{"b":2}]', /row 2: the first row has no "b"/],
    ["a.json", '[{"a":[1,2]}]', /a \("\[1,2\]", row 1\)/],
    ["a.jsonl", "[1,2]\n[3]\n", /line 2: 1 values, but the first row has 2/],
    ["a.jsonl", "", /has no rows/],
  ])("%s %s is refused", async (name, text, message) => {
    (await refused(name, text)).toMatch(message);
  });
});

describe("options", () => {
  it("that suit other data are refused", async () => {
    const csv = "a\n1\n2\n3\n";
    (await refused("a.csv", csv, { imageSize: 8 })).toMatch(/a table, not images.*imageSize/);
    (await refused("a.csv", csv, { terms: 8 })).toMatch(/a table, not documents.*terms/);
    await expect(loadDataset("spiral", { columns: ["0"] })).rejects.toThrow(/points, not a table/);
    await expect(loadDataset("nowhere.parquet")).rejects.toThrow(/no file "nowhere.parquet"/);
  });

  it("have names that survive the command line", () => {
    const names = ["a", "b (mm)", "c, d"];
    expect(columnList(names)).toBe("\"a,b (mm),'c, d'\"");
    expect(parseColumnList(columnList(names).slice(1, -1))).toEqual(names);
    expect(parseColumnList(" a , ,b ")).toEqual(["a", "b"]);
  });
});
