// What the prior of image tokens promises besides the contract of all methods: one distribution, however it is asked.
import { beforeAll, describe, expect, it } from "vitest";
import { makeSplit } from "../../src/data/index.ts";
import { findMethod } from "../../src/methods/index.ts";
import {
  type CompiledFunction,
  compileFunction,
  encodeDataset,
  fit,
  type NamedTensors,
  sampleToken,
} from "../../src/run/index.ts";
import {
  type Autoencoder,
  type DataShape,
  type FunctionName,
  initialState,
  type Method,
  type Phase,
  weightsOf,
} from "../../src/step/index.ts";
import {
  dim,
  evaluateShape,
  fillUniform,
  leafMap,
  scalar,
  spec,
  type Tensor,
  type Tree,
  tensor,
  zeros,
} from "../../src/tensor/index.ts";
import type { Value } from "../../src/trace/index.ts";

const B = dim("B");
const small = { layers: 2, width: 16, heads: 2, warmupSteps: 0, learningRate: 1e-2 };

/** An untrained tokenizer of 8×12 pixels in 2×3 tokens. */
async function tokenizerOf(options: Record<string, unknown> = {}): Promise<Autoencoder> {
  const definition = await findMethod("fsq");
  const parsed = definition.options.parse({ width: 4, blocks: 0, levels: "3,2", ...options });
  const shape = { columns: { image: spec("uint8", [B, 1, 8, 12]) }, classes: undefined };
  const method = definition.create(parsed, { ...shape, trainSize: 8, batchSize: 4 });
  return { method, weights: weightsOf(method, initialState(method.phases[0] as Phase, 0)) };
}

const shapeOf = (autoencoder: Autoencoder, tokens = [2, 3]): DataShape => ({
  columns: { tokens: spec("int32", [B, ...tokens]), label: spec("int32", [B]) },
  ...{ trainSize: 40, batchSize: 8, classes: ["even", "odd"], autoencoder },
});

async function priorOf(options: Record<string, unknown>): Promise<Method> {
  const definition = await findMethod("token-prior");
  const parsed = definition.options.parse({ ...small, ...options });
  return definition.create(parsed, shapeOf(await tokenizerOf()));
}

/** Grids that begin with their class, and go up by one from there. */
function stairs(count: number): Record<"tokens" | "label", Tensor> {
  const label = Int32Array.from({ length: count }, (_, i) => i % 2);
  const tokens = Int32Array.from(
    { length: 6 * count },
    (_, i) => ((label[Math.floor(i / 6)] as number) + (i % 6)) % 6,
  );
  return {
    tokens: { dtype: "int32", shape: [count, 2, 3], data: tokens },
    label: { dtype: "int32", shape: [count], data: label },
  };
}

const { tokens: grids, label: classes } = stairs(40);
const train = makeSplit({ tokens: { ...grids, shape: [2, 3] }, label: { ...classes, shape: [] } });

async function trainedWeights(method: Method, steps: number): Promise<Tree<Tensor>> {
  const { state } = await fit({ method, train, batchSize: 8, seed: 1, steps, threads: 1 });
  return weightsOf(method, state);
}

const open = (method: Method, name: FunctionName, weights: Tree<Tensor>) =>
  compileFunction(method, name, weights, { threads: 1 });

/** Logits of the next token after each of `sequence`, one call of `next` a token. */
async function logitsAlong(
  next: CompiledFunction,
  start: number,
  choose: (logits: Float32Array, place: number) => number,
): Promise<{ tokens: number[]; logits: Float32Array[] }> {
  const sizes = new Map(Object.entries({ B: 1, T: 1, P: 0 }));
  let past: Record<string, Tensor> = Object.fromEntries(
    Object.entries(next.definition.inputs)
      .filter(([name]) => name.startsWith("past"))
      .map(([name, { shape }]) => [name, zeros(evaluateShape(shape, sizes))]),
  );
  const [tokens, all]: [number[], Float32Array[]] = [[], []];
  for (let place = 0; place < 6; place++) {
    const last = tokens.at(-1) ?? start;
    const token: Tensor = { dtype: "int32", shape: [1, 1], data: Int32Array.of(last) };
    const { logits, ...present } = await next.run({ token, ...past } as NamedTensors);
    past = Object.fromEntries(
      Object.entries(present).map(([name, kept]) => [name.replace("present", "past"), kept]),
    );
    all.push(logits?.data as Float32Array);
    tokens.push(choose(all.at(-1) as Float32Array, place));
  }
  return { tokens, logits: all };
}

describe.each(["grid", "learned", "rotary"])("with positions %s", (positions) => {
  let method: Method;
  let weights: Tree<Tensor>;
  beforeAll(async () => {
    method = await priorOf({ positions, conditional: true });
    weights = await trainedWeights(method, 30);
  });

  it("draws in one graph what tokens chosen one by one from `next` are", async () => {
    const uniform = zeros([4, 6]);
    fillUniform(uniform.data as Float32Array, { seed: 5, step: 0, path: "test" });
    const label: Tensor = { dtype: "int32", shape: [4], data: Int32Array.of(0, 1, 1, 0) };
    const knobs = { temperature: scalar(1.5), topK: scalar(4, "int32") };
    const sample = await open(method, "sample", weights);
    const { tokens, image } = await sample.run({ uniform, label, ...knobs });
    await sample.release();
    expect([tokens?.shape, image?.shape]).toEqual([
      [4, 2, 3],
      [4, 1, 8, 12],
    ]);
    const next = await open(method, "next", weights);
    for (let row = 0; row < 4; row++) {
      const start = 6 + (label.data[row] as number);
      const { tokens: one } = await logitsAlong(next, start, (logits, place) =>
        sampleToken(logits, uniform.data[6 * row + place] as number, { temperature: 1.5, topK: 4 }),
      );
      expect([...(tokens as Tensor).data.slice(6 * row, 6 * row + 6)], `row ${row}`).toEqual(one);
    }
    await next.release();
  });

  it("has the likelihood that `next` gives token by token", async () => {
    const { tokens, label } = stairs(3);
    const evaluate = await open(method, "evaluate", weights);
    const { negativeLogLikelihood, bitsPerToken } = await evaluate.run({ tokens, label });
    await evaluate.release();
    const next = await open(method, "next", weights);
    for (let row = 0; row < 3; row++) {
      const wanted = [...tokens.data.slice(6 * row, 6 * row + 6)] as number[];
      const { logits } = await logitsAlong(
        next,
        6 + (label.data[row] as number),
        (_logits, place) => wanted[place] as number,
      );
      const nats = logits.map((each, place) => {
        const total = each.reduce((sum, logit) => sum + Math.exp(logit), 0);
        return Math.log(total) - (each[wanted[place] as number] as number);
      });
      const mean = nats.reduce((sum, value) => sum + value, 0) / 6;
      expect(negativeLogLikelihood?.data[row]).toBeCloseTo(mean, 4);
      expect(bitsPerToken?.data[row]).toBeCloseTo(mean / Math.LN2, 4);
    }
    await next.release();
  });
});

it("is a distribution: the probabilities of all grids add up to 1", async () => {
  const method = await priorOf({ conditional: true });
  const evaluate = await open(method, "evaluate", await trainedWeights(method, 10));
  const [count, together] = [6 ** 6, 6 ** 5];
  const label: Tensor = {
    dtype: "int32",
    shape: [together],
    data: new Int32Array(together).fill(1),
  };
  let total = 0;
  for (let from = 0; from < count; from += together) {
    const data = Int32Array.from({ length: 6 * together }, (_, i) => {
      const grid = from + Math.floor(i / 6);
      return Math.floor(grid / 6 ** (i % 6)) % 6;
    });
    const tokens: Tensor = { dtype: "int32", shape: [together, 2, 3], data };
    const { negativeLogLikelihood } = await evaluate.run({ tokens, label });
    for (const nats of (negativeLogLikelihood as Tensor).data) total += Math.exp(-6 * Number(nats));
  }
  await evaluate.release();
  expect(total).toBeCloseTo(1, 4);
});

it("learns grids by heart, draws them by class, and carries the tokenizer unchanged", async () => {
  const method = await priorOf({ conditional: true });
  const weights = await trainedWeights(method, 120);
  const sample = await open(method, "sample", weights);
  const { tokens } = await sample.run({ temperature: scalar(0) }, { count: 4 });
  await sample.release();
  expect([...(tokens as Tensor).data]).toEqual([...stairs(4).tokens.data]);
  const before = leafMap((await tokenizerOf()).weights);
  const after = leafMap((weights as { buffers: { tokenizer: Tree<Tensor> } }).buffers.tokenizer);
  for (const [path, { data }] of after) expect(data, path).toEqual(before.get(path)?.data);
  expect([...after.keys()].some((path) => path.startsWith("params.decoder"))).toBe(true);
});

it("refuses data that it cannot be made for", async () => {
  const definition = await findMethod("token-prior");
  const options = definition.options.parse(small);
  const tokenizer = await tokenizerOf();
  const { autoencoder: _, ...alone } = shapeOf(tokenizer);
  expect(() => definition.create(options, alone)).toThrow(/wants images as tokens/);
  expect(() => definition.create(options, shapeOf(tokenizer, [2, 3, 2]))).toThrow(
    "token-prior wants one integer a place, and this tokenizer gives 2.",
  );
  const { label: __, ...unlabelled } = shapeOf(tokenizer).columns;
  const conditional = definition.options.parse({ ...small, conditional: true });
  expect(() =>
    definition.create(conditional, { ...shapeOf(tokenizer), columns: unlabelled }),
  ).toThrow("--conditional needs data with classes");
  const sample = await open(
    await priorOf({}),
    "sample",
    await trainedWeights(await priorOf({}), 1),
  );
  const topK = { topK: tensor(Int32Array.of(7), []) };
  const { functions } = await priorOf({});
  const none = {
    method: { name: "other", phases: [], weights: (state: Tree<Value>) => state, functions },
  };
  const card = { title: "", license: "", source: "", citation: "" };
  const data = { name: "stairs", card, train, validation: train, test: train };
  await expect(encodeDataset({ ...none, weights: {} }, data)).rejects.toThrow(
    "other makes no tokens. Take a run of a tokenizer of images, such as fsq.",
  );
  await expect(sample.run(topK)).rejects.toThrow("topK must be integers from 0 to 6, got 7");
  await sample.release();
});
