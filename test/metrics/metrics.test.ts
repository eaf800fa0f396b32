// Image metrics against references in NumPy and SciPy, and what they refuse.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  codebookUse,
  createFeatureExtractor,
  featureStatistics,
  frechetDistance,
  peakSignalToNoise,
  structuralSimilarity,
} from "../../src/metrics/index.ts";
import { type Tensor, tensor, tensorOf } from "../../src/tensor/index.ts";
import { readGolden } from "../golden/read.ts";

const golden = readGolden("metrics");

const array = (name: string): Tensor => {
  const { data, shape } = golden[name] as { data: Float64Array<ArrayBuffer>; shape: number[] };
  return tensor(data, shape);
};

function expectClose(got: ArrayLike<number>, name: string, digits: number): void {
  const want = array(name).data;
  expect(got.length).toBe(want.length);
  for (let i = 0; i < want.length; i++) expect(got[i]).toBeCloseTo(Number(want[i]), digits);
}

/** The same images as numbers in [0, 1]. */
const unit = ({ shape, data }: Tensor): Tensor =>
  tensor(
    Float64Array.from(data as Uint8Array, (v) => v / 255),
    shape,
  );

describe("image quality", () => {
  it.each(["grey", "colour"])("of %s images, of bytes and of numbers alike", (name) => {
    const [a, b] = [array(`${name}.a`), array(`${name}.b`)];
    expectClose(peakSignalToNoise(a, b), `${name}.psnr`, 10);
    expectClose(structuralSimilarity(a, b), `${name}.ssim`, 10);
    expectClose(peakSignalToNoise(unit(a), b), `${name}.psnr`, 10);
    expectClose(structuralSimilarity(a, unit(b)), `${name}.ssim`, 10);
  });

  it("of equal images is best: 1, and no noise at all", () => {
    const a = array("grey.a");
    expect([...structuralSimilarity(a, a)].every((v) => Math.abs(v - 1) < 1e-9)).toBe(true);
    expect([...peakSignalToNoise(a, a)]).toEqual([Infinity, Infinity, Infinity]);
  });

  it("refuses other shapes and small images", () => {
    const [grey, colour] = [array("grey.a"), array("colour.a")];
    expect(() => peakSignalToNoise(grey, colour)).toThrow(/one shape \[N, C, H, W\]/);
    const small = tensor(new Uint8Array(100), [1, 1, 10, 10]);
    expect(() => structuralSimilarity(small, small)).toThrow(/at least 11×11 pixels, got 10×10/);
  });
});

describe("Fréchet distance", () => {
  it.each(["full", "few"])("of %s samples", (name) => {
    const [x, y] = ["x", "y"].map((set) => featureStatistics(array(`frechet.${name}.${set}`)));
    const want = Number(array(`frechet.${name}`).data[0]);
    // The reference's root of a singular matrix is good to about 1e-6.
    expect(Math.abs(frechetDistance(x as never, y as never) / want - 1)).toBeLessThan(1e-6);
  });

  it("of a set to itself is 0, and grows with a shift by its square", () => {
    const x = array("frechet.full.x");
    const moved = tensor(
      Float64Array.from(x.data as Float64Array, (v) => v + 2),
      x.shape,
    );
    const [a, b] = [featureStatistics(x), featureStatistics(moved)];
    expect(frechetDistance(a, a)).toBeCloseTo(0, 6);
    expect(frechetDistance(a, b)).toBeCloseTo(4 * 5, 6);
  });

  it("refuses sets of other sizes, and of one sample", () => {
    const [x, few] = ["frechet.full.x", "frechet.few.x"].map((n) => featureStatistics(array(n)));
    expect(() => frechetDistance(x as never, few as never)).toThrow(/one size, got 5 and 9/);
    expect(() => featureStatistics(tensorOf([1, 2], [1, 2]))).toThrow(/at least two samples/);
  });
});

describe("use of a codebook", () => {
  it("counts what occurs, and weighs it by its shares", () => {
    const tokens = tensor(Int32Array.of(0, 0, 3, 3), [2, 2]);
    expect(codebookUse(tokens, 8)).toEqual({ used: 2, use: 0.25, perplexity: 2 });
    const skewed = codebookUse(tensor(Int32Array.of(0, 0, 0, 5), [4]), 8);
    expect(skewed.perplexity).toBeCloseTo(4 / 3 ** 0.75, 10);
  });

  it("refuses tokens outside of the codebook", () => {
    expect(() => codebookUse(tensor(Int32Array.of(1, 8), [2]), 8)).toThrow(
      "codebookUse: token 8 is outside of a codebook of 8. Tokens go from 0 to 7.",
    );
  });
});

describe("the feature extractors", () => {
  const folder = new URL("../../assets/features/", import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith(".onnx"));
  const page = readFileSync(new URL("README.md", folder), "utf8");

  it.each(files)("%s: is small, is the file of the page, and tells images apart", async (file) => {
    const bytes = new Uint8Array(readFileSync(new URL(file, folder)));
    expect(bytes.length).toBeLessThan(1e6);
    const extractor = await createFeatureExtractor(bytes, { threads: 1 });
    expect(page).toContain(extractor.sha256);
    const shape = file.startsWith("cifar10") ? [3, 32, 32] : [1, 28, 28];
    const size = shape.reduce((a, b) => a * b, 1);
    const data = Uint8Array.from({ length: 3 * size }, (_, i) =>
      i < size ? 0 : (i * i * 7) % 256,
    );
    const given = tensor(data, [3, ...shape]);
    const { data: features, shape: got } = await extractor.features(given);
    const width = got[1] as number;
    expect(got).toEqual([3, width]);
    const row = (i: number): number[] => [
      ...(features as Float32Array).slice(i * width, (i + 1) * width),
    ];
    expect(row(0)).not.toEqual(row(1));
    const same = await extractor.features(unit(given));
    expect(same.data).toEqual(features);
    await extractor.release();
  });
});
