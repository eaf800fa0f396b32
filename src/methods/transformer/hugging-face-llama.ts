/**
 * `gpt` as Llama in Hugging Face's libraries: rotary positions, root mean square norms before the branches,
 * gated feed-forward networks. Touvron et al., "LLaMA: open and efficient foundation language models" (2023).
 */
import { feedForwardWidth } from "../../nn/index.ts";
import type { Tensor, Tree } from "../../tensor/index.ts";
import {
  columns,
  layerPath,
  type Parameters,
  parametersOf,
  requireAll,
  transposed,
} from "./hugging-face.ts";
import type { NetworkSizes } from "./options.ts";

/** `config.json` of a Llama. Throws where its libraries have no such network. */
export function llamaConfig(sizes: NetworkSizes): Record<string, unknown> {
  const { block, layers, width, context, vocabulary, tied } = sizes;
  const { heads, keyValueHeads, keySize, headSize, norm, dropout } = block;
  requireAll("Llama", {
    "normPlacement pre": block.placement === "pre",
    "norm rms with rotary positions": norm === "rms",
    "feedForward swiglu with rotary positions": block.feedForward === "swiglu",
    "talkingHeads none": block.talkingHeads === "none",
    "keySize and headSize to be equal": keySize === headSize,
  });
  return {
    ...{ model_type: "llama", architectures: ["LlamaForCausalLM"], vocab_size: vocabulary },
    ...{ hidden_size: width, intermediate_size: hiddenOf(sizes), num_hidden_layers: layers },
    ...{ num_attention_heads: heads, num_key_value_heads: keyValueHeads, head_dim: keySize },
    ...{ hidden_act: "silu", rms_norm_eps: 1e-6, rope_theta: 10000 },
    ...{ max_position_embeddings: context, attention_bias: true, mlp_bias: true },
    ...{ attention_dropout: dropout, initializer_range: 0.02, tie_word_embeddings: tied },
  };
}

const hiddenOf = ({ width, block }: NetworkSizes): number =>
  block.hidden ?? feedForwardWidth(width, block.feedForward);

/** Parameters by the names of Llama, whose linear layers have their outputs first. */
export function llamaTensors(weights: Tree<Tensor>, sizes: NetworkSizes): Map<string, Tensor> {
  const from = parametersOf(weights);
  const to = new Map<string, Tensor>();
  to.set("model.embed_tokens.weight", from.at("tokens.weight"));
  for (let i = 0; i < sizes.layers; i++) addLayer(to, from, sizes, i);
  to.set("model.norm.weight", from.at("norm.scale"));
  if (!sizes.tied) to.set("lm_head.weight", transposed(from.at("head.weight")));
  return to;
}

function addLayer(
  to: Map<string, Tensor>,
  from: Parameters,
  sizes: NetworkSizes,
  layer: number,
): void {
  const name = `model.layers.${layer}`;
  const attention = layerPath(sizes, "attention", layer);
  const network = layerPath(sizes, "feedForward", layer);
  /** Columns of one of our linear layers, as one of theirs. */
  const linear = (theirs: string, ours: string, start?: number, end?: number): void => {
    const [weight, bias] = [from.at(`${ours}.weight`), from.at(`${ours}.bias`)];
    const [low, high] = [start ?? 0, end ?? (weight.shape[1] as number)];
    to.set(`${name}.${theirs}.weight`, transposed(columns(weight, low, high)));
    to.set(`${name}.${theirs}.bias`, columns(bias, low, high));
  };
  const { heads, keyValueHeads, keySize } = sizes.block as Required<NetworkSizes["block"]>;
  const project = `${attention}.attention.project`;
  const [queries, shared] = [heads * keySize, keyValueHeads * keySize];
  to.set(`${name}.input_layernorm.weight`, from.at(`${attention}.norm.scale`));
  linear("self_attn.q_proj", project, 0, queries);
  linear("self_attn.k_proj", project, queries, queries + shared);
  linear("self_attn.v_proj", project, queries + shared);
  linear("self_attn.o_proj", `${attention}.attention.out`);
  const hidden = hiddenOf(sizes);
  to.set(`${name}.post_attention_layernorm.weight`, from.at(`${network}.norm.scale`));
  linear("mlp.up_proj", `${network}.network.wide`, 0, hidden);
  linear("mlp.gate_proj", `${network}.network.wide`, hidden);
  linear("mlp.down_proj", `${network}.network.narrow`);
}
