import { describe, expect, it } from "vitest";
import { tensor } from "../../../src/tensor/index.ts";
import { float64, numbers, rows, splitOf, trainOn, uniforms } from "./data.ts";

/** All rows of `size` features with `values` values. */
const everyRow = (size: number, values: number): number[] =>
  Array.from({ length: values ** size }, (_, i) =>
    Array.from({ length: size }, (_, j) => Math.floor(i / values ** j) % values),
  ).flat();

/** Rows of two kinds: features that are mostly small, or mostly large. */
function draws(count: number, size: number, values: number): Float64Array<ArrayBuffer> {
  const u = uniforms(count * size, 21);
  return u.map((v, i) => {
    const bent = Math.floor(i / size) % 3 === 0 ? v ** 3 : 1 - (1 - v) ** 3;
    return Math.floor(bent * values);
  });
}

describe.each([
  ["bernoulli-mixture", 2, {}],
  ["categorical-mixture", 3, { categories: 3 }],
])("%s", (name, values, extra) => {
  const size = 4;
  const train = splitOf({ x: float64([size], draws(300, size, values)) });
  const options = { components: 2, tolerance: 0, start: "k-means", ...extra };

  it("is a distribution: probabilities of all rows sum to 1", async () => {
    const { call } = await trainOn(name, options, train);
    const { logProbability, latent } = await call("encode", {
      x: rows(everyRow(size, values), size),
    });
    const total = numbers(logProbability).reduce((sum, log) => sum + Math.exp(log), 0);
    expect(total).toBeCloseTo(1, 12);
    const shares = numbers(latent).reduce((sum, share) => sum + share, 0);
    expect(shares).toBeCloseTo(values ** size, 10);
  });

  it("never lowers the likelihood without smoothing", async () => {
    const { losses } = await trainOn(name, { ...options, smoothing: 0 }, train, { steps: 15 });
    for (let i = 1; i < losses.length; i++) {
      expect(losses[i]).toBeLessThanOrEqual((losses[i - 1] as number) + 1e-10);
    }
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) - 0.001);
  });

  it("draws rows as often as it says", async () => {
    const { call } = await trainOn(name, options, train);
    const count = 20_000;
    const { x } = await call("sample", {
      noise: tensor(Float32Array.from(uniforms(count * size, 1)), [count, size]),
      choice: tensor(Float32Array.from(uniforms(count, 2)), [count]),
    });
    const seen = new Float64Array(values ** size);
    const drawn = numbers(x);
    for (let n = 0; n < count; n++) {
      let at = 0;
      for (let j = 0; j < size; j++) at += (drawn[n * size + j] as number) * values ** j;
      seen[at] = (seen[at] as number) + 1;
    }
    const { logProbability } = await call("encode", { x: rows(everyRow(size, values), size) });
    for (const [i, log] of numbers(logProbability).entries()) {
      const p = Math.exp(log);
      const error = Math.abs((seen[i] as number) / count - p);
      expect(error).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / count) + 1e-4);
    }
  });
});

it("a categorical mixture of two categories is a Bernoulli mixture", async () => {
  const train = splitOf({ x: float64([5], draws(200, 5, 2)) });
  const options = { components: 3, tolerance: 0 };
  const a = await trainOn("bernoulli-mixture", options, train, { steps: 10 });
  const b = await trainOn("categorical-mixture", { ...options, categories: 2 }, train, {
    steps: 10,
  });
  for (const [i, loss] of a.losses.entries()) expect(b.losses[i]).toBeCloseTo(loss, 10);
});
