// What the experiments on architectures train on, and what judges their samples.
import { loadDataset, type Tensor, type TrainedModel } from "reparam";
import { flag, numberOf, quick, sized } from "../figures/command-line.ts";
import { samplesOf as drawSamples, openJudge } from "../figures/judge.ts";

export const threads = numberOf("threads", 1);
export const dataset = await loadDataset(flag("data") ?? "mnist", {
  ...{ validation: 0, ...(quick ? { limit: 64 } : {}) },
});
export const judge = await openJudge(dataset, {
  ...{ classifier: "mnist", threads, most: sized(64, 2000, 10_000) },
});

export const samplesOf = (
  model: TrainedModel,
  count: number,
  inputs: Readonly<Record<string, Tensor>> = {},
): Promise<Tensor> => drawSamples(model, count, { threads, inputs });

export const scalarOf = (value: number): Tensor => ({
  dtype: "float32",
  shape: [],
  data: Float32Array.of(value),
});

/** The class that a classifier gives to each row, by logits [N, classes]. */
export function likeliest({ data, shape }: Tensor): number[] {
  const [count = 0, size = 1] = shape;
  return Array.from({ length: count }, (_, row) => {
    let best = 0;
    for (let k = 1; k < size; k++) {
      if (Number(data[row * size + k]) > Number(data[row * size + best])) best = k;
    }
    return best;
  });
}
