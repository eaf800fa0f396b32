import type { Dataset } from "../data/index.ts";
import type { DataShape } from "../step/index.ts";
import { dim } from "../tensor/index.ts";

/** What a method is told of a data set. */
export function dataShape(
  { train, classes, names, tokenizer }: Dataset,
  batchSize: number,
): DataShape {
  const columns = Object.entries(train.columns).map(([name, { dtype, shape }]) => [
    name,
    { dtype, shape: [dim("B"), ...shape] },
  ]);
  return {
    columns: Object.fromEntries(columns),
    trainSize: train.length,
    batchSize,
    classes,
    names,
    vocabulary: tokenizer?.vocabulary,
    special: tokenizer?.special,
  };
}
