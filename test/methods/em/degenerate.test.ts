// Data that a mixture cannot describe: a result, or an error that says what to change; never NaN.
import { describe, expect, it } from "vitest";
import { blobs, float64, numbers, splitOf, trainOn } from "./data.ts";

const rows = blobs(60);
const twoPoints = Float64Array.from({ length: 60 }, (_, i) => i % 2);
const constantColumn = rows.map((v, i) => (i % 2 ? 7 : v));
const outlier = rows.map((v, i) => (i === 9 ? 1e12 : v));
const emptyRows = rows.map((v, i) => (i < 8 ? Number.NaN : v));
const emptyColumn = rows.map((v, i) => (i % 2 ? Number.NaN : v));
const infinite = rows.map((v, i) => (i === 9 ? Number.POSITIVE_INFINITY : v));

type Case = readonly [string, Float64Array, Record<string, unknown>, (RegExp | undefined)?];

/** Trains; without `wanted` everything must be finite, else the error must say it. */
async function check(
  method: string,
  x: Float64Array,
  options: Record<string, unknown>,
  wanted: RegExp | undefined,
): Promise<void> {
  const training = trainOn(method, options, splitOf({ x: float64([2], x) }));
  if (wanted !== undefined) {
    await expect(training).rejects.toThrow(wanted);
    return;
  }
  const { weights, losses } = await training;
  expect(losses.every(Number.isFinite)).toBe(true);
  for (const [name, value] of Object.entries(weights)) {
    expect(numbers(value).every(Number.isFinite), name).toBe(true);
  }
}

describe.each(["full", "tied", "diagonal", "spherical"])("gaussian-mixture, %s", (covariance) => {
  const sharp = { regCovar: 0 };
  const cases: readonly Case[] = [
    ["duplicates", twoPoints, {}],
    ["duplicates, not regularised", twoPoints, sharp, /Raise regCovar/],
    ["a constant column", constantColumn, {}],
    // One variance for both columns has the other column's spread.
    [
      "a constant column, not regularised",
      constantColumn,
      sharp,
      covariance === "spherical" ? undefined : /Raise regCovar/,
    ],
    ["fewer rows than components", blobs(2), {}, /fewer components/],
    ["an infinity", infinite, {}, /Clean the data/],
    ["NaN where they are refused", emptyRows, { missing: "error" }, /Clean the data/],
    ["rows without any value", emptyRows, {}],
    ["a column without any value", emptyColumn, {}],
    ["an outlier at 1e12", outlier, {}],
  ];
  it.each(cases.map(([name, ...rest]) => ({ name, rest })))("$name", ({ rest }) => {
    const [x, options, wanted] = rest;
    return check("gaussian-mixture", x, { ...options, covariance }, wanted);
  });
});

describe.each([
  ["k-means", { clusters: 3 }],
  ["bernoulli-mixture", { components: 3 }],
] as const)("%s", (method, sizes) => {
  const cases: readonly Case[] = [
    ["duplicates", twoPoints, {}],
    ["a constant column", constantColumn, {}],
    ["fewer rows than components", blobs(2), {}, /fewer components/],
    ["an infinity", infinite, {}, /Clean the data/],
    ["NaN", emptyRows, {}, /Clean the data/],
    ["an outlier at 1e12", outlier, {}, method === "k-means" ? /Look for outliers/ : undefined],
  ];
  it.each(cases.map(([name, ...rest]) => ({ name, rest })))("$name", ({ rest }) => {
    const [x, options, wanted] = rest;
    return check(method, x, { ...options, ...sizes }, wanted);
  });
});
