// The text of the experiments with language models.
import { fileURLToPath } from "node:url";
import { type Dataset, loadDataset } from "reparam/data";
import { quick } from "../figures/command-line.ts";

/** A page of this repository, for a machine without network. */
const page = fileURLToPath(new URL("../../docs/guide/text.md", import.meta.url));

/** Tokens of each held-out part. */
const heldOut = quick ? 64 : 65_536;

/**
 * The addresses on the State of the Union as windows of tokens, by default characters: training text from 1790 on,
 * the test text from the last years, the validation text before it, of each the first windows.
 */
export async function corpus(load: {
  readonly context: number;
  readonly tokenizer?: string;
  readonly vocabulary?: number;
}): Promise<Dataset> {
  const data = quick ? page : "state-of-the-union";
  const options = { tokenizer: "characters", ...load };
  const whole = await loadDataset(data, options);
  const { validation, test } = await loadDataset(data, {
    ...options,
    limit: Math.ceil(heldOut / load.context),
  });
  return { ...whole, validation, test };
}

/** Bits a token of the test text by how frequent tokens are in the training text: what a model without context has. */
export function unigramBits({ train, test, tokenizer }: Dataset): number {
  const counts = new Float64Array(tokenizer?.vocabulary ?? 0).fill(1);
  for (const id of train.columns.tokens?.data ?? []) counts[Number(id)]! += 1;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const ids = test.columns.tokens?.data ?? new Int32Array();
  let bits = 0;
  for (const id of ids) bits -= Math.log2((counts[Number(id)] as number) / total);
  return bits / ids.length;
}
