// Small networks of every option, and text that has something to learn.

import { z } from "zod";
import type { Split } from "../../../src/data/index.ts";
import { initNetwork } from "../../../src/methods/transformer/network.ts";
import {
  type NetworkSizes,
  sizesOf,
  type TransformerOptions,
  transformerOptions,
} from "../../../src/methods/transformer/options.ts";
import type { DataShape } from "../../../src/step/index.ts";
import { dim, fillUniform, mapTree, type Tensor, type Tree } from "../../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../../src/trace/index.ts";
import { random } from "../../ops/graph.ts";

export const vocabulary = 11;

const schema = z.object(
  transformerOptions({ positions: "learned", normPlacement: "pre", dropout: 0 }),
);

/** Options of a small network. */
export const tiny = (chosen: Partial<TransformerOptions> = {}): TransformerOptions =>
  schema.parse({ layers: 2, width: 8, heads: 2, ...chosen });

export const tinySizes = (
  chosen: Partial<TransformerOptions> = {},
  context = 6,
  segments = 0,
): NetworkSizes => sizesOf(tiny(chosen), { vocabulary, context, segments });

/** What may differ between networks, one at a time and the harder ones together. */
export const variants: Readonly<Record<string, Partial<TransformerOptions>>> = {
  learned: {},
  sinusoidal: { positions: "sinusoidal" },
  rotary: { positions: "rotary" },
  alibi: { positions: "alibi" },
  relative: { positions: "relative" },
  "post-norm": { normPlacement: "post" },
  rms: { norm: "rms", feedForward: "swiglu" },
  "layer-no-bias": { norm: "layer-no-bias", feedForward: "geglu" },
  "all shared": { share: "all", feedForward: "relu" },
  "attention shared": { share: "attention", tiedEmbeddings: false },
  "feed-forward shared": { share: "feed-forward" },
  "wide keys": { keySize: 6, headSize: 3 },
  grouped: { heads: 4, keyValueHeads: 2, positions: "rotary" },
  "multi-query": { heads: 4, keyValueHeads: 1, positions: "alibi" },
  "talking logits": { talkingHeads: "logits" },
  "talking logits, alibi": { talkingHeads: "logits", positions: "alibi", normPlacement: "post" },
  "talking both": { talkingHeads: "logits+weights", positions: "rotary" },
  "talking both, more heads": { talkingHeads: "logits+weights", softmaxHeads: 5 },
  "talking both, relative, grouped": {
    ...{ talkingHeads: "logits+weights", softmaxHeads: 3, positions: "relative" },
    ...{ heads: 4, keyValueHeads: 2, share: "all" },
  },
};

/** The same tree of parameters, all drawn anew of both signs, so that nothing is 0 or an identity. */
export const drawn = (params: Tree<Tensor>): Tree<Tensor> =>
  mapTree<Tensor, Tensor>(params, ({ shape }, path) => {
    const made = random(shape as readonly number[], path);
    const scale = path.endsWith("scale") || path.includes("mix") ? 1 : 0.4;
    return { ...made, data: (made.data as Float32Array).map((v) => v * scale) };
  });

/** Parameters that `init` makes, on the host. */
export const made = <M>(init: (key: Key) => M): Tree<Tensor> =>
  evaluate(
    trace(() => init(new Key("init")) as Tree<Value>, {}),
    {},
    { seed: 1, step: 0 },
  ) as Tree<Tensor>;

export const networkOf = (sizes: NetworkSizes): Tree<Tensor> =>
  drawn(made((key) => initNetwork(key, sizes)));

/** What a function of parameters of type P and of inputs gives on the host. */
export function onHost<P, R = readonly Tensor[]>(
  given: { readonly params: Tree<Tensor>; readonly [input: string]: Tree<Tensor> },
  build: (params: P, inputs: Readonly<Record<string, Value>>) => Tree<Value>,
): R {
  const program = trace(
    (all) => {
      const { params, ...inputs } = all as unknown as Record<string, Value>;
      return build(params as P, inputs);
    },
    given as Tree<Tensor>,
  );
  return evaluate(program, given as Tree<Tensor>) as R;
}

/** Rows of tokens in which each is the last one, plus one most of the time. */
export function chains(rows: number, context: number, stream = "chains"): Tensor {
  const data = new Int32Array(rows * (context + 1));
  const noise = new Float32Array(data.length);
  fillUniform(noise, { seed: 3, step: 0, path: stream });
  for (let i = 0; i < data.length; i++) {
    const u = noise[i] as number;
    const fresh = i % (context + 1) === 0 || u < 0.1;
    data[i] = fresh
      ? Math.floor((u * 971) % vocabulary)
      : ((data[i - 1] as number) + 1) % vocabulary;
  }
  return { dtype: "int32", shape: [rows, context + 1], data };
}

/** What a method is told of such text. */
export const shapeOf = (context: number, batchSize = 16): DataShape => ({
  columns: { tokens: { dtype: "int32", shape: [dim("B"), context + 1] } },
  ...{ trainSize: 64, batchSize, classes: undefined, vocabulary },
});

export const splitOf = ({ data, shape }: Tensor): Split => ({
  length: shape[0] as number,
  columns: { tokens: { dtype: "int32", shape: shape.slice(1), data } },
});
