import { join } from "node:path";
import { type Dataset, type Split, type SplitName, takeSamples } from "../data/index.ts";
import type { Method, Metrics, Portrait } from "../step/index.ts";
import { elementCount, type Tensor, type Tree } from "../tensor/index.ts";
import { writeAtomic } from "./atomic.ts";
import { type CompiledFunction, compileFunction } from "./compile-function.ts";
import { type DrawnRows, drawConvergence, drawDrawing } from "./drawings.ts";
import { mapSplit, rowsOf } from "./functions.ts";
import type { MetricsLine } from "./metrics-log.ts";
import { type CsvColumn, encodeRowsCsv } from "./rows-csv.ts";
import type { PictureEntry } from "./run-folder.ts";
import { encodeSafetensors } from "./safetensors.ts";

export interface PortraitOptions {
  readonly folder: string;
  readonly method: Method;
  readonly dataset: Dataset;
  readonly threads: number;
  /** The log of the training. */
  readonly lines: readonly MetricsLine[];
}

/** What was written of a portrait, as files below the run's folder. */
export interface WrittenPortrait {
  readonly pictures: readonly PictureEntry[];
  readonly files: readonly string[];
  readonly notes: readonly string[];
}

/** Most rows of each split in the CSV file and in drawings. */
const [writtenRows, drawnRows] = [100_000, 2000];
/** Rows of more numbers than this are not repeated in the CSV file. */
const mostFeatures = 64;

/** Writes parameters, rows and drawings of a method that has a portrait. */
export async function writePortrait(
  options: PortraitOptions,
  weights: Tree<Tensor>,
): Promise<WrittenPortrait> {
  const { folder, method, lines } = options;
  const history = historyOf(lines);
  const portrait = method.portrait?.(weights, history);
  if (portrait === undefined) return { pictures: [], files: [], notes: [] };
  const files = await writeParameters(options, portrait);
  const { threads } = options;
  const encode = await compileFunction(method, "encode", weights, { threads });
  try {
    if (portrait.rows !== undefined) {
      const file = `${portrait.rows}.csv`;
      await writeAtomic(join(folder, file), await rowsCsv(options.dataset, encode));
      files.push(file);
    }
    const pictures = await drawAll(options, portrait, encode);
    const convergence = await drawConvergence(history);
    if (convergence !== undefined) {
      pictures.push({
        ...(await saved(options, "convergence", convergence)),
        ...{ title: "Convergence", caption: "The loss of every iteration.", plot: true },
      });
    }
    return { pictures, files, notes: portrait.notes };
  } finally {
    await encode.release();
  }
}

/** Metrics of the iterations by phase, as logged. */
function historyOf(lines: readonly MetricsLine[]): Metrics[][] {
  const phases = new Map<string, Metrics[]>();
  for (const line of lines) {
    if (line.kind !== "train") continue;
    const before = phases.get(line.phase);
    if (before === undefined) phases.set(line.phase, [line.metrics]);
    else before.push(line.metrics);
  }
  return [...phases.values()];
}

async function writeParameters(
  { folder, method, dataset }: PortraitOptions,
  { parameters }: Portrait,
): Promise<string[]> {
  const { x, counts } = dataset.names ?? {};
  const names = { ...(x && { features: x }), ...(counts && { terms: counts }) };
  const nested = Object.entries(parameters).map(([name, { data, shape }]) => [
    name,
    nest(Array.from(data as Float64Array), shape),
  ]);
  const json = { method: method.name, ...names, ...Object.fromEntries(nested) };
  await writeAtomic(join(folder, "parameters.json"), `${JSON.stringify(json)}\n`);
  const tensors = new Map(Object.entries(parameters));
  const metadata = {
    method: method.name,
    ...Object.fromEntries(Object.entries(names).map(([key, list]) => [key, JSON.stringify(list)])),
  };
  await writeAtomic(
    join(folder, "parameters.safetensors"),
    encodeSafetensors({ tensors, metadata }),
  );
  return ["parameters.json", "parameters.safetensors"];
}

/** Elements as arrays in arrays. */
function nest(values: readonly number[], shape: readonly number[]): unknown {
  const [first, ...rest] = shape;
  if (first === undefined) return values[0];
  if (rest.length === 0) return values;
  const size = elementCount(rest);
  return Array.from({ length: first }, (_, i) =>
    nest(values.slice(i * size, (i + 1) * size), rest),
  );
}

/** All splits below each other: the rows, what `encode` finds for them, and the likeliest component. */
async function rowsCsv(dataset: Dataset, encode: CompiledFunction): Promise<string> {
  const parts: string[] = [];
  for (const name of ["train", "validation", "test"] as const) {
    const split = firstRows(dataset[name], writtenRows);
    if (split.length === 0) continue;
    const text = encodeRowsCsv(await csvColumns(dataset, name, split, encode));
    // One line of names for all.
    parts.push(parts.length === 0 ? text : text.slice(text.indexOf("\n") + 1));
  }
  return parts.join("");
}

async function csvColumns(
  { names, classes }: Dataset,
  name: SplitName,
  split: Split,
  encode: CompiledFunction,
): Promise<CsvColumn[]> {
  const outputs = await mapSplit(encode, split);
  const { latent, ...others } = outputs;
  const { x, label, document } = rowsOf(split, 0, split.length);
  const columns: CsvColumn[] = [{ name: "split", texts: Array(split.length).fill(name) }];
  if (x !== undefined && x.shape.length === 2 && (x.shape[1] as number) <= mostFeatures) {
    columns.push({ name: "x", values: x, ...(names?.x && { entries: names.x }) });
  }
  if (label !== undefined) {
    const texts = Array.from(
      label.data as ArrayLike<unknown>,
      (place) => classes?.[Number(place)] ?? String(place),
    );
    columns.push({ name: "label", texts });
  }
  if (document !== undefined && names?.document !== undefined) {
    const title = (place: unknown) => names.document?.[Number(place)];
    const texts = Array.from(document.data as ArrayLike<unknown>, (place) => title(place) ?? "");
    columns.push({ name: "document", texts });
  }
  if (latent?.shape.length === 2) {
    columns.push({ name: "component", texts: likeliest(latent).map(String) });
    columns.push({ name: "component", values: latent });
  }
  for (const [output, values] of Object.entries(others)) {
    if (output !== "cluster") columns.push({ name: output, values });
  }
  return columns;
}

const firstRows = (split: Split, most: number): Split =>
  split.length <= most
    ? split
    : takeSamples(
        split,
        Uint32Array.from({ length: most }, (_, i) => i),
      );

/** Places of the largest of every row [N, K]. */
function likeliest({ data, shape }: Tensor): number[] {
  const [count = 0, size = 1] = shape;
  return Array.from({ length: count }, (_, n) => {
    let best = 0;
    for (let k = 1; k < size; k++) {
      if (Number(data[n * size + k]) > Number(data[n * size + best])) best = k;
    }
    return best;
  });
}

async function drawAll(
  options: PortraitOptions,
  { drawings }: Portrait,
  encode: CompiledFunction,
): Promise<PictureEntry[]> {
  const rows = async (): Promise<DrawnRows> => {
    const split = firstRows(options.dataset.train, drawnRows);
    const { latent } = await mapSplit(encode, split);
    const { x } = rowsOf(split, 0, split.length);
    return { x: x as Tensor, components: likeliest(latent as Tensor) };
  };
  const pictures: PictureEntry[] = [];
  for (const drawing of drawings) {
    const { title, caption, kind } = drawing;
    const file = title.toLowerCase().replaceAll(/\W+/g, "-");
    const entry = await saved(options, file, await drawDrawing(drawing, rows));
    pictures.push({ ...entry, title, caption, plot: kind !== "images" });
  }
  return pictures;
}

async function saved(
  { folder }: PortraitOptions,
  name: string,
  png: Uint8Array,
): Promise<Pick<PictureEntry, "file">> {
  const file = `samples/${name}.png`;
  await writeAtomic(join(folder, file), png);
  return { file };
}
