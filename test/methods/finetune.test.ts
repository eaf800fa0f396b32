// Models of PyTorch trained on: what moves, what stays, and what an adapter is.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { type Dataset, loadDataset } from "../../src/data/index.ts";
import { findMethod } from "../../src/methods/index.ts";
import { fromOnnx } from "../../src/onnx-import/index.ts";
import { dataShape, fit } from "../../src/run/index.ts";
import { type Method, weightsOf } from "../../src/step/index.ts";
import { leafMap, type Tensor } from "../../src/tensor/index.ts";

const root = new URL("../..", import.meta.url).pathname;
const model = fromOnnx(readFileSync(`${root}assets/features/mnist.onnx`));

let digits: Dataset;
beforeAll(async () => {
  digits = await loadDataset(`${root}test/data/mnist-sample`);
});

async function methodOf(options: Record<string, unknown>): Promise<Method> {
  const definition = await findMethod("finetune");
  return definition.create(definition.options.parse(options), dataShape(digits, 32, model));
}

async function trainedWeights(options: Record<string, unknown>): Promise<Map<string, Tensor>> {
  const method = await methodOf(options);
  const settings = { batchSize: 32, seed: 1, steps: 4, threads: 1, logEvery: 1 };
  const { state } = await fit({ method, train: digits.train, ...settings });
  return leafMap<Tensor>(weightsOf(method, state));
}

const numbers = (tensor: Tensor | undefined): number[] =>
  Array.from((tensor?.data ?? []) as ArrayLike<number>);

const moved = (weights: ReadonlyMap<string, Tensor>): string[] =>
  Object.entries({ ...model.weights.params }).flatMap(([name, before]) => {
    const after = numbers(weights.get(`base.${name}`));
    return after.every((v, i) => v === before.data[i]) ? [] : [name];
  });

describe("finetune", () => {
  it("trains what the pattern names, and leaves the rest bit for bit", async () => {
    const weights = await trainedWeights({ output: "logits", train: "*last.*" });
    expect(moved(weights)).toEqual(
      Object.keys(model.weights.params).filter((name) => name.includes("last.")),
    );
    for (const [name, before] of Object.entries(model.weights.buffers)) {
      expect(weights.get(`statistics.${name}`)?.data, name).toEqual(before.data);
    }
  });

  it("trains only the new layer where all of the model is frozen", async () => {
    const weights = await trainedWeights({ output: "features", newHead: true, train: "none" });
    expect(moved(weights)).toEqual([]);
    expect(weights.get("head.weight")?.shape).toEqual([64, 10]);
  });

  it("adds adapters of the given rank to the matrices they are for", async () => {
    const options = { output: "logits", lora: "*last.weight", loraRank: 1, learningRate: 0.1 };
    const weights = await trainedWeights(options);
    const [name] = Object.keys(model.weights.params).filter((n) => n.endsWith("last.weight"));
    expect(moved(weights)).toEqual([name]);
    const [before, after] = [
      model.weights.params[name as string] as Tensor,
      weights.get(`base.${name}`) as Tensor,
    ];
    // A change of rank 1: every two rows of it are multiples of each other.
    const columns = before.shape[1] as number;
    const change = numbers(after).map((v, i) => v - (before.data[i] as number));
    for (let row = 1; row < 4; row++) {
      for (let column = 1; column < columns; column++) {
        const cross =
          (change[0] as number) * (change[row * columns + column] as number) -
          (change[column] as number) * (change[row * columns] as number);
        expect(Math.abs(cross)).toBeLessThan(1e-6);
      }
    }
  });

  it("gives some weights rates of their own", async () => {
    const weights = await trainedWeights({
      ...{ output: "logits", rates: "*blocks*=1e-9", learningRate: 1e-2 },
    });
    const change = (name: string): number => {
      const after = numbers(weights.get(`base.${name}`));
      const before = numbers(model.weights.params[name]);
      return Math.max(...before.map((v, i) => Math.abs(v - (after[i] as number))));
    };
    for (const name of Object.keys(model.weights.params)) {
      if (name.includes("blocks")) expect(change(name), name).toBeLessThan(1e-6);
      else expect(change(name), name).toBeGreaterThan(1e-3);
    }
  });

  it.each([
    [{ train: "nothing*" }, /names no weight/],
    [{ lora: "*norm*" }, /names no matrix/],
    [{ output: "logit" }, /makes no "logit"/],
    [{ rates: "last=fast" }, /PATTERN=RATE/],
    [{ loss: "next-token", output: "logits" }, /next-token wants text/],
  ])("refuses %j", async (options, message) => {
    const attempt = async (): Promise<unknown> => {
      const method = await methodOf(options);
      return fit({
        ...{
          method,
          train: digits.train,
          batchSize: 32,
          seed: 1,
          steps: 1,
          threads: 1,
          logEvery: 1,
        },
      });
    };
    await expect(attempt()).rejects.toThrow(message);
  });
});
