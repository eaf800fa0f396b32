/**
 * `gpt` as GPT-2 in Hugging Face's libraries: learned positions, norms before the branches, layer norm.
 * Radford et al., "Language models are unsupervised multitask learners" (2019).
 */
import type { Tensor, Tree } from "../../tensor/index.ts";
import {
  hasPlainHeads,
  layerPath,
  offsetOf,
  type Parameters,
  parametersOf,
  requireAll,
  transposed,
} from "./hugging-face.ts";
import type { NetworkSizes } from "./options.ts";

/** `config.json` of a GPT-2. Throws where its libraries have no such network. */
export function gpt2Config(sizes: NetworkSizes): Record<string, unknown> {
  const { block, layers, width, context, vocabulary, tied } = sizes;
  const { heads, feedForward, hidden = 4 * width, dropout } = block;
  requireAll("GPT-2", {
    "positions learned (or rms norm, rotary positions and swiglu, for Llama)":
      block.positions === "learned",
    "normPlacement pre": block.placement === "pre",
    "norm layer or layer-no-bias": block.norm !== "rms",
    "feedForward gelu or relu": feedForward === "gelu" || feedForward === "relu",
    "plain heads: no talkingHeads, no keyValueHeads, keySize and headSize width/heads":
      hasPlainHeads(sizes),
  });
  return {
    ...{ model_type: "gpt2", architectures: ["GPT2LMHeadModel"], vocab_size: vocabulary },
    ...{ n_positions: context, n_ctx: context, n_embd: width, n_layer: layers, n_head: heads },
    ...{ n_inner: hidden, activation_function: feedForward, layer_norm_epsilon: 1e-5 },
    ...{ resid_pdrop: dropout, embd_pdrop: dropout, attn_pdrop: dropout },
    ...{ initializer_range: 0.02, scale_attn_weights: true, tie_word_embeddings: tied },
  };
}

/** Parameters by the names of GPT-2, whose linear layers have their inputs first, as ours. */
export function gpt2Tensors(weights: Tree<Tensor>, sizes: NetworkSizes): Map<string, Tensor> {
  const from = parametersOf(weights);
  const to = new Map<string, Tensor>();
  to.set("transformer.wte.weight", from.at("tokens.weight"));
  to.set("transformer.wpe.weight", from.at("positions.weight"));
  for (let i = 0; i < sizes.layers; i++) addLayer(to, from, sizes, i);
  setNorm(to, "transformer.ln_f", from, "norm");
  if (!sizes.tied) to.set("lm_head.weight", transposed(from.at("head.weight")));
  return to;
}

function addLayer(
  to: Map<string, Tensor>,
  from: Parameters,
  sizes: NetworkSizes,
  layer: number,
): void {
  const attention = layerPath(sizes, "attention", layer);
  const network = layerPath(sizes, "feedForward", layer);
  const name = `transformer.h.${layer}`;
  const linear = (theirs: string, ours: string): void => {
    to.set(`${name}.${theirs}.weight`, from.at(`${ours}.weight`));
    to.set(`${name}.${theirs}.bias`, from.at(`${ours}.bias`));
  };
  setNorm(to, `${name}.ln_1`, from, `${attention}.norm`);
  linear("attn.c_attn", `${attention}.attention.project`);
  linear("attn.c_proj", `${attention}.attention.out`);
  setNorm(to, `${name}.ln_2`, from, `${network}.norm`);
  linear("mlp.c_fc", `${network}.network.wide`);
  linear("mlp.c_proj", `${network}.network.narrow`);
}

function setNorm(to: Map<string, Tensor>, name: string, from: Parameters, norm: string): void {
  to.set(`${name}.weight`, from.at(`${norm}.scale`));
  to.set(`${name}.bias`, offsetOf(from, norm));
}
