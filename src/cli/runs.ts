import { stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import type { Dataset, LoadOptions } from "../data/index.ts";
import { findMethod } from "../methods/catalogue.ts";
import type { Checkpoint, RunConfig } from "../run/index.ts";
import type { Method, MethodDefinition } from "../step/index.ts";
import { ReparamError, type Tensor, type Tree } from "../tensor/index.ts";
import { loadEncoded, openEncoded, readerOf } from "./encoded-images.ts";
import { parseOptions } from "./method-flags.ts";
import { loadPairs, openPairs } from "./reflow.ts";
import type { Context } from "./terminal.ts";

/** Whether a path is the folder of a run. */
export const isRun = (folder: string): Promise<boolean> =>
  stat(join(folder, "config.json")).then(
    () => true,
    () => false,
  );

/** A run's folder with everything that is needed to go on with it. */
export interface OpenRun {
  readonly folder: string;
  readonly config: RunConfig;
  readonly definition: MethodDefinition;
  readonly dataset: Dataset;
  readonly method: Method;
}

/** Opens a run. `options` replaces some of the method's own, such as the number of samples of a bound. */
export async function openRun(
  folder: string,
  options: Readonly<Record<string, unknown>> = {},
): Promise<OpenRun> {
  const { dataShape, openKeptModel, readConfig } = await import("../run/index.ts");
  const config = await readConfig(folder);
  const definition = await findMethod(config.method);
  const dataset =
    (await openEncoded(folder)) ??
    (await openPairs(folder, () => loadSamples(config.data))) ??
    (await loadData(config.data));
  const chosen = parseOptions(definition, { ...config.options, ...options });
  const model = await openKeptModel(folder);
  const method = definition.create(chosen, dataShape(dataset, config.batchSize, model));
  return { folder, config, definition, dataset, method };
}

/** A run that is trained: its method's weights besides. Warns if the training is not finished. */
export async function openTrained(
  folder: string,
  context: Context,
  options: Readonly<Record<string, unknown>> = {},
): Promise<OpenRun & { readonly weights: Tree<Tensor>; readonly checkpoint: Checkpoint }> {
  const run = await openRun(folder, options);
  return { ...run, ...(await openWeights(run, context)) };
}

/** What a run has learned so far. Throws if that is nothing yet. */
export async function openWeights(
  { folder, method }: Pick<OpenRun, "folder" | "method">,
  context: Context,
): Promise<{ readonly weights: Tree<Tensor>; readonly checkpoint: Checkpoint }> {
  const { newestCheckpoint } = await import("../run/index.ts");
  const { weightsOf } = await import("../step/index.ts");
  const checkpoint = await newestCheckpoint(folder, (warning) =>
    context.note(`reparam: ${warning}`),
  );
  if (checkpoint === undefined) {
    throw new ReparamError(`${folder} has no checkpoint yet. Train it: reparam resume ${folder}`);
  }
  const { position } = checkpoint;
  if (position.phase !== method.phases.length - 1) {
    throw new ReparamError(
      `${folder} is not in its last phase yet. Train on: reparam resume ${folder}`,
    );
  }
  if (!position.finished) {
    context.note(`${folder} is not finished; this is its state at step ${position.step}.`);
  }
  return { checkpoint, weights: weightsOf(method, checkpoint.state) };
}

/** Loads the data of a config, and checks that it is what the run began with. */
export async function loadData(data: RunConfig["data"]): Promise<Dataset> {
  const dataset = await loadKind(data);
  const { name, samples } = data;
  const now = sampleCounts(dataset);
  if (samples !== undefined && samples.join() !== now.join()) {
    throw new ReparamError(
      `the data in ${name} changed: it has ${now.join(", ")} samples, the run began with ${samples.join(", ")}. Restore it, or train anew.`,
    );
  }
  return dataset;
}

function loadKind(data: RunConfig["data"]): Promise<Dataset> {
  if (data.reflow !== undefined) return loadPairs(data);
  return readerOf(data) === undefined ? loadSamples(data) : loadEncoded(data);
}

async function loadSamples({
  name,
  samples: _,
  reflow: __,
  pairs: ___,
  ...options
}: RunConfig["data"]): Promise<Dataset> {
  const { loadDataset } = await import("../data/index.ts");
  return loadDataset(name, options as LoadOptions);
}

/** Names the files of a folder that are not among the samples. */
export function sayLeftOut(lines: readonly string[] | undefined, context: Context): void {
  for (const line of lines ?? []) context.note(`left out: ${line}`);
}

/** Samples of train, validation and test. */
export const sampleCounts = ({ train, validation, test }: Dataset): number[] =>
  [train, validation, test].map(({ length }) => length);

/** A folder by its absolute path, so that a run finds it from anywhere; a data set's name as it is. */
export function dataName(given: string, known: readonly string[]): string {
  return known.includes(given) || isAbsolute(given) ? given : resolve(given);
}
