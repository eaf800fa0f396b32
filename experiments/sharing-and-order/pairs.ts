// Bidirectional transformers with one second task or none, and what linear probes of their [CLS] tell of pairs.
import { compileFunction, type TrainedModel, train } from "reparam";
import type { Dataset, Split } from "reparam/data";
import { linearProbe } from "reparam/metrics";
import { fillUniform, type Tensor, tensor, tensorOf } from "reparam/tensor";
import { fileOf, kept } from "../figures/cells.ts";
import { full, quick, seeds, threads } from "../figures/command-line.ts";
import { meanOf } from "../figures/spread.ts";

export const pairTasks = ["none", "sentence-order", "next-sentence"] as const;
type PairTask = (typeof pairTasks)[number];

/** Tokens of a half, and those of a window that has two and three markers. */
const half = quick ? 6 : full ? 62 : 16;
export const pairContext = 2 * half + 3;

const steps = quick ? 4 : full ? 20_000 : 500;
const batchSize = quick ? 8 : 24;

/** Shares from 0 to 1, of the test text. */
export interface PairCell {
  /** Masked tokens that are found, and pairs of the task that was trained, if there was one. */
  readonly masked: number;
  readonly own?: number;
  /** Pairs that a linear probe tells: halves in order or exchanged, the next half or another window's. */
  readonly order: number;
  readonly next: number;
  readonly seconds: number;
}

export const pairCell = (
  root: string,
  task: PairTask,
  seed: number,
  data: Dataset,
): Promise<PairCell> =>
  kept(fileOf(root, `pairs ${task} seed ${seed}`), async () => {
    const start = performance.now();
    const model = await train("bert", {
      ...{ data, steps, batchSize, seed, threads },
      options: {
        ...{ layers: 2, width: quick ? 16 : full ? 128 : 64, heads: 4, pairs: task },
        ...{ positions: "rotary", normPlacement: "pre" },
        ...{ learningRate: 5e-3, warmupSteps: Math.min(50, steps), decaySteps: steps },
      },
    });
    const { maskedAccuracy, pairAccuracy } = (await model.evaluate("test")).metrics;
    return {
      masked: maskedAccuracy ?? Number.NaN,
      ...(pairAccuracy !== undefined && { own: pairAccuracy }),
      order: await probe(model, "order"),
      next: await probe(model, "next"),
      seconds: (performance.now() - start) / 1000,
    };
  });

/** What stands below a table of such cells. */
export const describePairs = (cells: readonly PairCell[]): string =>
  `shares of the test text after ${steps} steps of ${batchSize} windows, mean ± standard deviation over seeds ${seeds.join(", ")}; probes fitted to the validation text; ${meanOf(cells.map(({ seconds }) => seconds)).toFixed(0)} s a cell on ${threads} threads`;

/** Accuracy on test pairs of a linear probe that is fitted to validation pairs. */
async function probe(model: TrainedModel, kind: "order" | "next"): Promise<number> {
  const { validation, test } = model.dataset;
  const fitted = await linearProbe(await labelled(model, validation, kind), {
    penalty: 1e-3,
    threads,
  });
  return fitted.accuracy(await labelled(model, test, kind));
}

/** The state of [CLS], [N, width], of each window's pair, and whether the pair is broken. */
async function labelled(model: TrainedModel, split: Split, kind: "order" | "next") {
  const { method, weights, dataset } = model;
  const { class: first = 0, separator = 0 } = dataset.tokenizer?.special ?? {};
  const { tokens } = split.columns;
  const windows = Array.from({ length: split.length }, (_, row) => {
    const at = row * (pairContext + 1);
    const ids = Array.from(tokens?.data.subarray(at, at + 2 * half) ?? [], Number);
    return [ids.slice(0, half), ids.slice(half)] as const;
  });
  const draws = new Float64Array(2 * split.length);
  fillUniform(draws, { seed: 0, step: 0, path: kind });
  const labels = Array.from(windows, (_, row) => Number((draws[2 * row] as number) < 0.5));
  const rows = windows.map(([a, b], row) => {
    if (labels[row] === 0) return [a, b];
    if (kind === "order") return [b, a];
    // Any window but this one.
    const other = 1 + Math.floor((draws[2 * row + 1] as number) * (split.length - 1));
    return [a, windows[(row + other) % split.length]?.[1] ?? b];
  });
  const ids = rows.flatMap(([a = [], b = []]) => [first, ...a, separator, ...b, separator]);
  const kinds = rows.flatMap(() => [...Array(half + 2).fill(0), ...Array(half + 1).fill(1)]);
  const shape = [split.length, pairContext];
  const fill = await compileFunction(method, "fill", weights, { threads });
  const { hidden } = await fill.run({
    token: tensorOf(ids, shape, "int32"),
    ...("segment" in fill.definition.inputs && { segment: tensorOf(kinds, shape, "int32") }),
  });
  await fill.release();
  return { vectors: firstStates(hidden as Tensor), labels };
}

/** [N, T, width] → [N, width] */
function firstStates({ data, shape }: Tensor): Tensor {
  const [rows, length, width] = shape as [number, number, number];
  const states = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const at = row * length * width;
    states.set((data as Float32Array).subarray(at, at + width), row * width);
  }
  return tensor(states, [rows, width]);
}
