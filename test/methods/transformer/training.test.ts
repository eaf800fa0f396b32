// A training is PyTorch's: weights, losses, gradients, limits, decay and schedule, twenty steps long.
import { describe, expect, it } from "vitest";
import { gpt } from "../../../src/methods/transformer/gpt.ts";
import { initialState, phaseProgram, specsOf } from "../../../src/step/index.ts";
import {
  item,
  leafMap,
  mapTree,
  type Tensor,
  type Tree,
  zeros,
} from "../../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../../src/trace/index.ts";
import { readGolden, readGoldenMeta } from "../../golden/read.ts";
import { shapeOf } from "./setup.ts";

interface Model {
  readonly positions: string;
  readonly norm: string;
  readonly feedForward: string;
  readonly groups: number;
  readonly tied: boolean;
  readonly decaySteps: number;
}

const golden = readGolden("transformer-training");
const meta = readGoldenMeta("transformer-training");
const sizes = meta.sizes as unknown as Record<
  "context" | "rows" | "width" | "heads" | "layers",
  number
>;
const { steps, ...training } = meta.training as unknown as Record<string, number>;

/** The formula of transformer.py. */
function madeWeights(params: Tree<Tensor>): Tree<Tensor> {
  const numbers = new Map([...leafMap<Tensor>(params).keys()].map((path, n) => [path, n]));
  return mapTree<Tensor, Tensor>(params, ({ shape }, path) => {
    const tensor = zeros(shape as number[], "float64");
    for (let i = 0; i < tensor.data.length; i++) {
      const wave = Math.sin(12.9898 * (i + 1) + 78.233 * (numbers.get(path)! + 1));
      tensor.data[i] = path.endsWith("scale") ? 1 + 0.1 * wave : 0.15 * wave;
    }
    return tensor;
  });
}

/** Rounding grows a thousandfold in twenty steps, in PyTorch as here: in float32 little could be told apart. */
const inDouble = (state: Tree<Tensor>): Tree<Tensor> =>
  mapTree<Tensor, Tensor>(state, (tensor) =>
    tensor.dtype === "float32"
      ? { ...tensor, dtype: "float64", data: Float64Array.from(tensor.data as Float32Array) }
      : tensor,
  );

function tokens(): Tensor {
  const shape = [sizes.rows, sizes.context + 1];
  const data = Int32Array.from(
    { length: shape[0]! * shape[1]! },
    (_, i) => (i * i * 7 + 3 * i) % 11,
  );
  return { dtype: "int32", shape, data };
}

describe.each(Object.entries(meta.models as unknown as Record<string, Model>))(
  "%s",
  (name, model) => {
    it("has the losses of PyTorch", () => {
      const { positions, norm, feedForward, decaySteps } = model;
      const options = gpt.options.parse({
        ...{
          layers: sizes.layers,
          width: sizes.width,
          heads: sizes.heads,
          keyValueHeads: model.groups,
        },
        ...{ positions, norm, feedForward, decaySteps, tiedEmbeddings: model.tied },
        ...training,
      });
      const phase = gpt.create(options, shapeOf(sizes.context)).phases[0]!;
      const first = inDouble(initialState(phase, 0)) as Record<string, Tree<Tensor>>;
      let state: Tree<Tensor> = { ...first, params: madeWeights(first.params!) };
      const batch = { tokens: tokens() };
      const { build } = phaseProgram(phase, "step", specsOf(state));
      const program = trace((given) => build(given as never) as unknown as Tree<Value>, {
        state,
        batch,
      } as Tree<Tensor>);
      const want = golden[name]!.data as Float64Array;
      for (let i = 0; i < steps!; i++) {
        const outputs = evaluate(program, { state, batch } as Tree<Tensor>) as Record<
          string,
          Tree<Tensor>
        >;
        state = outputs.state!;
        const { loss } = outputs.metrics as Record<string, Tensor>;
        expect(Math.abs(item(loss!) / want[i]! - 1), `step ${i}`).toBeLessThan(1e-8);
      }
      expect(want[steps! - 1]).toBeLessThan(want[0]! / 1.5);
    });
  },
);
