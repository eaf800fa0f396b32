// Figures of generated samples beside real ones, for `eval`.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { ExtractorOptions, FeatureExtractor, Features } from "../metrics/index.ts";
import { formatNumber } from "../report/table.ts";
import { formatShape, ReparamError, type Tensor } from "../tensor/index.ts";
import type { SampleSet } from "./sample-sets.ts";
import type { Context } from "./terminal.ts";
import type { Figures } from "./verb.ts";

export interface ComparisonOptions {
  /** A shipped extractor by its data set, a file, or "none": the numbers themselves. */
  readonly features: string | undefined;
  readonly extractor: Pick<ExtractorOptions, "output" | "scale">;
  readonly neighbours: number;
  readonly infinite: boolean;
  readonly seed: number;
  readonly threads: number;
}

/** Data sets that the library ships an extractor for. */
export const shipped = ["mnist", "fashion-mnist", "cifar10"] as const;

const shippedFile = (name: string): URL =>
  new URL(`../../assets/features/${name}.onnx`, import.meta.url);

/** The extractor that suits, by what was asked for or by the data behind either set; undefined if none does. */
export function extractorName(
  asked: string | undefined,
  { real, fake }: { readonly real: SampleSet; readonly fake: SampleSet },
): string | undefined {
  if (asked !== undefined) return asked;
  if (real.samples.shape.length === 2) return "none";
  const known = [real.data, fake.data].find((name) => shipped.some((each) => each === name));
  const [, ...shape] = real.samples.shape;
  return known ?? (shape.join() === "3,32,32" ? "cifar10" : undefined);
}

/** A shipped extractor by its data set, or one of a file. @throws ReparamError where there is none. */
export async function openExtractor(
  name: string,
  options: ExtractorOptions,
): Promise<FeatureExtractor> {
  const { createFeatureExtractor } = await import("../metrics/index.ts");
  const own = shipped.some((each) => each === name);
  if (!own && !existsSync(name)) {
    throw new ReparamError(
      `--features ${name}: there is no such file. Give an ONNX model, ${shipped.join(", ")}, or none.`,
    );
  }
  const bytes = new Uint8Array(await readFile(own ? shippedFile(name) : name));
  return createFeatureExtractor(bytes, options).catch((error: Error) => {
    throw new ReparamError(`--features ${name}: ${error.message.split("\n")[0]}`);
  });
}

/** Vectors as they are; images laid flat, as numbers in [0, 1]. */
export function flat({ dtype, shape, data }: Tensor): Tensor {
  const [count = 0] = shape;
  const scale = dtype === "uint8" ? 1 / 255 : 1;
  const numbers = Float32Array.from(data as ArrayLike<number>, (v) => Number(v) * scale);
  return { dtype: "float32", shape: [count, numbers.length / count], data: numbers };
}

interface Extracted {
  readonly real: Features;
  readonly fake: Features;
  /** What stands beside every figure. */
  readonly about: { readonly name: string; readonly sha256?: string; readonly size: number };
}

async function extract(
  name: string,
  { real, fake }: { readonly real: SampleSet; readonly fake: SampleSet },
  { extractor, threads }: ComparisonOptions,
): Promise<Extracted> {
  const [a, b] = [real.samples, fake.samples];
  if (a.shape.slice(1).join() !== b.shape.slice(1).join()) {
    throw new ReparamError(
      `${real.name} has samples ${formatShape(a.shape.slice(1))}, ${fake.name} ${formatShape(b.shape.slice(1))}. They must be alike: images can be resized by --image-size and --channels.`,
    );
  }
  if (name === "none") {
    const [x, y] = [flat(a), flat(b)];
    const about = { name, size: x.shape[1] as number };
    return { real: { features: x }, fake: { features: y }, about };
  }
  if (a.shape.length === 2) {
    throw new ReparamError("--features is for images; vectors are compared as they are.");
  }
  const opened = await openExtractor(name, { ...extractor, threads });
  const found = { real: await opened.extract(a), fake: await opened.extract(b) };
  await opened.release();
  const size = found.real.features.shape[1] as number;
  return { ...found, about: { name: basename(name), sha256: opened.sha256, size } };
}

/** Every figure that two sets allow; says each with what it depends on. */
export async function compareSamples(
  sets: { readonly real: SampleSet; readonly fake: SampleSet },
  options: ComparisonOptions,
  ctx: Context,
): Promise<Figures> {
  const name = extractorName(options.features, sets);
  if (name === undefined) {
    throw new ReparamError(
      `name the features to compare images of ${formatShape(sets.real.samples.shape.slice(1))} in: --features ${shipped.join(", ")}, FILE.onnx, or none for their pixels.`,
    );
  }
  const { seed, neighbours, infinite, threads } = options;
  const { sampleFigures } = await import("../metrics/index.ts");
  const extracted = await extract(name, sets, options);
  const figures = {
    ...(await sampleFigures(extracted.real.features, extracted.fake.features, {
      ...{ seed, neighbours, infinite, threads },
    })),
    ...(await classFigures(sets, extracted, options)),
    ...(await modesOf(sets)),
  };
  const side = ({ name: from, samples, seed: drawn }: SampleSet) => ({
    ...{ from, samples: samples.shape[0] as number, shape: samples.shape.slice(1) },
    ...(drawn === undefined ? {} : { seed: drawn }),
  });
  const found = {
    ...{
      real: side(sets.real),
      fake: side(sets.fake),
      features: extracted.about,
      seed,
      neighbours,
    },
    figures,
  };
  sayFigures(found, ctx);
  return found;
}

/** What a classifier says, where there is one; with labels on both sides, what it learns from generated samples. */
async function classFigures(
  { real, fake }: { readonly real: SampleSet; readonly fake: SampleSet },
  extracted: Extracted,
  { seed, threads }: ComparisonOptions,
): Promise<Record<string, unknown>> {
  const { classCounts, classifierAccuracyScore, classScore } = await import("../metrics/index.ts");
  const { logits } = extracted.fake;
  const scores: Record<string, unknown> = {};
  if (logits !== undefined) {
    const parts = Math.min(10, logits.shape[0] as number);
    const { score, deviation } = classScore(logits, { seed, parts });
    Object.assign(scores, { classScore: score, classScoreDeviation: deviation });
    scores.classCounts = classCounts(logits);
  }
  if (real.labels !== undefined && fake.labels !== undefined) {
    scores.classifierAccuracyScore = await classifierAccuracyScore(
      { vectors: extracted.fake.features, labels: fake.labels },
      { vectors: extracted.real.features, labels: real.labels },
      { threads, tolerance: 1e-4 },
    );
  }
  return scores;
}

async function modesOf({
  real,
  fake,
}: {
  readonly real: SampleSet;
  readonly fake: SampleSet;
}): Promise<Record<string, unknown>> {
  if (real.modes === undefined) return {};
  const { modeFigures } = await import("../metrics/index.ts");
  const { covered, modes, good } = modeFigures(fake.samples, real.modes);
  return { modesCovered: covered, modes, goodShare: good };
}

const words: Readonly<Record<string, string>> = {
  frechetDistance: "Fréchet distance",
  frechetAtInfinity: "Fréchet distance of infinitely many samples",
  kernelDistance: "kernel distance",
  precision: "precision",
  recall: "recall",
  density: "density",
  coverage: "coverage",
  slicedWasserstein: "sliced Wasserstein distance",
  classScore: "class score (Inception score)",
  classifierAccuracyScore: "classifier accuracy score",
  classCounts: "samples by class",
  modesCovered: "modes covered",
  goodShare: "share of good samples",
};

/** Standard errors and deviations beside their figures. */
const spreads: Readonly<Record<string, string>> = {
  kernelDistance: "kernelError",
  classScore: "classScoreDeviation",
};

interface Side {
  readonly from: string;
  readonly samples: number;
  readonly seed?: number;
}

function sayFigures(
  found: {
    readonly real: Side;
    readonly fake: Side;
    readonly features: Extracted["about"];
    readonly seed: number;
    readonly neighbours: number;
    readonly figures: Readonly<Record<string, unknown>>;
  },
  ctx: Context,
): void {
  const { real, fake, features, seed, neighbours, figures } = found;
  const side = ({ from, samples, seed: drawn }: Side): string =>
    `${samples} of ${from}${drawn === undefined ? "" : ` (seed ${drawn})`}`;
  ctx.say(`real      ${side(real)}`);
  ctx.say(`fake      ${side(fake)}`);
  const sum = features.sha256 === undefined ? "" : `, SHA-256 ${features.sha256}`;
  const extractor = features.name === "none" ? "the numbers themselves" : features.name;
  ctx.say(`features  ${extractor}, ${features.size} of them${sum}`);
  ctx.say(`seed ${seed} of subsets, orders and directions; ${neighbours} neighbours`);
  for (const [key, label] of Object.entries(words)) {
    const value = figures[key];
    if (value === undefined) continue;
    const spread = figures[spreads[key] ?? ""];
    const error = spread === undefined ? "" : ` ± ${formatNumber(spread as number, 2)}`;
    const text = Array.isArray(value) ? value.join(", ") : formatNumber(value as number, 5);
    const of = key === "modesCovered" ? ` of ${figures.modes}` : "";
    ctx.say(`  ${label.padEnd(44)} ${text}${error}${of}`);
  }
}
