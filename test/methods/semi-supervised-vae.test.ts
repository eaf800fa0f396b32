// What only the semi-supervised autoencoder promises.
import { expect, it } from "vitest";
import { type Dataset, makeSplit, type Split } from "../../src/data/index.ts";
import { semiSupervisedVae } from "../../src/methods/semi-supervised/semi-supervised-vae.ts";
import { compileFunction, dataShape, evaluateSplit, fit, rowsOf } from "../../src/run/index.ts";
import { weightsOf } from "../../src/step/index.ts";
import { fillUniform, type Tensor, type Tree, tensorOf } from "../../src/tensor/index.ts";

const [side, classes] = [6, 3];
const pixels = side * side;

/** A third of the rows, of the columns, or of both diagonals lit; each pixel is wrong once in five. */
const patterns = [
  (i: number) => Math.floor(i / side) % 3 === 0,
  (i: number) => i % 3 === 1,
  (i: number) => (i % side) % 3 === Math.floor(i / side) % 3 && i % 2 === 0,
].map((lit) => Array.from({ length: pixels }, (_, i) => lit(i)));

function patternSplit(length: number, path: string, wrong = 0.2): Split {
  const noise = new Float32Array(length * pixels);
  fillUniform(noise, { seed: 0, step: 0, path });
  const label = Int32Array.from({ length }, (_, row) => (row * 7) % classes);
  const image = Uint8Array.from(noise, (u, at) => {
    const lit = patterns[label[Math.floor(at / pixels)] as number]?.[at % pixels] as boolean;
    return u < wrong === lit ? 0 : 255;
  });
  return makeSplit({
    image: { dtype: "uint8", shape: [1, side, side], data: image },
    label: { dtype: "int32", shape: [], data: label },
  });
}

const dataset: Dataset = {
  name: "patterns",
  card: { title: "", license: "", source: "", citation: "" },
  train: patternSplit(1200, "train"),
  validation: patternSplit(60, "validation"),
  test: patternSplit(600, "test"),
  classes: ["rows", "columns", "diagonals"],
};

const methodOf = (options: Record<string, unknown> = {}, data: Dataset = dataset) =>
  semiSupervisedVae.create(
    semiSupervisedVae.options.parse({
      ...{ labels: 3, hidden: 32, latents: 2, learningRate: 1e-2, ...options },
    }),
    dataShape(data, 60),
  );

const trained = (options: Record<string, unknown>, { seed = 1, steps = 150 } = {}) =>
  fit({
    ...{ method: methodOf(options), train: dataset.train, batchSize: 60 },
    ...{ seed, steps, threads: 1 },
  });

const kept = (state: Tree<Tensor>): { image: Tensor; label: Tensor } =>
  (state as unknown as { buffers: { labelled: { image: Tensor; label: Tensor } } }).buffers
    .labelled;

it("keeps as many labels of each class, chosen by the seed, and their own images", async () => {
  const rowsByText = new Map<string, number>();
  const { image, label } = rowsOf(dataset.train, 0, dataset.train.length);
  const row = ({ data }: Tensor, i: number) => data.subarray(i * pixels, (i + 1) * pixels).join();
  for (const [i, c] of Array.from(label!.data, Number).entries()) rowsByText.set(row(image!, i), c);
  const chosen: string[] = [];
  for (const seed of [1, 2]) {
    const labelled = kept((await trained({ labels: 8 }, { seed, steps: 1 })).state);
    const counts = [0, 0, 0];
    for (const [i, c] of Array.from(labelled.label.data, Number).entries()) {
      counts[c]! += 1;
      expect(rowsByText.get(row(labelled.image, i))).toBe(c);
    }
    expect(counts).toEqual([3, 3, 2]);
    chosen.push(labelled.image.data.join());
  }
  expect(chosen[0]).not.toEqual(chosen[1]);
});

it("refuses labels that the data does not have", async () => {
  expect(() => methodOf({ labels: 2 })).toThrow(/3 classes want at least one label each/);
  expect(() => methodOf({ labels: 1201 })).toThrow(/only 1200 images/);
  await expect(trained({ labels: 1201 - 1 }, { steps: 1 })).resolves.toBeDefined();
  const label = Int32Array.from({ length: 1200 }, (_, i) => (i < 5 ? 2 : i < 9 ? -1 : i % 2));
  const train = makeSplit({
    ...dataset.train.columns,
    label: { dtype: "int32", shape: [], data: label },
  });
  const method = methodOf({ labels: 18 });
  const training = fit({ method, train, batchSize: 60, seed: 0, steps: 1, threads: 1 });
  await expect(training).rejects.toThrow(/6 of class 2, but the training data has 5/);
});

it.each(["exact", "gumbel-softmax", "score-function"])(
  "learns classes from one label each and images without: %s",
  { timeout: 60_000 },
  async (estimator) => {
    const accuracy = async (options: Record<string, unknown>): Promise<number> => {
      const method = methodOf(options);
      const { state } = await trained(options, { steps: 300 });
      const compiled = await compileFunction(method, "evaluate", weightsOf(method, state), {
        threads: 1,
      });
      const { metrics } = await evaluateSplit(compiled, dataset.test);
      await compiled.release();
      return metrics.accuracy as number;
    };
    expect(await accuracy({ estimator })).toBeGreaterThan(0.95);
    if (estimator === "exact") expect(await accuracy({ unlabelled: false })).toBeLessThan(0.9);
  },
);

/** Weights [inputs, outputs] by a function of both. */
const weight = (inputs: number, outputs: number, at: (i: number, j: number) => number): Tensor =>
  tensorOf(
    Array.from({ length: inputs * outputs }, (_, k) => at(Math.floor(k / outputs), k % outputs)),
    [inputs, outputs],
  );

/** A model that ignores z, with p(pixel lit | y) = σ(±1.5), and the classifier that is its posterior. */
function exactModel(scale: number): Tree<Tensor> {
  const logit = (c: number, i: number): number => (patterns[c]?.[i] ? 1.5 : -1.5);
  const flat = (n: number, at: (i: number) => number = () => 0): Tensor =>
    tensorOf(
      Array.from({ length: n }, (_, i) => at(i)),
      [n],
    );
  const zero = (inputs: number, outputs: number): Tensor => weight(inputs, outputs, () => 0);
  const latents = 2;
  return {
    params: {
      networks: {
        // relu(x) = x of pixels, and log p(x | y) is linear in them.
        classifier: {
          hidden: { weight: weight(pixels, pixels, (i, j) => Number(i === j)), bias: flat(pixels) },
          logits: {
            weight: weight(pixels, classes, (i, c) => scale * logit(c, i)),
            bias: flat(classes, (c) => {
              const each = patterns[c]!.map((_, i) => -Math.log1p(Math.exp(logit(c, i))));
              return scale * each.reduce((a, b) => a + b);
            }),
          },
        },
        encoder: {
          input: { weight: zero(pixels, pixels), bias: flat(pixels) },
          class: { weight: zero(classes, pixels) },
          mean: { weight: zero(pixels, latents), bias: flat(latents) },
          logVariance: { weight: zero(pixels, latents), bias: flat(latents) },
        },
        decoder: {
          // Hidden unit c is class c.
          input: { weight: zero(latents, pixels), bias: flat(pixels) },
          class: { weight: weight(classes, pixels, (c, j) => Number(c === j)) },
          pixels: {
            weight: weight(pixels, pixels, (c, i) => (c < classes ? logit(c, i) : 0)),
            bias: flat(pixels),
          },
        },
      },
    },
  } as unknown as Tree<Tensor>;
}

it("is tight: with the true posterior the bound is −log p(x), with another one it is larger", async () => {
  const method = methodOf({ hidden: pixels });
  const { image, label } = rowsOf(patternSplit(20, "bound"), 0, 20) as Record<string, Tensor>;
  const logP = Array.from({ length: 20 }, (_, row) => {
    const lit = Array.from(image!.data.subarray(row * pixels, (row + 1) * pixels), Number);
    const joint = patterns.map((pattern) =>
      lit.reduce((sum, byte, i) => {
        const p = 1 / (1 + Math.exp(pattern[i] ? -1.5 : 1.5));
        return sum + Math.log(byte > 0 ? p : 1 - p);
      }, -Math.log(classes)),
    );
    return Math.log(joint.map(Math.exp).reduce((a, b) => a + b));
  });
  const compiled = await compileFunction(method, "evaluate", exactModel(1), { threads: 1 });
  const given = { image: image!, label: label! };
  const { negativeElbo } = await compiled.run(given);
  const wrong = await compiled.withWeights(exactModel(0.2)).run(given);
  await compiled.release();
  for (const [row, value] of Array.from(negativeElbo!.data, Number).entries()) {
    expect(value).toBeCloseTo(-(logP[row] as number), 3);
    expect(Number(wrong.negativeElbo!.data[row])).toBeGreaterThan(value + 1e-4);
  }
});

it("samples a class that is named as decode has it", async () => {
  const method = methodOf();
  const { state } = await trained({}, { steps: 20 });
  const weights = weightsOf(method, state);
  const sample = await compileFunction(method, "sample", weights, { threads: 1 });
  const decode = await compileFunction(method, "decode", weights, { threads: 1 });
  const noise = tensorOf([0.3, -1, 2, 0.5], [2, 2]);
  const named = await sample.run({ noise, label: tensorOf([2], [], "int32") });
  const latent = tensorOf([0, 0, 1, 0.3, -1, 0, 0, 1, 2, 0.5], [2, 5]);
  expect(named.image!.data).toEqual((await decode.run({ latent })).image!.data);
  const inTurn = await sample.run({ noise });
  expect(inTurn.image!.data).not.toEqual(named.image!.data);
  await sample.release();
  await decode.release();
});
