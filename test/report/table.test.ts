import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatDuration,
  formatNumber,
  markdownTable,
  textTable,
} from "../../src/report/index.ts";

describe("tables", () => {
  it("aligns text left and numbers right", () => {
    const rows = [
      ["vae", 104.934, 3],
      ["β-vae", 98.1, null],
    ];
    expect(textTable(["model", "test", "n"], rows).split("\n")).toEqual([
      "model   test  n",
      "─────  ─────  ─",
      "vae    104.9  3",
      "β-vae  98.10  -",
    ]);
    expect(markdownTable(["a|b", "x"], [["p|q", 1]]).split("\n")).toEqual([
      "| a\\|b | x |",
      "| --- | ---: |",
      "| p\\|q | 1 |",
    ]);
    expect(() => textTable(["a"], [[1, 2]])).toThrow(/2 cells for 1 columns/);
  });
});

describe("numbers for people", () => {
  it.each([
    [0, "0"],
    [60000, "60000"],
    [104.9342, "104.9"],
    [-0.012346, "-0.01235"],
    [1e-4, "1e-4"],
    [12345.678, "12346"],
    [1.5e9, "1.5e9"],
    [999.96, "1000"],
    [Number.NaN, "NaN"],
    [Number.NEGATIVE_INFINITY, "-∞"],
  ])("formatNumber(%d) is %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it.each([
    [0.0854, "85 ms"],
    [4.23, "4.2 s"],
    [9.97, "10 s"],
    [59.97, "1 m 00 s"],
    [83, "1 m 23 s"],
    [3599.7, "1 h 00 m"],
    [7500, "2 h 05 m"],
    [273_600, "3 d 04 h"],
    [Number.NaN, "?"],
  ])("formatDuration(%d) is %s", (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it.each([
    [812, "812 B"],
    [1290, "1.3 kB"],
    [999_950, "1.0 MB"],
    [26_800_000, "26.8 MB"],
    [123_400_000, "123 MB"],
  ])("formatBytes(%d) is %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
