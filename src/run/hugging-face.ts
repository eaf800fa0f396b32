import { join } from "node:path";
import { exportModel } from "../onnx/index.ts";
import type { HuggingFaceModel, Method } from "../step/index.ts";
import { ReparamError, type Tensor, type Tree } from "../tensor/index.ts";
import { specialNames, type Tokenizer } from "../text/index.ts";
import { makeFolder, writeAtomic } from "./atomic.ts";
import { encodeSafetensors } from "./safetensors.ts";

/** A file of the folder, and how large it is. */
export interface WrittenFile {
  readonly file: string;
  readonly bytes: number;
}

/**
 * Writes a text model as a folder that the libraries of Hugging Face load: `config.json`,
 * `generation_config.json`, `tokenizer.json`, `tokenizer_config.json`, `model.safetensors` for Python, and
 * `onnx/model.onnx` for transformers.js. Throws where the model is of no architecture that they know.
 */
export async function writeHuggingFace(
  method: Method,
  weights: Tree<Tensor>,
  tokenizer: Tokenizer,
  folder: string,
): Promise<WrittenFile[]> {
  if (method.huggingFace === undefined) {
    throw new ReparamError(
      `${method.name} is no architecture of Hugging Face's libraries: gpt and bert are.`,
    );
  }
  const model = method.huggingFace(weights);
  const files = new Map<string, Uint8Array>();
  for (const [name, content] of Object.entries(jsonFiles(model, tokenizer))) {
    files.set(name, new TextEncoder().encode(`${JSON.stringify(content, null, 2)}\n`));
  }
  const { tensors } = model;
  files.set("model.safetensors", encodeSafetensors({ tensors, metadata: { format: "pt" } }));
  files.set("onnx/model.onnx", graphOf(method, model, weights));
  await makeFolder(join(folder, "onnx"));
  const written: WrittenFile[] = [];
  for (const [file, bytes] of files) {
    await writeAtomic(join(folder, file), bytes);
    written.push({ file, bytes: bytes.length });
  }
  return written;
}

function graphOf(method: Method, model: HuggingFaceModel, weights: Tree<Tensor>): Uint8Array {
  const { inputs, build } = model;
  const { bytes } = exportModel(
    (given) => {
      const { weights: values, ...rest } = given as unknown as Parameters<typeof build>[1] & {
        readonly weights: Parameters<typeof build>[0];
      };
      return build(values, rest as Parameters<typeof build>[1]);
    },
    { ...inputs, weights },
    { name: "model", metadata: { method: method.name } },
  );
  return bytes;
}

function jsonFiles(
  { config, template }: HuggingFaceModel,
  { special, file }: Tokenizer,
): Record<string, unknown> {
  const { end, pad } = special;
  const plain = template === "plain";
  const ids = plain
    ? { bos_token_id: end, eos_token_id: end, pad_token_id: end }
    : { pad_token_id: pad };
  const context = config.n_positions ?? config.max_position_embeddings;
  return {
    "config.json": { ...config, ...ids, torch_dtype: "float32" },
    ...(plain && { "generation_config.json": { _from_model_config: true, ...ids } }),
    "tokenizer.json": { ...file, post_processor: plain ? null : classAndSeparator(special) },
    "tokenizer_config.json": {
      tokenizer_class: "PreTrainedTokenizerFast",
      model_max_length: context,
      clean_up_tokenization_spaces: false,
      ...(plain ? plainTokens : markedTokens),
    },
  };
}

const { end, pad, unknown, class: first, separator, mask } = specialNames;
const plainTokens = { bos_token: end, eos_token: end, pad_token: end };
const markedTokens = {
  ...{ pad_token: pad, unk_token: unknown, cls_token: first, sep_token: separator },
  mask_token: mask,
};

/** [CLS] A [SEP], or [CLS] A [SEP] B [SEP] with the second segment's tokens of type 1. */
function classAndSeparator(ids: Tokenizer["special"]): Record<string, unknown> {
  const token = (id: string, type: number) => ({ SpecialToken: { id, type_id: type } });
  const text = (id: "A" | "B", type: number) => ({ Sequence: { id, type_id: type } });
  const single = [token(first, 0), text("A", 0), token(separator, 0)];
  const entry = (name: string, id: number) => [name, { id: name, ids: [id], tokens: [name] }];
  return {
    type: "TemplateProcessing",
    single,
    pair: [...single, text("B", 1), token(separator, 1)],
    special_tokens: Object.fromEntries([entry(first, ids.class), entry(separator, ids.separator)]),
  };
}
