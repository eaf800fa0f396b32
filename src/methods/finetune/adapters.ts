import { initializers } from "../../nn/index.ts";
import type { ImportedModel } from "../../onnx-import/index.ts";
import { constant, full, matmul } from "../../ops/index.ts";
import { ReparamError, type Tensor } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import { type Options, patternFilter } from "./options.ts";

/** a [r, m] and b [n, r] beside a matrix W [n, m]: the update is (α/r)·b·a. */
export type Adapter = {
  readonly a: Value;
  readonly b: Value;
};

/** Matrices of the model that get adapters. @throws ReparamError where a pattern finds none. */
export function adaptedNames({ weights }: ImportedModel, { lora }: Options): readonly string[] {
  if (lora === "") return [];
  const chosen = patternFilter(lora);
  const names = Object.entries(weights.params)
    .filter(([name, { shape }]) => shape.length === 2 && chosen(name))
    .map(([name]) => name);
  if (names.length > 0) return names;
  const matrices = Object.entries(weights.params).filter(([, { shape }]) => shape.length === 2);
  const known = matrices.map(([name]) => name).join(", ");
  throw new ReparamError(
    `finetune: --lora ${lora} names no matrix. There are: ${known || "none"}.`,
  );
}

/** a is normal and b zero, so that training begins with the model as it is. */
export function initAdapters(
  key: Key,
  model: ImportedModel,
  names: readonly string[],
  rank: number,
): Record<string, Adapter> {
  const entries = names.map((name): [string, Adapter] => {
    const { shape } = model.weights.params[name] as Tensor;
    const [rows, columns] = shape as [number, number];
    const fans = { fanIn: columns, fanOut: rank };
    const a = initializers.normal(1 / Math.sqrt(columns))(key.at(name), [rank, columns], fans);
    return [name, { a, b: full([rows, rank], 0) }];
  });
  return Object.fromEntries(entries);
}

/** W + (α/r)·b·a: Hu et al., "LoRA: low-rank adaptation of large language models" (2022), equation 3. */
export const adapted = (
  base: Readonly<Record<string, Value>>,
  adapters: Readonly<Record<string, Adapter>> | undefined,
  { loraAlpha, loraRank }: Options,
): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(base).map(([name, weight]) => {
      const adapter = adapters?.[name];
      if (adapter === undefined) return [name, weight];
      return [name, weight.add(matmul(adapter.b, adapter.a).mul(loraAlpha / loraRank))];
    }),
  );

/** The model's weights as they are in the file. */
export const stored = (tensors: ImportedModel["weights"]["params"]): Record<string, Value> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, constant(tensor)]));
