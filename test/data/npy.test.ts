import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createLoader, decodeNpy, encodeNpy, loadDataset, readRows } from "../../src/data/index.ts";
import { loadNpyTable } from "../../src/data/npy-table.ts";
import { storedRows } from "../../src/data/stored.ts";
import { type DType, tensorOf } from "../../src/tensor/index.ts";

const folder = mkdtempSync(join(tmpdir(), "reparam-npy-"));
const about = { name: "t", card: { title: "", license: "", source: "", citation: "" } };

/** A file as NumPy writes it, field by field. */
function npy(descr: string, fortran: string, shape: string, body: ArrayBufferLike, version = 1) {
  const text = `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;
  const start = version === 1 ? 10 : 12;
  const file = new Uint8Array(start + text.length + body.byteLength);
  file.set([0x93, ...Buffer.from("NUMPY"), version, 0]);
  const view = new DataView(file.buffer);
  if (version === 1) view.setUint16(8, text.length, true);
  else view.setUint32(8, text.length, true);
  file.set(Buffer.from(text), start);
  file.set(new Uint8Array(body), start + text.length);
  return file;
}

const float64 = (...values: number[]) => Float64Array.from(values).buffer;

describe("NPY", () => {
  it.each(["float32", "float64", "int32", "int64", "uint8", "bool"] as DType[])(
    "round-trips %s with any number of axes",
    (dtype) => {
      for (const shape of [[], [4], [2, 2], [2, 1, 2]]) {
        const value = tensorOf(shape.length === 0 ? [1] : [0, 1, 1, 0], shape, dtype);
        const bytes = encodeNpy(value);
        expect(decodeNpy(bytes, "x")).toEqual(value);
        expect((bytes.length - value.data.byteLength) % 64).toBe(0);
      }
    },
  );

  it("reads Fortran order, big-endian numbers, small integers and later versions", () => {
    const matrix = tensorOf([1, 2, 3, 4, 5, 6], [2, 3], "float64");
    const columns = float64(1, 4, 2, 5, 3, 6);
    expect(decodeNpy(npy("'<f8'", "True", "(2, 3)", columns), "x")).toEqual(matrix);
    // [2, 2, 2] in Fortran order: the first axis is fastest.
    const cube = decodeNpy(npy("'<f8'", "True", "(2, 2, 2)", float64(0, 4, 2, 6, 1, 5, 3, 7)), "x");
    expect([...cube.data]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const big = Uint8Array.of(0xc0, 4, 0, 0, 0, 0, 0, 0).buffer;
    expect([...decodeNpy(npy("'>f8'", "False", "(1,)", big, 2), "x").data]).toEqual([-2.5]);
    const int16 = Uint8Array.of(0xfe, 0xff, 1, 2).buffer;
    expect(decodeNpy(npy("'<i2'", "False", "(2,)", int16, 3), "x")).toEqual(
      tensorOf([-2, 513], [2], "int32"),
    );
  });

  it.each<[string, Uint8Array, RegExp]>([
    [
      "a PNG",
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 1, 2, 3, 4, 5, 6),
      /begins with 89 50 4e 47.*NUMPY/,
    ],
    ["three bytes", Uint8Array.of(0x93, 0x4e, 0x55), /has 3 bytes/],
    ["version 4", npy("'<f8'", "False", "(1,)", float64(1), 4), /version is 4\.0/],
    ["Python objects", npy("'|O'", "False", "(1,)", float64(1)), /descr is Python objects/],
    ["complex numbers", npy("'<c16'", "False", "(1,)", float64(1, 2)), /descr is "<c16"/],
    ["records", npy("[('a', '<f8')]", "False", "(1,)", float64(1)), /descr is that of records/],
    ["another order", npy("'<f8'", "Maybe", "(1,)", float64(1)), /fortran_order/],
    ["a shape of names", npy("'<f8'", "False", "(a,)", float64(1)), /no shape/],
    [
      "cut data",
      npy("'<f8'", "False", "(3, 2)", float64(1, 2, 3)),
      /cut off.*\[3, 2\].*wants 48 .* got 24/,
    ],
    ["data that goes on", npy("'<f8'", "False", "(1,)", float64(1, 2)), /wants 8 .* got 16/],
    [
      "a cut header",
      npy("'<f8'", "False", "(1,)", float64(1)).slice(0, 20),
      /header claims \d+ bytes, and 10/,
    ],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => decodeNpy(bytes, "codes.npy")).toThrow(message);
    expect(() => decodeNpy(bytes, "codes.npy")).toThrow(/^codes\.npy is not a \.npy file[^\n]*\.$/);
  });
});

/** Element (row, column) is 10·row + column; column 3 is a weight, column 4 a label. */
const [rows, width] = [3000, 5];
const cell = (row: number, column: number): number =>
  column === 3 ? row / rows : column === 4 ? 7 + (row % 3) : 10 * row + column;

function tableFile(name: string, fortran: boolean): string {
  const values = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < width; column++) {
      values[fortran ? column * rows + row : row * width + column] = cell(row, column);
    }
  }
  const path = join(folder, name);
  const order = fortran ? "True" : "False";
  writeFileSync(path, npy("'<f8'", order, `(${rows}, ${width})`, values.buffer));
  return path;
}

describe("a table of an NPY file", () => {
  const options = { columns: ["2", "0"], weightColumn: "3", labelColumn: "4" } as const;

  it.each([false, true])(
    "is the same from disk as in memory (Fortran order %s)",
    async (fortran) => {
      const path = tableFile(`t${fortran}.npy`, fortran);
      const whole = await loadNpyTable(path, about, options);
      const onDisk = await loadNpyTable(path, about, { ...options, mostInMemory: 0 });
      expect(whole.names).toEqual({ x: ["2", "0"] });
      expect(onDisk.classes).toEqual(["7", "8", "9"]);
      for (const name of ["train", "validation", "test"] as const) {
        const [a, b] = [whole[name], onDisk[name]];
        expect([a.columns.x?.stored !== undefined, b.columns.x?.stored !== undefined]).toEqual([
          false,
          true,
        ]);
        const sorted = ({ columns, length }: typeof a) => {
          const [x, weight, label] = ["x", "weight", "label"].map((key) => columns[key]!.data);
          return Array.from({ length }, (_, i) =>
            [x![2 * i], x![2 * i + 1], weight![i], label![i]].map(Number),
          ).sort((p, q) => p[1]! - q[1]!);
        };
        expect(sorted(b)).toEqual(sorted(a));
        const expected = sorted(b).map(([, zero]) => {
          const row = zero! / 10;
          return [cell(row, 2), zero, cell(row, 3), row % 3];
        });
        expect(sorted(b)).toEqual(expected);
      }
    },
  );

  it("gives the same batches from disk after a restart, every row once", async () => {
    const path = tableFile("batches.npy", false);
    const open = async () =>
      (await loadNpyTable(path, about, { ...options, mostInMemory: 0, dtype: "float32" })).train;
    const split = await open();
    const loader = createLoader(split, { batchSize: 400, seed: 2 });
    const seen = [0, 1].map((epoch) =>
      Array.from({ length: loader.batchesPerEpoch }, (_, i) =>
        loader.batch(epoch * loader.batchesPerEpoch + i),
      ),
    );
    const order = seen.map((batches) => batches.flatMap(({ x }) => [...x!.data].map(Number)));
    expect(seen[0]?.[0]?.x).toMatchObject({ dtype: "float32", shape: [400, 2] });
    expect(order[0]).not.toEqual(order[1]);
    expect([...order[0]!].sort((a, b) => a - b)).toEqual([...order[1]!].sort((a, b) => a - b));
    expect(new Set(order[0]).size).toBe(2 * split.length);
    const again = createLoader(await open(), { batchSize: 400, seed: 2 });
    expect(again.batch(9)).toEqual(loader.batch(9));
    const { x } = split.columns;
    const whole = readRows(x!, 0, split.length);
    expect(whole.data).toEqual(x!.data);
    expect(readRows(x!, 100, 103).data).toEqual(whole.data.slice(200, 206));
  });

  it("has one column where the array has one axis", async () => {
    const path = join(folder, "flat.npy");
    writeFileSync(path, encodeNpy(tensorOf([1, 2, 3], [3], "int64")));
    const data = await loadDataset(path, { validation: 0 });
    expect(data.train.columns.x).toMatchObject({ dtype: "float64", shape: [1] });
    expect([data.train, data.test].flatMap((s) => [...s.columns.x!.data]).sort()).toEqual([
      1, 2, 3,
    ]);
  });

  it("refuses what is no table, cut files, and infinite numbers", async () => {
    const asked = (name: string, bytes: Uint8Array, more = {}) => {
      writeFileSync(join(folder, name), bytes);
      return loadNpyTable(join(folder, name), about, more);
    };
    const cube = encodeNpy(tensorOf([1, 2], [1, 1, 2]));
    await expect(asked("cube.npy", cube)).rejects.toThrow(/\[rows, columns\], got \[1, 1, 2\]/);
    const cut = encodeNpy(tensorOf([1, 2, 3, 4], [2, 2])).slice(0, -4);
    await expect(asked("cut.npy", cut)).rejects.toThrow(/wants 16 bytes of elements, got 12/);
    const infinite = encodeNpy(tensorOf([1, 2, 3, -Infinity], [2, 2]));
    await expect(asked("inf.npy", infinite)).rejects.toThrow(/row 1 has an infinite number/);
    const late = await asked("late.npy", infinite, { mostInMemory: 0, validation: 0 });
    expect(() => late.train.columns.x!.data).toThrow(/row 1 has an infinite number/);
    const negative = encodeNpy(tensorOf([1, -2], [1, 2]));
    await expect(asked("w.npy", negative, { weightColumn: "1" })).rejects.toThrow(/row 0 is -2/);
    await expect(asked("c.npy", negative, { columns: ["2"] })).rejects.toThrow(/no column "2"/);
  });
});

it("shuffled rows read each block of the file once an epoch", () => {
  // 300 blocks of 1024 rows, of which 128 stay in memory.
  const [size, length] = [64, 300 * 1024];
  let reads = 0;
  const stored = storedRows({
    ...{ path: "x", length, size },
    read: (start, count, into) => {
      reads++;
      for (let i = 0; i < count; i++) into[i * size] = start + i;
    },
  });
  expect(stored.blockRows).toBe(1024);
  const column = { dtype: "float64", shape: [size], stored, data: new Float64Array(0) } as const;
  const loader = createLoader({ length, columns: { x: column } }, { batchSize: 1000, seed: 1 });
  let sum = 0;
  for (let i = 0; i < loader.batchesPerEpoch; i++) {
    const { data } = loader.batch(i).x!;
    const rows = Array.from({ length: data.length / size }, (_, row) => Number(data[row * size]));
    // Rows of a batch come from many places, not from one stretch.
    if (i === 0) expect(new Set(rows.map((row) => row >> 10)).size).toBeGreaterThan(30);
    for (const row of rows) sum += row;
  }
  expect(sum).toBe((length * (length - 1)) / 2);
  expect(reads).toBe(300);
});
