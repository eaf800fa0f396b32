// The ONNX project's tests of single operators: how one is read and what it says of our reading.

import { type FileGraph, readFile, readTensor } from "../../src/onnx-import/file.ts";
import { fromOnnx, type ImportedModel } from "../../src/onnx-import/index.ts";
import { Message } from "../../src/onnx-import/protobuf.ts";
import { tensorOf } from "../../src/onnx-import/tensors.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import { evaluate, trace } from "../../src/trace/index.ts";

/** File name → bytes: model.onnx, input_0.pb, output_0.pb, … */
export type NodeTest = Readonly<Record<string, Uint8Array>>;

const load = (bytes: Uint8Array): Tensor => tensorOf(readTensor(new Message(bytes)));

function given(test: NodeTest, { inputs }: FileGraph): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {};
  for (const [i, { name }] of inputs.entries()) {
    const bytes = test[`input_${i}.pb`];
    if (bytes !== undefined) tensors[name] = load(bytes);
  }
  return tensors;
}

/**
 * With the shapes of the test's inputs; where a rule must know the numbers of an input, as the shape of a Reshape, all
 * inputs but the first are constants, and at last the first one too.
 */
function read(bytes: Uint8Array, tensors: Readonly<Record<string, Tensor>>): ImportedModel {
  const shapes = Object.fromEntries(
    Object.entries(tensors).map(([name, { shape }]) => [name, shape]),
  );
  const behindFirst = Object.fromEntries(Object.entries(tensors).slice(1));
  let failure: unknown;
  for (const constants of [{}, behindFirst, tensors]) {
    try {
      return fromOnnx(bytes, { shapes, constants });
    } catch (error) {
      failure ??= error;
      if (/not supported:|not read/.test((error as Error).message)) break;
    }
  }
  throw failure;
}

/** The first difference between the model and the test, or undefined. Throws what reading throws. */
export function complaintOf(test: NodeTest): string | undefined {
  const bytes = test["model.onnx"] as Uint8Array;
  const { graph } = readFile(bytes);
  const tensors = given(test, graph);
  const model = read(bytes, tensors);
  const example = { weights: model.weights, inputs: model.inputs };
  const program = trace(({ weights, inputs }) => model.apply(weights, inputs), example);
  const inputs = Object.fromEntries(Object.keys(model.inputs).map((name) => [name, tensors[name]]));
  const outputs = evaluate(program, {
    weights: model.weights,
    inputs,
  } as never) as unknown as Record<string, Tensor>;
  for (const [i, { name }] of graph.outputs.entries()) {
    const want = load(test[`output_${i}.pb`] as Uint8Array);
    const got = outputs[name] as Tensor;
    if (got.shape.join() !== want.shape.join())
      return `${name}: [${got.shape}], not [${want.shape}]`;
    for (const [k, value] of want.data.entries()) {
      // The tolerances of the ONNX project's own runner.
      const [a, b] = [Number(got.data[k]), Number(value)];
      const close = Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-7 + 1e-3 * Math.abs(b);
      if (!close) return `${name}[${k}]: ${a}, not ${b}`;
    }
  }
  return undefined;
}
