import { describe, expect, it } from "vitest";
import { binarize, createLoader, makeSplit, takeSamples } from "../../src/data/index.ts";

const length = 10;
/** Sample i is the image [[10i, 10i + 1]] with label i. */
const split = makeSplit({
  image: {
    dtype: "uint8",
    shape: [1, 1, 2],
    data: Uint8Array.from({ length: 2 * length }, (_, i) => 10 * (i >> 1) + (i & 1)),
  },
  label: { dtype: "int32", shape: [], data: Int32Array.from({ length }, (_, i) => i) },
});

describe("a loader", () => {
  it("visits every sample once an epoch, rows together, the last batch short", () => {
    const loader = createLoader(split, { batchSize: 4, seed: 3 });
    expect([loader.batchesPerEpoch, loader.length]).toEqual([3, 10]);
    const epochs = [0, 1].map((epoch) => {
      const batches = [0, 1, 2].map((i) => loader.batch(3 * epoch + i));
      expect(batches.map((b) => b.image!.shape)).toEqual([
        [4, 1, 1, 2],
        [4, 1, 1, 2],
        [2, 1, 1, 2],
      ]);
      for (const { image, label } of batches) {
        const expected = [...label!.data].flatMap((i) => [10 * Number(i), 10 * Number(i) + 1]);
        expect([...image!.data]).toEqual(expected);
      }
      return batches.flatMap((b) => [...b.label!.data].map(Number));
    });
    for (const order of epochs) {
      expect([...order].sort((a, b) => a - b)).toEqual([...split.columns.label!.data]);
    }
    expect(epochs[0]).not.toEqual(epochs[1]);
  });

  it("is a function of the cursor and the seed alone", () => {
    const labels = (seed: number, cursors: number[]) => {
      const loader = createLoader(split, { batchSize: 4, seed });
      return cursors.map((cursor) => [...loader.batch(cursor).label!.data]);
    };
    const forward = labels(7, [0, 1, 2, 3, 4, 5, 6, 7]);
    expect(labels(7, [7, 6, 5, 4, 3, 2, 1, 0]).reverse()).toEqual(forward);
    expect(labels(7, [5])).toEqual([forward[5]]);
    expect(labels(8, [0, 1, 2, 3, 4, 5, 6, 7])).not.toEqual(forward);
  });

  it("keeps the order without shuffling and drops the short batch on demand", () => {
    const loader = createLoader(split, { batchSize: 4, shuffle: false, dropLast: true });
    expect([loader.batchesPerEpoch, loader.length]).toEqual([2, 8]);
    expect([...loader.batch(3).label!.data]).toEqual([4, 5, 6, 7]);
  });

  it("gives memory of its own", () => {
    const batch = createLoader(split, { batchSize: 10, shuffle: false }).batch(0);
    batch.image!.data.fill(0 as never);
    expect(split.columns.image!.data[19]).toBe(91);
  });

  it("refuses what makes no batch", () => {
    expect(() => createLoader(split, { batchSize: 0 })).toThrow(/batchSize must be .* got 0/);
    expect(() => createLoader(split, { batchSize: 11, dropLast: true })).toThrow(/no batch/);
    const empty = createLoader(takeSamples(split, new Uint32Array(0)), { batchSize: 4 });
    expect(empty.batchesPerEpoch).toBe(0);
    expect(() => empty.batch(0)).toThrow(/empty/);
  });
});

describe("binarisation", () => {
  const grey = (value: number, count: number) =>
    makeSplit({
      image: { dtype: "uint8", shape: [1, 25, 40], data: new Uint8Array(count * 1000).fill(value) },
    });
  const bytes = (s: ReturnType<typeof grey>) => s.columns.image!.data as Uint8Array;

  it("draws each pixel with probability value / 255", () => {
    for (const value of [0, 1, 51, 128, 254, 255]) {
      const drawn = bytes(binarize(grey(value, 100), "fixed", { seed: 1 }));
      expect(drawn.every((v) => v === 0 || v === 255)).toBe(true);
      const p = value / 255;
      const mean = drawn.reduce((n, v) => n + v / 255, 0) / drawn.length;
      // Four standard deviations of a mean of 10⁵ pixels; 0 and 255 are exact.
      expect(Math.abs(mean - p)).toBeLessThanOrEqual(4 * Math.sqrt((p * (1 - p)) / drawn.length));
    }
  });

  it("is fixed: by seed, part and place of the sample", () => {
    const all = bytes(binarize(grey(100, 3), "fixed", { seed: 5 }));
    const third = { seed: 5, indices: Uint32Array.of(2) };
    expect(bytes(binarize(grey(100, 1), "fixed", third))).toEqual(all.slice(2000));
    expect(all.slice(0, 1000)).not.toEqual(all.slice(1000, 2000));
    expect(bytes(binarize(grey(100, 3), "fixed", { seed: 6 }))).not.toEqual(all);
    expect(bytes(binarize(grey(100, 3), "fixed", { seed: 5, part: "test" }))).not.toEqual(all);
  });

  it("thresholds at 128 and leaves the source alone", () => {
    const source = grey(127, 1);
    expect(bytes(binarize(source, "threshold")).every((v) => v === 0)).toBe(true);
    expect(bytes(binarize(grey(128, 1), "threshold")).every((v) => v === 255)).toBe(true);
    expect(bytes(source).every((v) => v === 127)).toBe(true);
  });
});
