/**
 * Text, token by token: the function `next` of a method that models language from left to right. It is run here
 * and exported like any other; whoever drives it samples from its logits and feeds back what it gave.
 *
 * Inputs, with P ≥ 0 positions before and T ≥ 1 new ones:
 *   token                          int32 [B, T]         the tokens that come next
 *   pastKeys0, pastKeys1, …        float32 [B, g, P, k]   of every layer, as the last call gave them; at first
 *   pastValues0, pastValues1, …    float32 [B, g, P, d]   P = 0
 * Outputs:
 *   logits                         float32 [B, vocabulary]   of the token after the last one
 *   presentKeys0, presentKeys1, …      float32 [B, g, P + T, k]
 *   presentValues0, presentValues1, …  float32 [B, g, P + T, d]
 *
 * Layer i's arrays are the pair i, layers that share parameters included. Positions count from the start of the
 * past, so no position is an input. All rows of a batch have one length: nothing is padded. `longest` of the
 * function is the most that P + T may be, where positions have an end (learned ones); a text beyond it is
 * continued from its last tokens with an empty past. The driver sees to it; a graph that is given more fails.
 *
 * Keys and values are kept as in Pope et al., "Efficiently scaling transformer inference" (2023), section 2.1.
 */
import type { AttentionCache } from "../../nn/index.ts";
import type { FunctionInput, ModelFunction } from "../../step/index.ts";
import { dim, type Size, type Tree } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";

/** Sizes of what one layer remembers. */
export interface CacheSizes {
  readonly layers: number;
  readonly keyValueHeads: number;
  readonly keySize: number;
  readonly headSize: number;
}

/** What a model does with new tokens and what it remembers of those before. */
export type NextStep = (
  weights: Tree<Value>,
  token: Value,
  caches: readonly AttentionCache[],
) => { readonly logits: Value; readonly caches: readonly AttentionCache[] };

const [B, T, P] = [dim("B"), dim("T"), dim("P")];

/** The function `next`, see the top of this file. */
export function nextFunction(
  step: NextStep,
  sizes: CacheSizes,
  longest: number | undefined,
): ModelFunction {
  const { layers } = sizes;
  return {
    summary: "logits of the token after the given ones, and what the next call needs of them",
    inputs: {
      token: { dtype: "int32", shape: [B, T], description: "the tokens that come next" },
      ...pastInputs(sizes, P),
    },
    exported: true,
    ...(longest === undefined ? {} : { longest }),
    build: (weights, inputs) => {
      const pasts = Array.from({ length: layers }, (_, i) => ({
        keys: inputs[`pastKeys${i}`] as Value,
        values: inputs[`pastValues${i}`] as Value,
      }));
      const { logits, caches } = step(weights, inputs.token as Value, pasts);
      return { logits, ...presents(caches) };
    },
  };
}

function pastInputs(
  { layers, keyValueHeads, keySize, headSize }: CacheSizes,
  length: Size,
): Record<string, FunctionInput> {
  const inputs: Record<string, FunctionInput> = {};
  for (let i = 0; i < layers; i++) {
    const of = (name: string, size: number): FunctionInput => ({
      dtype: "float32",
      shape: [B, keyValueHeads, length, size],
      description: `${name} of the positions before in layer ${i}`,
    });
    inputs[`pastKeys${i}`] = of("keys", keySize);
    inputs[`pastValues${i}`] = of("values", headSize);
  }
  return inputs;
}

function presents(caches: readonly AttentionCache[]): Record<string, Value> {
  const outputs: Record<string, Value> = {};
  for (const [i, { keys, values }] of caches.entries()) {
    outputs[`presentKeys${i}`] = keys;
    outputs[`presentValues${i}`] = values;
  }
  return outputs;
}
