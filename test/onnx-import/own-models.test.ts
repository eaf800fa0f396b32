// Models that this library exports, read back: the runtime's outputs for the same file, and the gradients of the
// function that was exported.
import { describe, expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import { findMethod } from "../../src/methods/index.ts";
import { compile, createSession, exportModel } from "../../src/onnx/index.ts";
import { fromOnnx } from "../../src/onnx-import/index.ts";
import { constant, sum } from "../../src/ops/index.ts";
import {
  type DataShape,
  type FunctionName,
  functionOf,
  functionProgram,
  initialState,
  type ModelFunction,
  type Phase,
  weightsOf,
} from "../../src/step/index.ts";
import {
  allocate,
  elementCount,
  evaluateShape,
  fillNormal,
  isFloat,
  leafMap,
  mapTree,
  type Tensor,
  type Tree,
} from "../../src/tensor/index.ts";
import type { Value } from "../../src/trace/index.ts";

const B = "B" as never;
const shapeOf = (columns: object): DataShape =>
  ({ columns, trainSize: 64, batchSize: 4, classes: undefined }) as never;
const images = shapeOf({ image: { dtype: "uint8", shape: [B, 1, 16, 16] } });

interface Case {
  readonly method: string;
  readonly options: object;
  readonly data: DataShape;
  readonly of: FunctionName;
}

const text = {
  ...(shapeOf({ tokens: { dtype: "int32", shape: [B, 8] } }) as object),
  vocabulary: 11,
} as never;

const cases: readonly Case[] = [
  {
    ...{ method: "diffusion", of: "denoise", data: images },
    options: { width: 8, multipliers: "1,2", blocks: 1 },
  },
  {
    ...{ method: "gpt", of: "next", data: text },
    options: { layers: 2, width: 12, heads: 3, positions: "rotary", feedForward: "swiglu" },
  },
  {
    ...{ method: "gan", of: "sample", data: images },
    options: { architecture: "dcgan", width: 4, latents: 6, generatorNormalization: "batch" },
  },
  {
    ...{ method: "gaussian-vae", of: "encode", data: images },
    options: { network: "convolutional", width: 4, latents: 3 },
  },
  {
    ...{ method: "gaussian-vae", of: "decode", data: images },
    options: { network: "convolutional", width: 4, latents: 3 },
  },
  { method: "deep-infomax", of: "encode", data: images, options: { latents: 8 } },
];

/** Weights as they begin, but for what begins at 0 or 1 and would say little. */
function weightsFor(phase: Phase, weights: (state: Tree<Tensor>) => Tree<Tensor>): Tree<Tensor> {
  return mapTree<Tensor, Tensor, Tree<Tensor>>(weights(initialState(phase, 5)), (leaf, path) => {
    if (!isFloat(leaf.dtype)) return leaf;
    const noise = new Float32Array(leaf.data.length);
    fillNormal(noise, { seed: 6, step: 0, path });
    const data = Float32Array.from(
      leaf.data as Float32Array,
      (v, i) => v + 0.1 * (noise[i] as number),
    );
    return { ...leaf, data } as Tensor;
  }) as Tree<Tensor>;
}

/** Of the free axes. */
const sizes = new Map(Object.entries({ B: 3, T: 5, P: 2 }));

/** Numbers for the inputs of a function: noise, bytes, tokens, times. */
function inputsFor({ inputs }: ModelFunction): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, shape, classes, range }]) => {
      const full = evaluateShape(shape, sizes);
      const data = allocate(dtype, elementCount(full));
      const noise = new Float32Array(data.length);
      fillNormal(noise, { seed: 7, step: 0, path: name });
      const [low, high] = (range as [number, number] | undefined) ?? [0, 1];
      for (const [i, v] of noise.entries()) {
        if (dtype === "uint8") data[i] = Math.min(255, Math.floor(Math.abs(v) * 90));
        else if (isFloat(dtype)) data[i] = range === undefined ? v : low + (high - low) * 0.4;
        else data[i] = Math.floor(Math.abs(v) * 100) % ((classes as number) ?? 4);
      }
      return [name, { dtype, shape: full, data } as Tensor];
    }),
  );
}

const ramp = (shape: readonly number[]): Tensor => {
  const count = elementCount(shape);
  const data = Float32Array.from(
    { length: count },
    (_, i) => -1 + (2 * i) / Math.max(1, count - 1),
  );
  return { dtype: "float32", shape, data };
};

type Outputs = Readonly<Record<string, Value>>;

/** Σ outputs·ramp, so that every element of every output has a gradient of its own. */
function weightedSum(outputs: Outputs): Value {
  const parts = Object.values(outputs)
    .filter(({ dtype }) => isFloat(dtype))
    .map((y) => sum(y.mul(constant(ramp(evaluateShape(y.shape, sizes))))));
  return parts.reduce((a, b) => a.add(b));
}

/** Largest difference, of numbers above 1 relative to them. */
function differenceOf(got: Tensor, want: Tensor): number {
  expect(got.shape).toEqual(want.shape);
  return Array.from(want.data as Float32Array, (v, i) => {
    return Math.abs(Number(got.data[i]) - v) / (1 + Math.abs(v));
  }).reduce((a, b) => Math.max(a, b), 0);
}

describe.each(cases)("$of of $method", ({ method: name, options, data, of }) => {
  it("gives the runtime's outputs and the gradients of what was exported", async () => {
    const definition = await findMethod(name);
    const method = definition.create(definition.options.parse(options), data);
    const weights = weightsFor(method.phases.at(-1) as Phase, (state) => weightsOf(method, state));
    const fn = functionOf(method, of);
    const inputs = inputsFor(fn);
    const { build, example } = functionProgram(of, fn, weights);
    const { bytes } = exportModel(build, example as never, { name: of });
    const model = fromOnnx(bytes);

    const own = [...leafMap(weights)].filter(([, { dtype }]) => isFloat(dtype));
    const original = await compile(
      (given) => {
        const { weights: w } = given as unknown as { weights: Tree<Value> };
        const leaves = leafMap(w) as unknown as ReadonlyMap<string, Value>;
        const outputs = build(given);
        const list = gradients(
          weightedSum(outputs),
          own.map(([path]) => leaves.get(path) as Value),
        );
        return { list } as never;
      },
      { weights, ...inputs } as never,
      { threads: 1 },
    );
    const { list: wanted } = (await original.run({ weights, ...inputs } as never)) as unknown as {
      list: Tensor[];
    };
    const all = { ...model.weights.params, ...model.weights.buffers };
    const names = own.map(([path]) => `weights.${path}`);
    const present = names.filter((path) => path in all);
    expect(Object.keys(all).filter((path) => !names.includes(path))).toEqual([]);
    const imported = await compile(
      (given) => {
        const { weights: w, ...rest } = given as unknown as {
          weights: { params: Record<string, Value>; buffers: Record<string, Value> };
        } & Record<string, Value>;
        const outputs = model.apply(w, rest as never);
        const flat = { ...w.params, ...w.buffers };
        const list = gradients(
          weightedSum(outputs),
          present.map((path) => flat[path] as Value),
        );
        return { outputs, list } as never;
      },
      { weights: model.weights, ...inputs } as never,
      { threads: 1 },
    );
    const found = (await imported.run({
      weights: model.weights,
      ...inputs,
    } as never)) as unknown as {
      outputs: Record<string, Tensor>;
      list: Tensor[];
    };
    const session = await createSession(bytes, { threads: 1 });
    const direct = await session.run(new Map(Object.entries(inputs)));
    for (const [output, value] of direct) {
      expect(differenceOf(found.outputs[output] as Tensor, value), output).toBeLessThan(1e-5);
    }
    for (const [i, path] of present.entries()) {
      const at = names.indexOf(path);
      expect(differenceOf(found.list[i] as Tensor, wanted[at] as Tensor), path).toBeLessThan(1e-4);
    }
    // What is not in the file is of other functions.
    for (const [at, path] of names.entries()) {
      const idle = (wanted[at] as Tensor).data.every((v) => v === 0);
      expect(idle, path).toBe(!present.includes(path));
    }
    await Promise.all([original.release(), imported.release(), session.release()]);
  });
});
