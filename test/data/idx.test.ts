import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { encodeIdx, parseIdx, readIdx, writeIdx } from "../../src/data/index.ts";
import { tensorOf } from "../../src/tensor/index.ts";

const folder = mkdtempSync(join(tmpdir(), "reparam-idx-"));
const small = tensorOf([1, 2, 3, 250, 5, 6], [3, 1, 2], "uint8");

describe("IDX", () => {
  it("has the bytes of the format", () => {
    const bytes = [0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 250, 5, 6];
    expect([...encodeIdx(small)]).toEqual(bytes);
    // int16 is big-endian and signed: −2, 258.
    const int16 = Uint8Array.from([0, 0, 0x0b, 1, 0, 0, 0, 2, 0xff, 0xfe, 1, 2]);
    expect(parseIdx(int16, "x")).toEqual(tensorOf([-2, 258], [2], "int32"));
  });

  it.each(["uint8", "int32", "float32", "float64"] as const)("round-trips %s", (dtype) => {
    const value = tensorOf([0, 1.5, 77, 3], [2, 2], dtype);
    expect(parseIdx(encodeIdx(value), "x")).toEqual(value);
  });

  it("reads what it wrote, gzipped or not", async () => {
    for (const name of ["a", "a.gz"]) {
      await writeIdx(join(folder, name), small);
      expect(await readIdx(join(folder, name))).toEqual(small);
    }
    expect(readFileSync(join(folder, "a.gz"))[0]).toBe(0x1f);
  });

  it.each<[string, Uint8Array<ArrayBuffer>, RegExp]>([
    ["a cut file", encodeIdx(small).slice(0, -2), /\[3, 1, 2\] uint8, 22 bytes.* has 20/],
    ["a cut header", encodeIdx(small).slice(0, 9), /header of 16 bytes.* has 9/],
    ["a file that goes on", new Uint8Array([...encodeIdx(small), 7]), /22 bytes.* has 23/],
    ["a PNG", Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0]), /not an IDX file.*89 50 4e 47/],
    ["nothing", new Uint8Array(0), /not an IDX file.*empty/],
    ["an unknown type", Uint8Array.from([0, 0, 0x0a, 0]), /unknown IDX type 0x0a/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => parseIdx(bytes, "digits")).toThrow(message);
    expect(() => parseIdx(bytes, "digits")).toThrow(/^digits: [^\n]*\.$/);
  });

  it("refuses half a gzip file and a missing one", async () => {
    const path = join(folder, "half.gz");
    writeFileSync(path, gzipSync(encodeIdx(small)).subarray(0, 25));
    await expect(readIdx(path)).rejects.toThrow(/half\.gz: not a whole gzip file/);
    await expect(readIdx(join(folder, "none"))).rejects.toThrow(/none: there is no such file/);
  });
});
