import type { Dataset } from "../data/index.ts";
import type { ImportedModel } from "../onnx-import/index.ts";
import type { DataShape } from "../step/index.ts";
import { dim } from "../tensor/index.ts";
import type { EncodedDataset } from "./encoded-dataset.ts";

/** What a method is told of a data set. */
export function dataShape(
  dataset: Dataset | EncodedDataset,
  batchSize: number,
  importedModel?: ImportedModel,
): DataShape {
  const { train, classes, names, tokenizer } = dataset;
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
    ...(importedModel !== undefined && { importedModel }),
    ...("autoencoder" in dataset && { autoencoder: dataset.autoencoder }),
  };
}
