// Online EM in one pass against batch EM, from one start.
import { compileFunction, evaluateSplit, fit } from "reparam";
import { makeSplit, type Split } from "reparam/data";
import { weightsOf } from "reparam/step";
import type { Tensor } from "reparam/tensor";
import { quick } from "../figures/command-line.ts";
import { blobs, methodFor } from "./setting.ts";

export interface OnlineRun {
  readonly name: string;
  /** Passes over the data. */
  readonly passes: number;
  /** Of held-out rows, in nats a row. */
  readonly negativeLogLikelihood: number;
}

const [size, components] = [8, 8];
const [rows, held] = quick ? [4000, 400] : [200_000, 20_000];

const part = (x: Tensor, from: number, to: number): Split =>
  makeSplit({
    x: {
      dtype: "float64",
      shape: [size],
      data: (x.data as Float64Array<ArrayBuffer>).subarray(from * size, to * size),
    },
  });

/** 200,000 rows of 8 features around 8 centres, full covariances, a start from 2000 rows; tested on 20,000. */
export async function onlineAgainstBatch(seed: number): Promise<readonly OnlineRun[]> {
  const x = blobs(rows + held, { size, clusters: components, apart: 1, seed: 70 + seed });
  const [train, test] = [part(x, 0, rows), part(x, rows, rows + held)];
  const runs: OnlineRun[] = [];
  const measure = async (
    name: string,
    options: Readonly<Record<string, unknown>>,
    length: { readonly epochs: number; readonly batchSize: number },
  ) => {
    const settings = { components, startRows: 2000, tolerance: 0, ...options };
    const method = await methodFor("gaussian-mixture", settings, size);
    const result = await fit({ method, train, seed, threads: 1, ...length });
    const weights = weightsOf(method, result.state);
    const evaluate = await compileFunction(method, "evaluate", weights, { threads: 1 });
    const { metrics } = await evaluateSplit(evaluate, test);
    await evaluate.release();
    const loss = metrics.negativeLogLikelihood as number;
    runs.push({ name, passes: result.epoch, negativeLogLikelihood: loss });
  };
  await measure("batch, one pass", {}, { epochs: 1, batchSize: 4000 });
  await measure("batch, 10 passes", {}, { epochs: 10, batchSize: 4000 });
  await measure("batch, 50 passes", {}, { epochs: quick ? 12 : 50, batchSize: 4000 });
  for (const stepExponent of [0.5, 0.6, 0.8, 1]) {
    for (const batchSize of [500, 2000]) {
      const name = `online, one pass, batches of ${batchSize}, κ = ${stepExponent}`;
      await measure(name, { algorithm: "online", stepExponent }, { epochs: 1, batchSize });
    }
  }
  return runs;
}
