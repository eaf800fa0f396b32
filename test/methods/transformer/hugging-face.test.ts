import { describe, expect, it } from "vitest";
import { bert } from "../../../src/methods/transformer/bert.ts";
import { gpt } from "../../../src/methods/transformer/gpt.ts";
import {
  type HuggingFaceModel,
  initialState,
  type MethodDefinition,
  weightsOf,
} from "../../../src/step/index.ts";
import { dim, type Tensor } from "../../../src/tensor/index.ts";

const text = {
  columns: { tokens: { dtype: "int32", shape: [dim("B"), 17] } },
  ...{ trainSize: 10, batchSize: 2, classes: undefined, vocabulary: 20 },
  special: { end: 14, pad: 15, unknown: 16, class: 17, separator: 18, mask: 19 },
} as const;

function exported(definition: unknown, options: Record<string, unknown>): HuggingFaceModel {
  const { options: schema, create } = definition as MethodDefinition;
  const method = create(schema.parse({ layers: 2, width: 16, heads: 4, ...options }), text);
  return method.huggingFace!(weightsOf(method, initialState(method.phases[0]!, 0)));
}
const shapes = ({ tensors }: HuggingFaceModel) =>
  Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape.join("×")]));
const rotary = { positions: "rotary", norm: "rms", feedForward: "swiglu" };

describe("a gpt", () => {
  it("is a GPT-2 with learned positions; shared layers are written out", () => {
    const model = exported(gpt, { share: "all", norm: "layer-no-bias", tiedEmbeddings: false });
    expect(model.config).toMatchObject({
      model_type: "gpt2",
      n_layer: 2,
      tie_word_embeddings: false,
    });
    const [first, second] = [0, 1].map((i) =>
      model.tensors.get(`transformer.h.${i}.mlp.c_fc.weight`),
    );
    expect(first).toBe(second);
    expect([...model.tensors.get("transformer.ln_f.bias")!.data]).toEqual(new Array(16).fill(0));
    expect(shapes(model)["lm_head.weight"]).toBe("20×16");
  });

  it("is a Llama with rotary positions, heads of other sizes and groups included", () => {
    const model = exported(gpt, { ...rotary, keyValueHeads: 2, keySize: 6, headSize: 6 });
    expect(model.config).toMatchObject({
      model_type: "llama",
      num_key_value_heads: 2,
      head_dim: 6,
    });
    expect(shapes(model)).toMatchObject({
      "model.layers.1.self_attn.q_proj.weight": "24×16",
      "model.layers.1.self_attn.k_proj.weight": "12×16",
      "model.layers.1.self_attn.v_proj.bias": "12",
      "model.layers.1.mlp.gate_proj.weight": "48×16",
      "model.layers.1.mlp.down_proj.weight": "16×48",
    });
    expect(Object.keys(model.inputs)).not.toContain("position_ids");
  });

  it.each([
    [{ talkingHeads: "logits" }, /GPT-2 wants plain heads/],
    [{ norm: "rms" }, /GPT-2 wants norm layer/],
    [{ positions: "alibi" }, /GPT-2 wants positions learned/],
    [{ positions: "rotary" }, /Llama wants norm rms/],
    [{ ...rotary, keySize: 8 }, /Llama wants keySize and headSize to be equal/],
    [{ normPlacement: "post" }, /GPT-2 wants normPlacement pre/],
  ])("of options %j is refused", (options, reason) => {
    expect(() => exported(gpt, options)).toThrow(reason);
  });
});

it("a bert is a BERT, whose matrices have their outputs first", () => {
  const model = exported(bert, {});
  expect(model.config).toMatchObject({ model_type: "bert", type_vocab_size: 2 });
  const { inputs, tensors } = model;
  expect(Object.keys(inputs)).toEqual(["input_ids", "attention_mask", "token_type_ids"]);
  const dense = tensors.get("bert.encoder.layer.0.intermediate.dense.weight") as Tensor;
  expect(dense.shape).toEqual([64, 16]);
  expect(() => exported(bert, { normPlacement: "pre" })).toThrow(/BERT wants normPlacement post/);
});
