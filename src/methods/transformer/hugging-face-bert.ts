/** `bert` as BERT in Hugging Face's libraries: learned positions, norms after the branches. */
import { cast, greater } from "../../ops/index.ts";
import { type HuggingFaceModel, modelOf } from "../../step/index.ts";
import { dim, type Tensor, type Tree, zeros } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import {
  type Bert,
  type BertSetup,
  foundLogits,
  hiddenStates,
  pairLogits,
} from "./bert-network.ts";
import {
  columns,
  hasPlainHeads,
  layerPath,
  offsetOf,
  type Parameters,
  parametersOf,
  requireAll,
  transposed,
} from "./hugging-face.ts";

/** The model with its weights. Throws, with the option that is in the way, where BERT differs. */
export function bertForHuggingFace(weights: Tree<Tensor>, setup: BertSetup): HuggingFaceModel {
  const ids = { dtype: "int64", shape: [dim("batch_size"), dim("sequence_length")] } as const;
  return {
    config: configOf(setup),
    template: "class-separator",
    tensors: tensorsOf(weights, setup),
    inputs: { input_ids: ids, attention_mask: ids, token_type_ids: ids },
    build: (given, inputs) => buildGraph(modelOf<Bert>(given), inputs, setup),
  };
}

function configOf({ sizes, pairs }: BertSetup): Record<string, unknown> {
  const { block, layers, width, context, vocabulary, segments, tied } = sizes;
  const { heads, feedForward, hidden = 4 * width, dropout } = block;
  requireAll("BERT", {
    "positions learned": block.positions === "learned",
    "normPlacement post": block.placement === "post",
    "norm layer or layer-no-bias": block.norm !== "rms",
    "feedForward gelu or relu": feedForward === "gelu" || feedForward === "relu",
    tiedEmbeddings: tied,
    "plain heads: no talkingHeads, no keyValueHeads, keySize and headSize width/heads":
      hasPlainHeads(sizes),
  });
  return {
    model_type: "bert",
    architectures: [pairs === "none" ? "BertForMaskedLM" : "BertForPreTraining"],
    ...{ vocab_size: vocabulary, hidden_size: width, num_hidden_layers: layers },
    ...{ num_attention_heads: heads, intermediate_size: hidden, hidden_act: feedForward },
    ...{ max_position_embeddings: context, type_vocab_size: Math.max(1, segments) },
    ...{ hidden_dropout_prob: dropout, attention_probs_dropout_prob: dropout },
    ...{ layer_norm_eps: 1e-5, initializer_range: 0.02, tie_word_embeddings: true },
  };
}

/** Writes parameters under their names there. */
function writerOf(to: Map<string, Tensor>, from: Parameters) {
  const linear = (theirs: string, ours: string, part?: readonly [number, number]): void => {
    const [weight, bias] = [from.at(`${ours}.weight`), from.at(`${ours}.bias`)];
    const [low, high] = part ?? [0, weight.shape[1] as number];
    to.set(`${theirs}.weight`, transposed(columns(weight, low, high)));
    to.set(`${theirs}.bias`, columns(bias, low, high));
  };
  const norm = (theirs: string, ours: string): void => {
    to.set(`${theirs}.weight`, from.at(`${ours}.scale`));
    to.set(`${theirs}.bias`, offsetOf(from, ours));
  };
  return { linear, norm };
}

function tensorsOf(weights: Tree<Tensor>, { sizes, pairs }: BertSetup): Map<string, Tensor> {
  const from = parametersOf(weights);
  const to = new Map<string, Tensor>();
  const { linear, norm } = writerOf(to, from);
  const table = (theirs: string, ours: string): void => {
    to.set(`bert.embeddings.${theirs}.weight`, from.at(`network.${ours}.weight`));
  };
  table("word_embeddings", "tokens");
  table("position_embeddings", "positions");
  if (sizes.segments > 0) table("token_type_embeddings", "segments");
  else to.set("bert.embeddings.token_type_embeddings.weight", zeros([1, sizes.width], "float32"));
  norm("bert.embeddings.LayerNorm", "start");
  for (let i = 0; i < sizes.layers; i++) {
    const layer = `bert.encoder.layer.${i}`;
    const attention = `network.${layerPath(sizes, "attention", i)}`;
    const network = `network.${layerPath(sizes, "feedForward", i)}`;
    for (const [part, name] of ["query", "key", "value"].entries()) {
      const range = [part * sizes.width, (part + 1) * sizes.width] as const;
      linear(`${layer}.attention.self.${name}`, `${attention}.attention.project`, range);
    }
    linear(`${layer}.attention.output.dense`, `${attention}.attention.out`);
    norm(`${layer}.attention.output.LayerNorm`, `${attention}.norm`);
    linear(`${layer}.intermediate.dense`, `${network}.network.wide`);
    linear(`${layer}.output.dense`, `${network}.network.narrow`);
    norm(`${layer}.output.LayerNorm`, `${network}.norm`);
  }
  linear("cls.predictions.transform.dense", "find.dense");
  norm("cls.predictions.transform.LayerNorm", "find.norm");
  to.set("cls.predictions.bias", from.at("find.bias"));
  if (pairs !== "none") {
    linear("bert.pooler.dense", "pair.pool");
    linear("cls.seq_relationship", "pair.out");
  }
  return to;
}

function buildGraph(
  bert: Bert,
  { input_ids, attention_mask, token_type_ids }: Readonly<Record<string, Value>>,
  setup: BertSetup,
): Record<string, Value> {
  const hidden = hiddenStates(bert, cast(input_ids as Value, "int32"), setup, {
    visible: greater(cast(attention_mask as Value, "int32"), 0),
    segments: cast(token_type_ids as Value, "int32"),
  });
  const pair = pairLogits(bert, hidden);
  return {
    logits: foundLogits(bert, hidden, setup),
    ...(pair && { seq_relationship_logits: pair }),
  };
}
