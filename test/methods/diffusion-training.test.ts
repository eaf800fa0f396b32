import { describe, expect, it } from "vitest";
import { type Dataset, loadDataset, makeSplit } from "../../src/data/index.ts";
import { diffusion } from "../../src/methods/diffusion/diffusion.ts";
import { compileFunction, dataShape, fit } from "../../src/run/index.ts";
import { initialState, type Method, weightsOf } from "../../src/step/index.ts";
import { leafMap, scalar, type Tensor, type Tree, tensorOf } from "../../src/tensor/index.ts";
import { difference, random } from "../ops/graph.ts";

const points = await loadDataset("two-moons", { toySize: 400 });
const digits = await loadDataset(new URL("../data/mnist-sample", import.meta.url).pathname, {});
const made = (dataset: Dataset, options: object): Method =>
  diffusion.create(diffusion.options.parse(options), dataShape(dataset, 32));
const start = (method: Method): Tree<Tensor> =>
  weightsOf(method, initialState(method.phases[0]!, 0));

/** The weights with numbers in place of the zeros that residual branches begin with. */
function stirred(weights: Tree<Tensor>): Tree<Tensor> {
  for (const [path, { data, shape }] of leafMap<Tensor>(weights)) {
    if (!path.startsWith("params") || data.some((v) => Number(v) !== 0)) continue;
    const noise = random(shape as number[], path).data as Float32Array;
    for (let i = 0; i < data.length; i++) data[i] = 0.1 * noise[i]!;
  }
  return weights;
}

const tiny = { width: 8, multipliers: "1,2", patch: 2, groups: 4 };

describe("the denoiser", () => {
  it("of EDM begins as the exact one of N(0, σ_data²)", async () => {
    const method = made(points, { width: 8, sigmaData: 0.8 });
    const denoise = await compileFunction(method, "denoise", start(method), { threads: 1 });
    const time = tensorOf([0.002, 0.5, 80], [3]);
    const noisy = random([3, 2], "noisy");
    const { denoised } = await denoise.run({ noisy, time });
    await denoise.release();
    // E[x₀ | x] = σ_d²/(σ_d² + σ²)·x
    const expected = (noisy.data as Float32Array).map(
      (x, i) => (0.64 / (0.64 + Number(time.data[i >> 1]) ** 2)) * x,
    );
    expect(difference(denoised!, { ...noisy, data: expected })).toBeLessThan(1e-6);
  });

  it("refuses times that the process does not have, and factors below 0", async () => {
    const method = made(digits, tiny);
    const denoise = await compileFunction(method, "denoise", start(method), { threads: 1 });
    const given = { noisy: random([1, 1, 28, 28], "x"), time: tensorOf([1], [1]) };
    const run = (more: Record<string, Tensor>): Promise<unknown> =>
      denoise.run({ ...given, ...more });
    await expect(run({ time: tensorOf([100], [1]) })).rejects.toThrow(/time must be from 0.00/);
    await expect(run({ rhoBottom: scalar(-0.5) })).rejects.toThrow(/rhoBottom must be from 0/);
    await expect(run({ rhoTop: scalar(Number.NaN) })).rejects.toThrow(/rhoTop must be from 0/);
    await denoise.release();
  });
});

describe("factors of skip connections", () => {
  const method = made(digits, { ...tiny, freeU: true });
  const weights = stirred(start(method));
  const noisy = random([2, 1, 28, 28], "x");
  const time = tensorOf([0.3, 3], [2]);

  it("lie on a line, give way to single ones, and act at their noise levels", async () => {
    const denoise = await compileFunction(method, "denoise", weights, { threads: 1 });
    const at = async (knobs: Record<string, number | number[]>): Promise<Tensor> => {
      const inputs = Object.entries(knobs).map(([name, value]) => [
        name,
        typeof value === "number" ? scalar(value) : tensorOf(value, [value.length]),
      ]);
      return (await denoise.run({ noisy, time, ...Object.fromEntries(inputs) })).denoised!;
    };
    const [plain, tuned] = [await at({}), await at({ rhoBottom: 0.4 })];
    expect(difference(tuned, plain)).toBeGreaterThan(1e-3);
    // Four skips: 0.4, 0.6, 0.8, 1.
    expect(difference(await at({ rho: [0.4, 0.6, 0.8, 1] }), tuned)).toBeLessThan(1e-6);
    expect(difference(await at({ rhoBottom: 0.4, rho: [1, 1, 1, 1] }), plain)).toBeLessThan(1e-6);
    const row = (x: Tensor, i: number): Tensor => ({
      ...x,
      shape: [784],
      data: (x.data as Float32Array<ArrayBuffer>).slice(784 * i, 784 * (i + 1)),
    });
    const late = await at({ rhoBottom: 0.4, rhoTo: 1 });
    expect(difference(row(late, 0), row(tuned, 0))).toBeLessThan(1e-6);
    expect(difference(row(late, 1), row(plain, 1))).toBeLessThan(1e-6);
    // From 0.4 at σ = 80 to 1 at 0.002, linear in log σ.
    const scheduled = await at({ rhoBottom: 0.4, rhoBottomEnd: 1 });
    const share = Math.log(80 / 3) / Math.log(80 / 0.002);
    const middle = await at({ rhoBottom: 0.4 + 0.6 * share });
    expect(difference(row(scheduled, 1), row(middle, 1))).toBeLessThan(1e-5);
    // FreeU by default does nothing.
    expect(difference(await at({ freeUSkip: [1, 1], freeUBackbone: [1, 1] }), plain)).toBe(0);
    expect(difference(await at({ freeUBackbone: [1.4, 1.2] }), plain)).toBeGreaterThan(1e-3);
    await denoise.release();
  });

  it("are told where the norm cancels them", () => {
    expect(method.notes?.[0]).toMatch(/skip 0: 16 of 16.*through the projection/);
    expect(made(digits, { ...tiny, projection: false }).notes?.[0]).toMatch(/no effect at all/);
    expect(made(digits, { ...tiny, skipPlacement: "after-norm" }).notes?.[0]).toMatch(/behind/);
    expect(made(digits, { backbone: "u-vit", width: 8, patch: 7 }).notes?.[0]).toMatch(/no norm/);
  });
});

describe("training", () => {
  it("withholds classes, and keeps averages by their half-lives", async () => {
    const labelled = await loadDataset("blobs", { toySize: 400 });
    const method = made(labelled, {
      ...{ width: 8, layers: 1, conditional: true, guidanceDropout: 1, halfLives: "0.1,10" },
      warmupSteps: 0,
    });
    const before = initialState(method.phases[0]!, 0) as unknown as State;
    const { state } = await fit({
      ...{ method, train: labelled.train, batchSize: 32, seed: 0, steps: 20, threads: 1 },
    });
    const after = state as unknown as State;
    const embedding = ({ params }: State): number[] =>
      Array.from(params.classes.weight.data, Number);
    const [old, now] = [embedding(before), embedding(after)];
    // Three classes that nobody was told, and the one that stands for none.
    expect(now.slice(0, 24)).toEqual(old.slice(0, 24));
    expect(now.slice(24)).not.toEqual(old.slice(24));
    // Both half-lives are held to a twentieth of the rows so far, so that the shorter one is not yet reached either.
    const [short, long] = after.averages.map(({ output }) => output.weight);
    expect(difference(short!, long!)).toBe(0);
    expect(difference(short!, after.params.output.weight)).toBeGreaterThan(0);
  });

  it("takes the noise that comes with the data, for reflow", async () => {
    const [x, noise] = [random([32, 2], "x"), random([32, 2], "noise")].map(
      ({ data }) => ({ dtype: "float32", shape: [2], data }) as const,
    );
    const train = makeSplit({ x: x!, noise: noise! });
    const data = { ...points, train };
    const method = made(data, { prediction: "flow", width: 8, weighting: "simple" });
    const { lines } = await fit({
      ...{ method, train, batchSize: 32, seed: 0, steps: 1, threads: 1, logEvery: 1 },
    });
    // The network begins at 0, so that the loss is the mean square of its target, noise − x.
    const gaps = Array.from(x!.data as Float32Array, (v, i) => (Number(noise!.data[i]) - v) ** 2);
    const expected = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const [first] = lines.filter((line) => line.kind === "train");
    expect(first?.metrics.loss).toBeCloseTo(expected, 5);
    expect(Object.keys(method.functions.evaluate?.inputs ?? {})).toEqual(["x"]);
  });

  it.each([
    [points, { backbone: "unet" }, /is for images/],
    [digits, { backbone: "mlp" }, /is for points/],
    [digits, { times: "logit-normal" }, /times of 0 to 1/],
    [digits, { multipliers: "1,1,1,1" }, /cannot be divided by 16/],
    [digits, { average: 2 }, /there are 2 averages/],
    [points, { freeU: true }, /skip connections of unet/],
  ])("refuses options that cannot work together: %#", (data, options, message) => {
    expect(() => made(data, options)).toThrow(message);
  });
});

interface State {
  readonly params: { readonly classes: { weight: Tensor }; readonly output: { weight: Tensor } };
  readonly averages: readonly { readonly output: { weight: Tensor } }[];
}
