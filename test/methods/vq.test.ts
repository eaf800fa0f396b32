// What the image tokenizers promise besides the contract of all methods, on real digits.
import { describe, expect, it } from "vitest";
import { loadFolder } from "../../src/data/index.ts";
import { findMethod } from "../../src/methods/index.ts";
import { lloydCentres, lloydSums } from "../../src/methods/vq/start.ts";
import { codebookUse } from "../../src/metrics/index.ts";
import {
  compileFunction,
  type FitResult,
  fit,
  type NamedTensors,
  rowsOf,
} from "../../src/run/index.ts";
import { type FunctionName, type Method, weightsOf } from "../../src/step/index.ts";
import { dim, leafMap, spec, type Tensor, type Tree, tensor } from "../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../src/trace/index.ts";
import { readGolden } from "../golden/read.ts";

const sample = new URL("../data/mnist-sample", import.meta.url).pathname;
const { train } = await loadFolder(sample, { validation: 0 });
const small = { width: 8, blocks: 1, learningRate: 1e-2 };
const batchSize = 32;

async function create(
  name: string,
  options: Record<string, unknown>,
  [channels, height, width] = [1, 28, 28],
): Promise<Method> {
  const definition = await findMethod(name);
  const columns = {
    image: spec("uint8", [dim("B"), channels as number, height as number, width as number]),
  };
  const parsed = definition.options.parse({ ...small, ...options });
  return definition.create(parsed, {
    columns,
    trainSize: train.length,
    batchSize,
    classes: undefined,
  });
}

const trained = (method: Method, steps: number): Promise<FitResult> =>
  fit({ method, train, batchSize, seed: 3, steps, threads: 1, logEvery: 1 });

async function call(
  method: Method,
  name: FunctionName,
  { state }: FitResult,
  inputs: NamedTensors,
): Promise<Record<string, Tensor>> {
  const compiled = await compileFunction(method, name, weightsOf(method, state), { threads: 1 });
  const outputs = await compiled.run(inputs);
  await compiled.release();
  return outputs;
}

const { image } = rowsOf(train, 0, 40) as { image: Tensor };

const variants: [string, Record<string, unknown>][] = [
  ["vq-vae", { codes: 32 }],
  ["vq-vae", { codes: 32, codebook: "gradient", start: "k-means", gradient: "rotation" }],
  ["vq-vae", { codes: 16, heads: 2, stages: 2, reviveAfter: 4 }],
  ["vq-vae", { codes: 16, heads: 2, sharedHeads: true, lookupDimension: 4, distance: "cosine" }],
  ["vq-vae", { codes: 32, quantizer: "simvq" }],
  ["vq-vae", { codes: 32, quantizer: "gumbel" }],
  ["fsq", { levels: "5,4,3", halvings: 1 }],
  ["fsq", { levels: "5,5,4", bound: "tanh" }],
  ["fsq", { levels: "5,5", stages: 2 }],
  ["fsq", { quantizer: "lfq", bits: 8 }],
];

describe.each(variants)("%s %o", (name, options) => {
  it("learns, and decodes its own tokens to its own reconstructions", async () => {
    const method = await create(name, options);
    const result = await trained(method, 24);
    const lines = result.lines.filter(({ metrics }) => metrics.squaredError !== undefined);
    const errors = lines.map(({ metrics }) => metrics.squaredError as number);
    expect(errors.at(-1)).toBeLessThan(0.85 * (errors[0] as number));
    const { tokens } = await call(method, "encode", result, { image });
    const decoded = await call(method, "decode", result, { tokens: tokens as Tensor });
    const reconstructed = await call(method, "reconstruct", result, { image });
    expect(decoded.image?.shape).toEqual(image.shape);
    for (const [i, v] of (decoded.image as Tensor).data.entries()) {
      expect(Math.abs(Number(v) - Number(reconstructed.image?.data[i]))).toBeLessThan(1e-5);
    }
  });
});

it("the share of codes used in an epoch is that of all tokens of the training images", async () => {
  // Without learning, the model is the same in all batches of the epoch.
  const method = await create("fsq", { levels: "5,4,3", learningRate: 1e-30 });
  const result = await trained(method, train.length / batchSize);
  const { tokens } = await call(method, "encode", result, rowsOf(train, 0, train.length));
  const { use } = codebookUse(tokens as Tensor, 60);
  expect(result.lines.at(-1)?.metrics.codebookUse).toBeCloseTo(use, 6);
  expect(use).toBeLessThan(1);
});

it("every residual stage of k-means lowers the error of the vectors", async () => {
  const distortions: number[] = [];
  for (const stages of [1, 2, 3]) {
    const one = await create("vq-vae", { codes: 8, stages, start: "k-means" });
    const { lines } = await trained({ ...one, phases: one.phases.slice(0, 1) }, 1);
    distortions.push(lines.at(-1)?.metrics.distortion as number);
  }
  expect(distortions[1]).toBeLessThan(0.8 * (distortions[0] as number));
  expect(distortions[2]).toBeLessThan(0.8 * (distortions[1] as number));
});

it("k-means takes the centres that Lloyd's iteration does, round after round", () => {
  const golden = readGolden("quantizers");
  const of = (name: string): Tensor => {
    const { data, shape } = golden[name] as { data: Float32Array<ArrayBuffer>; shape: number[] };
    return tensor(data, shape);
  };
  const vectors = of("lloyd.z");
  let table = tensor(vectors.data.slice(0, 15) as Float32Array<ArrayBuffer>, [5, 3]);
  for (let round = 0; round < 4; round++) {
    const given = { vectors, table };
    const program = trace(
      ({ vectors: z, table: e }: Record<string, Value>) => {
        const { sums, counts } = lloydSums(z as Value, e as Value);
        return lloydCentres(e as Value, sums, counts);
      },
      given as Record<string, Tensor>,
    );
    table = evaluate(program as never, given as never) as unknown as Tensor;
    const want = of(`lloyd.${round}`).data;
    for (const [i, v] of table.data.entries()) expect(v).toBeCloseTo(Number(want[i]), 5);
  }
});

describe("the adversarial term", () => {
  const network = { levels: "5,4", learningRate: 1e-2 };
  const paramsOf = ({ state }: FitResult): string[] =>
    [...leafMap((state as { params: Tree<Tensor> }).params)].map(([, { data }]) => data.join());

  it("changes nothing before it begins, and the tokenizer afterwards", async () => {
    const alone = await create("fsq", network);
    const judged = await create("fsq", { ...network, adversarial: 0.1, adversarialAfter: 3 });
    for (const [steps, same] of [
      [3, true],
      [5, false],
    ] as const) {
      const [a, b] = [await trained(alone, steps), await trained(judged, steps)];
      expect(paramsOf(a).join() === paramsOf(b).join(), `${steps} steps`).toBe(same);
    }
  });

  it("is the hinge loss of a discriminator that learns", async () => {
    const method = await create("fsq", { ...network, adversarial: 1e-3, adversarialAfter: 2 });
    const { lines } = await trained(method, 40);
    const metrics = lines.flatMap((line) => (line.kind === "train" ? [line.metrics] : []));
    expect(metrics.slice(0, 2).map(({ discriminator }) => discriminator)).toEqual([0, 0]);
    // A discriminator that says 0 to everything has 2.
    expect(metrics[2]?.discriminator).toBeCloseTo(2, 1);
    expect(metrics.at(-1)?.discriminator).toBeLessThan(0.5);
    for (const { loss, squaredError, adversarial } of metrics) {
      const parts = 10 * (squaredError as number) + 1e-3 * (adversarial as number);
      expect(loss).toBeCloseTo(parts, 5);
    }
  });
});

it("images that the stride does not divide are padded, and cut again", async () => {
  const method = await create("fsq", { halvings: 3, padding: true });
  const result = await trained(method, 2);
  const { tokens } = await call(method, "encode", result, { image });
  expect(tokens?.shape).toEqual([40, 4, 4]);
  const decoded = await call(method, "decode", result, { tokens: tokens as Tensor });
  expect(decoded.image?.shape).toEqual([40, 1, 28, 28]);
});

it("colour images of unequal sides have tokens of their own shape", async () => {
  const method = await create("fsq", {}, [3, 16, 24]);
  const tokens = method.functions.decode?.inputs.tokens;
  expect(tokens?.shape.slice(1)).toEqual([4, 6]);
  expect(tokens?.dtype).toBe("int32");
});

it.each([
  ["fsq", { levels: "8,1" }, /levels must be whole numbers of at least 2, got 8, 1/],
  ["fsq", { levels: "8;5" }, /whole numbers such as/],
  ["fsq", { levels: "2,5", bound: "tanh" }, /at least 3/],
  ["fsq", { stages: 2, bound: "tanh" }, /residual stages need/],
  ["fsq", { quantizer: "lfq", stages: 2 }, /Leave out --stages/],
  ["fsq", { halvings: 3 }, /28×28 pixels are not divisible by the stride 8.*--padding.*32×32/],
  ["vq-vae", { codes: 2 ** 20, dimension: 1024 }, /take 4.0 GiB, and at most 1 GiB/],
  ["vq-vae", { heads: 3 }, /16 numbers cannot be cut into 3 equal heads/],
  ["vq-vae", { quantizer: "gumbel", codes: 400_000 }, /2.3 GiB for the logits/],
  ["vq-vae", { quantizer: "gumbel", start: "k-means" }, /Leave out --start/],
  ["vq-vae", { quantizer: "simvq", reviveAfter: 5 }, /Leave out reviveAfter/],
] as const)("%s refuses %o", async (name, options, message) => {
  await expect(create(name, options)).rejects.toThrow(message);
});
