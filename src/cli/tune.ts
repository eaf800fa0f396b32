import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Dataset } from "../data/index.ts";
import { formatNumber, textTable } from "../report/table.ts";
import type { KnobTuning } from "../run/index.ts";
import { bakeKnobs } from "../step/function.ts";
import type { Method } from "../step/index.ts";
import { ReparamError, type Tensor } from "../tensor/index.ts";
import { createProgress } from "./progress.ts";
import { openTrained } from "./runs.ts";
import { extractorName, flat, openExtractor } from "./sample-comparison.ts";
import { splitSet } from "./sample-sets.ts";
import type { Context } from "./terminal.ts";
import { checkText } from "./training.ts";
import { addVerb, type Figures, integerOption } from "./verb.ts";

const numberList = (text: string): number[] => {
  const numbers = text.split(",").map(Number);
  if (text.trim() === "" || !numbers.every(Number.isFinite)) {
    throw new InvalidArgumentError("It must be numbers with commas between.");
  }
  return numbers;
};

export const addTuneVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "tune <run>",
    description:
      "Finds the best value of a knob of a trained sampler, such as the factor of skip connections (Ma et al. 2024): same noise for every value, a curve with error bars over seeds.",
    examples: [
      "tune runs/diffusion-fashion-mnist-1 --metric kernel --steps 9",
      "tune runs/diffusion-fashion-mnist-1 --values 0.7,0.8,0.9,1 --steps 5 --sampler heun --seeds 5 --bake",
      "tune runs/gan-mnist-1 --knob truncation --values 0.5,1,2,4",
    ],
    options: [
      new Option("--knob <name>", "knob of the function sample").default("rhoBottom"),
      new Option("--values <list>", "values to try, besides its default")
        .argParser(numberList)
        .default([0.7, 0.8, 0.9, 1, 1.1], "0.7,0.8,0.9,1,1.1"),
      new Option("--metric <name>", "distance of samples to test data")
        .choices(["kernel", "frechet"])
        .default("kernel"),
      new Option("--features <name>", "extractor, as of eval (default: that of the data set)"),
      integerOption("--count <n>", "samples of each value and seed").default(500),
      integerOption("--seeds <n>", "seeds of the noise").default(3),
      integerOption("--steps <n>", "of the sampler, where it takes steps"),
      new Option("--sampler <name>", "the sampler, where there is a choice"),
      new Option(
        "--out <file>",
        "PNG file of the curve (default: samples/tune-KNOB.png of the run)",
      ),
      new Option("--bake", "write the model's ONNX files with the best value as a constant"),
    ],
    action: async ([folder = ""], flags, ctx) => tune(folder, flags, ctx),
  });

async function tune(
  folder: string,
  flags: Readonly<Record<string, unknown>>,
  ctx: Context,
): Promise<Figures> {
  const { compileFunction, tuneKnob } = await import("../run/index.ts");
  const { method, weights, config, dataset } = await openTrained(folder, ctx);
  const { threads } = config;
  const options = {
    ...(flags.steps === undefined ? {} : { steps: flags.steps }),
    ...(flags.sampler === undefined ? {} : { sampler: flags.sampler }),
  };
  const compiled = await compileFunction(method, "sample", weights, {
    threads,
    ...(Object.keys(options).length > 0 && { options }),
  });
  const [knob, count] = [flags.knob as string, flags.count as number];
  const metric = flags.metric as Metric;
  const measure = await distanceTo(dataset, { metric, count, threads, features: flags.features });
  const progress = createProgress(ctx.terminal, { epochs: undefined, steps: undefined });
  try {
    const tuning = await tuneKnob(compiled, {
      ...{ knob, values: flags.values as number[], count },
      seeds: Array.from({ length: flags.seeds as number }, (_, i) => i),
      distance: async (samples) => measure.distance(await madeOf(samples)),
      onProgress: (done, of) => progress.stage(`${done} of ${of} samplings …`),
    });
    progress.end();
    say(tuning, metric, ctx);
    for (const note of method.notes ?? []) ctx.say(note);
    const picture = await draw(tuning, metric, (flags.out as string | undefined) ?? folder);
    ctx.say(`picture  ${picture}`);
    const files =
      flags.bake === true ? await bake(folder, method, weights, tuning, threads, dataset) : [];
    for (const { file, maxDifference } of files) {
      ctx.say(
        `model    ${join(folder, file)}  (${knob} = ${tuning.best.value}, ${checkText(maxDifference)})`,
      );
    }
    return { run: folder, metric, count, extractor: measure.extractor, ...tuning, picture, files };
  } finally {
    progress.end();
    await measure.release();
    await compiled.release();
  }
}

type Metric = "kernel" | "frechet";

const madeOf = async (samples: Readonly<Record<string, Tensor>>): Promise<Tensor> => {
  const { madeBy } = await import("../report/index.ts");
  const made = madeBy(samples);
  if (made === undefined)
    throw new ReparamError("tune: this model draws neither images nor points.");
  return made;
};

/** Distances of drawn samples to as many test samples, by one extractor. */
async function distanceTo(
  dataset: Dataset,
  {
    metric,
    count,
    threads,
    features,
  }: { metric: Metric; count: number; threads: number; features: unknown },
): Promise<{
  readonly distance: (samples: Tensor) => Promise<number>;
  readonly extractor: string;
  readonly release: () => Promise<void>;
}> {
  const { featureStatistics, frechetDistance, kernelDistance } = await import(
    "../metrics/index.ts"
  );
  const real = splitSet(dataset, dataset.name, "test", count);
  const name = extractorName(features as string | undefined, { real, fake: real }) ?? "none";
  const extractor = name === "none" ? undefined : await openExtractor(name, { threads });
  const featuresOf = async (x: Tensor): Promise<Tensor> =>
    (await extractor?.features(x)) ?? flat(x);
  const reference = await featuresOf(real.samples);
  const statistics = featureStatistics(reference);
  return {
    distance: async (samples) => {
      const found = await featuresOf(samples);
      if (metric === "frechet") return frechetDistance(featureStatistics(found), statistics);
      const subsetSize = Math.min(found.shape[0] ?? 0, reference.shape[0] ?? 0);
      return (await kernelDistance(reference, found, { subsetSize, threads })).distance;
    },
    extractor: extractor === undefined ? name : `${name} ${extractor.sha256.slice(0, 12)}`,
    release: async () => extractor?.release(),
  };
}

function say({ knob, points, best, reference }: KnobTuning, metric: Metric, ctx: Context): void {
  const figure = ({ mean, standardError }: { mean: number; standardError: number }): string =>
    `${formatNumber(mean, 4)} ± ${formatNumber(standardError, 2)}`;
  const rows = points.map((point) => [
    formatNumber(point.value, 4),
    figure(point.distance),
    point.value === reference ? "" : figure(point.gain),
  ]);
  ctx.say(textTable([knob, `${metric} distance`, `less that at ${reference}, same noise`], rows));
  const { mean, standardError } = best.gain;
  ctx.say(
    best.value === reference
      ? `Best: ${knob} = ${reference}, the default.`
      : `Best: ${knob} = ${best.value}, ${Math.abs(mean) > 2 * standardError ? "more" : "no more"} than two standard errors below the default.`,
  );
}

async function draw({ knob, points }: KnobTuning, metric: Metric, out: string): Promise<string> {
  const { linePlot, svgToPng } = await import("../report/index.ts");
  const { makeFolder, writeAtomic } = await import("../run/index.ts");
  const file = out.endsWith(".png") ? out : join(out, "samples", `tune-${knob}.png`);
  if (file !== out) await makeFolder(join(out, "samples"));
  const y = points.map(({ distance }) => distance.mean);
  const errors = points.map(({ distance }) => distance.standardError);
  const svg = linePlot({
    x: { label: knob },
    y: { label: `${metric} distance, mean ± standard error over seeds` },
    series: [
      {
        ...{ name: knob, x: points.map(({ value }) => value), y, dots: true },
        band: { low: y.map((v, i) => v - errors[i]!), high: y.map((v, i) => v + errors[i]!) },
      },
    ],
  });
  await writeAtomic(file, await svgToPng(svg));
  return file;
}

/** The functions that have the knob, as files with its best value as a constant. */
async function bake(
  folder: string,
  method: Method,
  weights: Parameters<typeof import("../run/index.ts").exportFunctions>[1],
  { knob, best }: KnobTuning,
  threads: number,
  dataset: Dataset,
): Promise<readonly { readonly file: string; readonly maxDifference: number }[]> {
  const { exportFunctions } = await import("../run/index.ts");
  const functions = Object.fromEntries(
    Object.entries(method.functions)
      .filter(([, definition]) => definition.exported && knob in definition.inputs)
      .map(([name, definition]) => [name, bakeKnobs(definition, { [knob]: best.value })]),
  );
  return exportFunctions({ ...method, functions }, weights, folder, {
    ...{ threads, split: dataset.test },
    metadata: { [knob]: String(best.value) },
  });
}
