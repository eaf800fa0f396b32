// A trained flow is what the equations say: invertible, a density, and better than one Gaussian.
import { beforeAll, expect, it } from "vitest";
import { type TrainedModel, train } from "../../src/index.ts";
import { type Tensor, tensorOf } from "../../src/tensor/index.ts";

let flow: TrainedModel;
beforeAll(async () => {
  const load = { toySize: 8000 };
  const options = { layers: 6, hidden: 32, learningRate: 3e-3 };
  flow = await train("real-nvp", { data: "two-moons", load, options, steps: 400, threads: 1 });
});

const numbers = (tensor: Tensor | undefined): number[] =>
  Array.from((tensor as Tensor).data as Float32Array);

const largestGap = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);

it("encoding and decoding are inverse to each other", async () => {
  const x = flow.dataset.test.columns.x?.data.slice(0, 2000) as Float32Array<ArrayBuffer>;
  const given: Tensor = { dtype: "float32", shape: [1000, 2], data: x };
  const { latent } = await flow.call("encode", { x: given });
  expect(largestGap([...x], numbers(latent))).toBeGreaterThan(0.5);
  const back = await flow.call("decode", { latent: latent as Tensor });
  expect(largestGap([...x], numbers(back.x))).toBeLessThan(1e-4);
});

it("samples at temperature 0 are the decoded zero latent", async () => {
  const cold = await flow.call("sample", { temperature: tensorOf([0], []) }, { count: 2 });
  const { x } = await flow.call("decode", { latent: tensorOf([0, 0, 0, 0], [2, 2]) });
  expect(numbers(cold.x)).toEqual(numbers(x));
});

it("the density integrates to 1, and is what evaluate reports", async () => {
  // Midpoints of a grid over [−4, 5] × [−4, 4], far beyond the data.
  const [width, height, cell] = [450, 400, 0.02];
  const grid = new Float32Array(2 * width * height);
  for (let i = 0; i < width * height; i++) {
    grid[2 * i] = -4 + ((i % width) + 0.5) * cell;
    grid[2 * i + 1] = -4 + (Math.floor(i / width) + 0.5) * cell;
  }
  const x: Tensor = { dtype: "float32", shape: [width * height, 2], data: grid };
  const logDensity = numbers((await flow.call("encode", { x })).logDensity);
  const mass = logDensity.reduce((sum, value) => sum + Math.exp(value) * cell * cell, 0);
  expect(Math.abs(mass - 1)).toBeLessThan(0.02);
  const reported = numbers((await flow.call("evaluate", { x })).negativeLogLikelihood);
  expect(
    largestGap(
      reported,
      logDensity.map((value) => -value),
    ),
  ).toBeLessThan(1e-3);
});

/** Negative log-likelihood of the test points under one normal fitted to the training points, in nats. */
function gaussianBaseline(): number {
  const of = (split: "train" | "test"): number[] => [
    ...(flow.dataset[split].columns.x as { data: Float32Array }).data,
  ];
  const moments = (values: number[], centre?: readonly [number, number]) => {
    const n = values.length / 2;
    const mean = (f: (x: number, y: number) => number): number => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += f(values[2 * i] as number, values[2 * i + 1] as number);
      return sum / n;
    };
    const [a, b] = centre ?? [mean((x) => x), mean((_, y) => y)];
    const xx = mean((x) => (x - a) ** 2);
    const xy = mean((x, y) => (x - a) * (y - b));
    return { centre: [a, b] as const, xx, xy, yy: mean((_, y) => (y - b) ** 2) };
  };
  const fitted = moments(of("train"));
  const { xx, xy, yy } = moments(of("test"), fitted.centre);
  const determinant = fitted.xx * fitted.yy - fitted.xy ** 2;
  const quadratic = (fitted.yy * xx - 2 * fitted.xy * xy + fitted.xx * yy) / determinant;
  return Math.log(2 * Math.PI) + 0.5 * Math.log(determinant) + 0.5 * quadratic;
}

it("test points are likelier than under a fitted Gaussian", async () => {
  const { metrics } = await flow.evaluate("test");
  expect(metrics.negativeLogLikelihood).toBeLessThan(gaussianBaseline() - 0.5);
});
