import { describe, expect, it } from "vitest";
import { imageGrid, pairGrid } from "../../src/report/index.ts";
import { ReparamError, tensorOf } from "../../src/tensor/index.ts";

const rowsOf = ({ pixels, width }: { pixels: Uint8Array; width: number }) =>
  Array.from({ length: pixels.length / width }, (_, y) => [
    ...pixels.subarray(y * width, (y + 1) * width),
  ]);

describe("imageGrid", () => {
  it("places, scales and pads, and leaves cells without an image empty", () => {
    const images = tensorOf([1, 2, 3, 4, 5, 6], [3, 1, 1, 2], "uint8");
    const picture = imageGrid(images, { columns: 2, padding: 1, scale: 2, background: 9 });
    expect(picture).toMatchObject({ width: 11, height: 7, channels: 1 });
    const empty = [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9];
    const first = [9, 1, 1, 2, 2, 9, 3, 3, 4, 4, 9];
    const second = [9, 5, 5, 6, 6, 9, 9, 9, 9, 9, 9];
    expect(rowsOf(picture)).toEqual([empty, first, first, empty, second, second, empty]);
  });

  it("turns planes of colour into interleaved pixels, alpha of the background opaque", () => {
    const images = tensorOf([1, 2, 3, 4, 5, 6, 7, 8], [1, 4, 1, 2], "uint8");
    const picture = imageGrid(images, { padding: 0 });
    expect([...picture.pixels]).toEqual([1, 3, 5, 7, 2, 4, 6, 8]);
    const framed = imageGrid(images, { padding: 1, background: 0 });
    expect([...framed.pixels.subarray(0, 4)]).toEqual([0, 0, 0, 255]);
  });

  it("clamps and rounds floats", () => {
    const values = [-1, 0, 0.5, 1, 7, Number.NaN];
    const picture = imageGrid(tensorOf(values, [1, 1, 1, 6]), { padding: 0 });
    expect([...picture.pixels]).toEqual([0, 0, 128, 255, 255, 0]);
  });

  it("names the shape it cannot draw", () => {
    expect(() => imageGrid(tensorOf([1, 2], [1, 2, 1, 1]))).toThrow(/\[1, 2, 1, 1\]/);
    expect(() => imageGrid(tensorOf([1, 2], [2, 1]))).toThrow(ReparamError);
    expect(() => imageGrid(tensorOf([], [0, 1, 2, 2]))).toThrow(/nothing to draw/);
    expect(() => imageGrid(tensorOf([1], [1, 1, 1, 1], "int32"))).toThrow(/int32/);
    expect(() => imageGrid(tensorOf([1], [1, 1, 1, 1]), { columns: 0 })).toThrow(/columns/);
  });
});

describe("pairGrid", () => {
  it("puts each reconstruction below its original", () => {
    const originals = tensorOf([10, 20, 30], [3, 1, 1, 1], "uint8");
    const reconstructions = tensorOf([0.2, 0.4, 0.6], [3, 1, 1, 1]);
    const picture = pairGrid(originals, reconstructions, { columns: 2, padding: 0, background: 7 });
    expect(rowsOf(picture)).toEqual([
      [10, 20],
      [51, 102],
      [30, 7],
      [153, 7],
    ]);
    expect(() => pairGrid(originals, tensorOf([1], [1, 1, 1, 1]))).toThrow(ReparamError);
  });
});
