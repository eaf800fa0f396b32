import { join } from "node:path";
import type { Dataset } from "../data/index.ts";
import { renderReport } from "../report/index.ts";
import { type Method, weightsOf } from "../step/index.ts";
import type { Tensor, Tree } from "../tensor/index.ts";
import { writeAtomic } from "./atomic.ts";
import { compileFunction } from "./compile-function.ts";
import type { RunConfig } from "./config.ts";
import { exportFunctions } from "./export.ts";
import type { FitResult } from "./fit.ts";
import { type Evaluation, evaluateSplit } from "./functions.ts";
import { openMetrics } from "./metrics-log.ts";
import { drawPictures } from "./pictures.ts";
import { writePortrait } from "./portrait.ts";
import { readRun, type Summary, updateSummary } from "./run-folder.ts";
import { snapshotPictures } from "./snapshots.ts";

export interface FinishOptions {
  readonly folder: string;
  readonly method: Method;
  readonly config: RunConfig;
  readonly dataset: Dataset;
  /** The finished training. */
  readonly result: FitResult;
  /** Write ONNX files. Default true. */
  readonly exports?: boolean;
  readonly onStage?: (stage: string) => void;
}

/** What a finished run has to show. Paths begin with the run's folder. */
export interface Finished {
  readonly test?: Evaluation;
  readonly pictures: readonly string[];
  /** Parameters and tables. */
  readonly files: readonly string[];
  readonly exports: Summary["exports"];
  readonly notes: readonly string[];
  readonly report: string;
}

/** Test figures, pictures, parameters, ONNX files and the report of a finished training, in that order. */
export async function finishRun(options: FinishOptions): Promise<Finished> {
  const { folder, method, config, dataset, result, onStage = () => undefined } = options;
  const weights = weightsOf(method, result.state);
  const timings: Record<string, number> = { ...result.seconds };
  const timed = async <T>(activity: string, work: () => Promise<T>): Promise<T> => {
    onStage(activity);
    const start = performance.now();
    const value = await work();
    timings[activity] = (timings[activity] ?? 0) + (performance.now() - start) / 1000;
    return value;
  };
  const test = await timed("test", () => evaluateTest(options, weights));
  const { threads, seed } = config;
  const drawn = await timed("pictures", () =>
    drawPictures({ folder, method, dataset, threads, seed }, weights),
  );
  const { lines } = result;
  const portrait = await timed("portrait", () =>
    writePortrait({ folder, method, dataset, threads, lines }, weights),
  );
  const pictures = [...portrait.pictures, ...drawn, ...(await snapshotPictures(folder))];
  const { notes } = portrait;
  const exports =
    options.exports === false
      ? []
      : await timed("export", () =>
          exportFunctions(method, weights, folder, {
            threads,
            split: dataset.test,
            metadata: exportMetadata(config, test),
          }),
        );
  await updateSummary(folder, { pictures, exports, timings, notes });
  const report = await timed("report", () => writeReport(folder));
  return {
    ...(test === undefined ? {} : { test }),
    pictures: pictures.map(({ file }) => join(folder, file)),
    files: portrait.files.map((file) => join(folder, file)),
    exports,
    notes,
    report,
  };
}

async function evaluateTest(
  { folder, method, config, dataset, result }: FinishOptions,
  weights: Tree<Tensor>,
): Promise<Evaluation | undefined> {
  if (method.functions.evaluate === undefined || dataset.test.length === 0) return undefined;
  const { threads, seed } = config;
  const compiled = await compileFunction(method, "evaluate", weights, { threads });
  const evaluation = await evaluateSplit(compiled, dataset.test, { seed });
  await compiled.release();
  const { step, epoch } = result;
  const seconds = Object.values(result.seconds).reduce((sum, s) => sum + s, 0);
  const { log } = await openMetrics(folder, step);
  try {
    await log.append({ kind: "evaluation", split: "test", step, epoch, seconds, ...evaluation });
    await log.sync();
  } finally {
    await log.close();
  }
  return evaluation;
}

/** What exported files say of the run that they come from. */
export function exportMetadata(
  config: RunConfig,
  evaluation: Evaluation | undefined,
): Record<string, string> {
  const { options, data, seed, versions } = config;
  return {
    options: JSON.stringify(options),
    data: JSON.stringify(data),
    seed: String(seed),
    reparam: versions.reparam ?? "",
    ...(evaluation === undefined
      ? {}
      : { metrics: JSON.stringify({ split: "test", ...evaluation }) }),
  };
}

/** Renders the run's folder into `path`; returns it. */
export async function writeReport(
  folder: string,
  path = join(folder, "report.html"),
): Promise<string> {
  await writeAtomic(path, renderReport(await readRun(folder)));
  return path;
}
