/** `gpt` for Hugging Face's libraries: as GPT-2, or as Llama where its positions are rotary. */
import { type AttentionCache, embedding } from "../../nn/index.ts";
import { cast, greater, reshape, sizeValue } from "../../ops/index.ts";
import { type HuggingFaceModel, modelOf } from "../../step/index.ts";
import { addSize, dim, type Tensor, type TensorSpec, type Tree } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { gpt2Config, gpt2Tensors } from "./hugging-face-gpt2.ts";
import { llamaConfig, llamaTensors } from "./hugging-face-llama.ts";
import { embedTokens, type Network, runLayers, tokenLogits } from "./network.ts";
import type { NetworkSizes } from "./options.ts";

const [B, T, P] = [dim("batch_size"), dim("sequence_length"), dim("past_sequence_length")];

/** The model with its weights. Throws, with the option that is in the way, where no architecture fits. */
export function gptForHuggingFace(weights: Tree<Tensor>, sizes: NetworkSizes): HuggingFaceModel {
  const isLlama = sizes.block.positions === "rotary";
  const config = isLlama ? llamaConfig(sizes) : gpt2Config(sizes);
  return {
    config,
    template: "plain",
    tensors: (isLlama ? llamaTensors : gpt2Tensors)(weights, sizes),
    inputs: graphInputs(sizes),
    build: (given, inputs) => buildGraph(modelOf<Network>(given), inputs, sizes),
  };
}

/** Ids and masks are int64 there. A mask has 1 for tokens that are there, earlier ones included. */
function graphInputs({ layers, block }: NetworkSizes): Record<string, TensorSpec> {
  const { keyValueHeads, keySize, headSize } = block as Required<typeof block>;
  const inputs: Record<string, TensorSpec> = {
    input_ids: { dtype: "int64", shape: [B, T] },
    attention_mask: { dtype: "int64", shape: [B, addSize(P, T)] },
  };
  // Rotary positions are distances: it does not matter where they begin.
  if (block.positions === "learned") inputs.position_ids = { dtype: "int64", shape: [B, T] };
  for (let i = 0; i < layers; i++) {
    const past = (size: number): TensorSpec => ({
      ...{ dtype: "float32", shape: [B, keyValueHeads, P, size] },
    });
    inputs[`past_key_values.${i}.key`] = past(keySize);
    inputs[`past_key_values.${i}.value`] = past(headSize);
  }
  return inputs;
}

function buildGraph(
  network: Network,
  inputs: Readonly<Record<string, Value>>,
  sizes: NetworkSizes,
): Record<string, Value> {
  const input = (name: string): Value => inputs[name] as Value;
  const token = cast(input("input_ids"), "int32");
  const { position_ids: places } = inputs;
  const x =
    places === undefined || network.positions === undefined
      ? embedTokens(network, token, sizes)
      : embedding(network.tokens, token).add(embedding(network.positions, cast(places, "int32")));
  const mask = input("attention_mask");
  const visible = reshape(greater(cast(mask, "int32"), 0), [mask.size(0), 1, 1, mask.size(1)]);
  const past = (i: number): AttentionCache => ({
    keys: input(`past_key_values.${i}.key`),
    values: input(`past_key_values.${i}.value`),
  });
  const offset = sizeValue(P, x);
  const { y, caches } = runLayers(network, x, sizes, (i) => ({
    ...{ mask: "causal", visible, cache: past(i), offset },
  }));
  const outputs: Record<string, Value> = { logits: tokenLogits(network, y) };
  for (const [i, { keys, values }] of caches.entries()) {
    outputs[`present.${i}.key`] = keys;
    outputs[`present.${i}.value`] = values;
  }
  return outputs;
}
