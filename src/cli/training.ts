import type { Dataset } from "../data/index.ts";
import type { Device } from "../onnx/index.ts";
import { formatBytes, formatDuration, formatNumber } from "../report/table.ts";
import type { Evaluation, Finished, RunConfig } from "../run/index.ts";
import type { Method, MethodDefinition } from "../step/index.ts";
import { usableDevice } from "./device.ts";
import { isEncoded, keepEncoded, readerOf } from "./encoded-images.ts";
import { interruptible } from "./interrupt.ts";
import { startProfiling } from "./profiling.ts";
import { createProgress } from "./progress.ts";
import { loadData, openRun, sampleCounts, sayLeftOut } from "./runs.ts";
import type { Context } from "./terminal.ts";
import type { Figures } from "./verb.ts";

export interface TrainRequest {
  readonly definition: MethodDefinition;
  /** The method's options, checked and complete. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly data: RunConfig["data"];
  readonly seed: number;
  readonly threads: number;
  readonly device: Device;
  readonly batchSize: number;
  readonly epochs?: number | undefined;
  readonly steps?: number | undefined;
  readonly logEvery: number;
  /** Folder of the run; the next free one below runs/ when absent. */
  readonly folder?: string | undefined;
  readonly checkpointSeconds?: number | undefined;
  /** Steps between pictures of samples; only where the method asks for them when absent. */
  readonly pictureEvery?: number | undefined;
  /** Write ONNX files at the end. */
  readonly exports: boolean;
  /** ONNX file that the training begins with. */
  readonly model?: string | undefined;
  /** Steps of each phase to profile; none when absent. */
  readonly profile?: number | undefined;
}

/** Trains a new run from its config to its report. Nothing is left behind if it fails before a step. */
export async function trainNew(request: TrainRequest, context: Context): Promise<Figures> {
  const run = await import("../run/index.ts");
  const { definition, options, batchSize, exports, folder: wanted, model, ...settings } = request;
  const reader = readerOf(request.data);
  if (reader !== undefined) context.note(`Reading ${request.data.name} by ${reader} …`);
  const { reflow } = request.data;
  if (reflow !== undefined) context.note(`Drawing pairs from ${reflow} …`);
  const dataset = await loadData(request.data);
  sayLeftOut(dataset.leftOut, context);
  const imported = model === undefined ? undefined : await run.openModel(model);
  const method = definition.create(options, run.dataShape(dataset, batchSize, imported));
  const folder = wanted ?? (await run.freeRunFolder(definition.name, request.data.name));
  const config: RunConfig = {
    method: definition.name,
    options: { ...options },
    data: { ...request.data, samples: sampleCounts(dataset) },
    seed: settings.seed,
    threads: settings.threads,
    device: await usableDevice(request.device, context),
    batchSize,
    ...(settings.steps === undefined ? { epochs: settings.epochs } : { steps: settings.steps }),
    logEvery: settings.logEvery,
    created: new Date().toISOString(),
    versions: run.versions(),
    machine: run.machine(),
    command: ["reparam", ...context.argv.map(quoted)].join(" "),
  };
  const undo = await run.createRunFolder(folder, config);
  try {
    if (dataset.tokenizer !== undefined) await run.writeTokenizer(folder, dataset.tokenizer);
    if (imported !== undefined) await run.keepModel(folder, imported);
    if (reflow !== undefined) await run.writePairs(folder, dataset.train);
    if (isEncoded(dataset)) await keepEncoded(folder, dataset, request.data);
    const { checkpointSeconds, pictureEvery, profile } = settings;
    const given = { exports, checkpointSeconds, pictureEvery, profile };
    const figures = await trainRun({ folder, method, config, dataset, ...given }, context);
    return { ...figures, ...(dataset.leftOut && { leftOut: dataset.leftOut }) };
  } catch (error) {
    const lines = await run.readMetrics(folder).catch(() => []);
    if (lines.length === 0 && (await run.newestCheckpoint(folder)) === undefined) await undo();
    throw error;
  }
}

/** Goes on with a run from its newest checkpoint. */
export async function resumeRun(
  folder: string,
  settings: Pick<Job, "exports" | "checkpointSeconds" | "pictureEvery" | "profile">,
  context: Context,
): Promise<Figures> {
  const opened = await openRun(folder);
  const device = await usableDevice(opened.config.device ?? "cpu", context);
  const config = { ...opened.config, device };
  return trainRun({ ...opened, config, ...settings }, context);
}

interface Job {
  readonly folder: string;
  readonly method: Method;
  readonly config: RunConfig;
  readonly dataset: Dataset;
  readonly exports: boolean;
  readonly checkpointSeconds?: number | undefined;
  /** Steps between pictures of samples; only where the method asks for them when absent. */
  readonly pictureEvery?: number | undefined;
  readonly profile?: number | undefined;
}

async function trainRun(job: Job, context: Context): Promise<Figures> {
  const { folder, method, config, dataset, exports, checkpointSeconds } = job;
  const { fit: train, finishRun, drawSnapshots } = await import("../run/index.ts");
  const { epochs, steps, seed, threads, device, batchSize, logEvery } = config;
  const progress = createProgress(context.terminal, { epochs, steps });
  context.note(`${config.method} on ${config.data.name}: ${folder}`);
  const profiling = await startProfiling(job, context, progress.end);
  const snapshots = drawSnapshots({ folder, method, threads, seed }, job.pictureEvery);
  try {
    const result = await interruptible(context, (signal) =>
      train({
        ...{ method, batchSize, seed, threads, logEvery, folder, signal },
        train: dataset.train,
        validation: dataset.validation,
        ...(device && { device }),
        ...(steps === undefined ? { epochs: epochs ?? 1 } : { steps }),
        ...(checkpointSeconds === undefined ? {} : { checkpointSeconds }),
        ...(profiling === undefined ? {} : { profiler: profiling.profiler }),
        ...(snapshots === undefined ? {} : { snapshots }),
        onProgress: progress.update,
        warn: (message) => context.note(`reparam: ${message}`),
      }),
    );
    progress.end();
    const profiled = (await profiling?.save()) ?? {};
    if (result.status === "interrupted") {
      context.exitCode = 130;
      context.say(`Stopped at step ${result.step}. Go on with: reparam resume ${folder}`);
      const { status, step, checkpoint } = result;
      return { folder, status, step, checkpoint, ...profiled };
    }
    const finished = await finishRun({
      ...{ folder, method, config, dataset, result, exports },
      onStage: (stage) => progress.stage(`${stage} …`),
    });
    const pictures = [...finished.pictures, ...((await profiling?.draw()) ?? [])];
    progress.end();
    const { step, epoch, seconds } = result;
    sayFinished(folder, { ...finished, pictures }, { step, seconds: seconds.train ?? 0 }, context);
    return { folder, status: "finished", step, epoch, seconds, ...finished, pictures, ...profiled };
  } finally {
    progress.end();
  }
}

function sayFinished(
  folder: string,
  { test, pictures, files, exports, notes, report }: Finished,
  { step, seconds }: { readonly step: number; readonly seconds: number },
  { say }: Context,
): void {
  say(`Trained ${step} steps in ${formatDuration(seconds)}: ${folder}`);
  if (test !== undefined) say(evaluationLine("test", test));
  for (const note of notes) say(note);
  for (const picture of pictures) say(`picture  ${picture}`);
  for (const file of files) say(`file     ${file}`);
  for (const { file, bytes, maxDifference } of exports) {
    say(`model    ${folder}/${file}  (${formatBytes(bytes)}, ${checkText(maxDifference)})`);
  }
  say(`report   ${report}`);
}

/** How far an exported file's outputs are from the library's. */
export const checkText = (maxDifference: number): string =>
  `differs by at most ${formatNumber(maxDifference, 2)} from the library at batch 1, 7, 64`;

/** `test: negativeElbo 105.4 ± 0.3, kl 25.1 ± 0.1 (10000 samples)` */
export function evaluationLine(
  split: string,
  { metrics, standardErrors, samples }: Evaluation,
): string {
  const figures = Object.entries(metrics).map(([name, value]) => {
    const error = standardErrors[name];
    const figure = `${name} ${formatNumber(value, 5)}`;
    // What is no mean over samples, such as the use of a codebook, has no such error.
    return error === undefined ? figure : `${figure} ± ${formatNumber(error, 2)}`;
  });
  return `${split}: ${figures.join(", ")} (mean ± standard error, ${samples} samples)`;
}

const quoted = (word: string): string =>
  /^[\w.,:/@+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
