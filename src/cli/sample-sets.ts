// What `eval` compares: images or vectors of a data set, a folder, a NumPy file, or drawn from a run.
import { existsSync } from "node:fs";
import type { Dataset, Modes, Split, SplitName } from "../data/index.ts";
import { formatShape, ReparamError, type Tensor } from "../tensor/index.ts";
import { isRun, type openTrained } from "./runs.ts";
import type { Context } from "./terminal.ts";

/** Samples on one side of a comparison. */
export interface SampleSet {
  /** Path or name, and the split where it has several. */
  readonly name: string;
  /** Images [N, C, H, W] or vectors [N, D]. */
  readonly samples: Tensor;
  readonly labels?: Int32Array;
  /** Of the latents, where samples were drawn here. */
  readonly seed?: number;
  /** The data set behind it, whose extractor serves by default. */
  readonly data?: string;
  readonly modes?: Modes;
}

export interface SetOptions {
  readonly split: SplitName;
  readonly limit: number | undefined;
  readonly imageSize: number | undefined;
  readonly channels: 1 | 3 | undefined;
  /** Of what is drawn from a run. */
  readonly seed: number;
}

type Trained = Awaited<ReturnType<typeof openTrained>>;

/** Samples without a run behind them. @throws ReparamError where the place holds none. */
export async function storedSet(place: string, options: SetOptions): Promise<SampleSet> {
  if (place.endsWith(".npy") && existsSync(place)) return arraySet(place, options);
  const { loadDataset } = await import("../data/index.ts");
  const { split, limit, imageSize, channels } = options;
  const folder = existsSync(place);
  const dataset = await loadDataset(place, {
    // All images of a folder are one set, unless it has parts of its own.
    ...(folder ? { whole: true } : {}),
    ...(limit === undefined ? {} : { limit }),
    ...(imageSize === undefined ? {} : { imageSize }),
    ...(channels === undefined ? {} : { channels }),
  });
  return splitSet(dataset, place, split);
}

async function arraySet(place: string, { limit = Infinity }: SetOptions): Promise<SampleSet> {
  const { decodeNpy } = await import("../data/index.ts");
  const { readBytes } = await import("../run/index.ts");
  const { dtype, shape, data } = decodeNpy(await readBytes(place), place);
  if ((shape.length !== 2 && shape.length !== 4) || dtype === "int64") {
    throw new ReparamError(
      `${place}: wants images [N, C, H, W] or vectors [N, D], got ${dtype}${formatShape(shape)}.`,
    );
  }
  const [count = 0, ...row] = shape;
  const kept = Math.min(count, limit);
  const part = data.subarray(0, (kept * data.length) / Math.max(1, count));
  return { name: place, samples: { dtype, shape: [kept, ...row], data: part } as Tensor };
}

/** A split of a data set. */
export function splitSet(
  { name: data, modes, ...splits }: Pick<Dataset, "name" | "modes" | SplitName>,
  name: string,
  split: SplitName,
  limit = Infinity,
): SampleSet {
  const { columns, length }: Split = splits[split];
  const column = columns.image ?? columns.x;
  if (column === undefined || length === 0) {
    const what = length === 0 ? `no samples in its ${split} part` : "neither images nor vectors";
    throw new ReparamError(`${name} has ${what}. Use another one, or another --split.`);
  }
  const kept = Math.min(length, limit);
  const part = column.data.subarray(0, (kept * column.data.length) / length);
  const labels = columns.label?.data.subarray(0, kept);
  return {
    name: `${name} (${split})`,
    samples: { dtype: column.dtype, shape: [kept, ...column.shape], data: part } as Tensor,
    ...(labels === undefined ? {} : { labels: labels as Int32Array }),
    data,
    ...(modes === undefined ? {} : { modes }),
  };
}

/** Samples of a trained model, of every class in turn where it is told one. */
export async function drawnSet(run: Trained, count: number, seed: number): Promise<SampleSet> {
  const { compileFunction, sampleRows } = await import("../run/index.ts");
  const { madeBy } = await import("../report/index.ts");
  const { method, weights, config, dataset } = run;
  const compiled = await compileFunction(method, "sample", weights, { threads: config.threads });
  const classes = compiled.definition.inputs.label?.classes;
  const labelsOf = (from: number, to: number): Int32Array<ArrayBuffer> =>
    Int32Array.from({ length: to - from }, (_, i) => (from + i) % (classes ?? 1));
  const outputs = await sampleRows(compiled, count, {
    seed,
    inputs: (from, to) =>
      classes === undefined
        ? {}
        : { label: { dtype: "int32", shape: [to - from], data: labelsOf(from, to) } },
  });
  await compiled.release();
  const samples = madeBy(outputs);
  if (samples === undefined) {
    throw new ReparamError(`${run.folder}: ${method.name} draws neither images nor points.`);
  }
  return {
    name: run.folder,
    ...{ samples, seed, data: dataset.name },
    ...(classes === undefined ? {} : { labels: labelsOf(0, count) }),
  };
}

/** The two sides of `--real` and `--fake`; a run draws as many samples as the other side has. */
export async function openSets(
  real: string,
  fake: string,
  options: SetOptions,
  ctx: Context,
): Promise<{ readonly real: SampleSet; readonly fake: SampleSet }> {
  const { openTrained } = await import("./runs.ts");
  const [a, b] = [await isRun(real), await isRun(fake)];
  const [first, second] = await Promise.all([
    a ? undefined : storedSet(real, options),
    b ? undefined : storedSet(fake, options),
  ]);
  const count = first?.samples.shape[0] ?? second?.samples.shape[0] ?? options.limit ?? 10000;
  const drawn = async (folder: string, seed: number): Promise<SampleSet> =>
    drawnSet(await openTrained(folder, ctx), count, seed);
  // Of one run on both sides, the latents differ.
  return {
    real: first ?? (await drawn(real, options.seed + 1)),
    fake: second ?? (await drawn(fake, options.seed)),
  };
}
