import { type Command, Option } from "commander";
import type { SplitName } from "../data/index.ts";
import type { Evaluation } from "../run/index.ts";
import { offers } from "../step/function.ts";
import { ReparamError } from "../tensor/index.ts";
import { shownData } from "./encoded-images.ts";
import { openTrained } from "./runs.ts";
import type { ComparisonOptions } from "./sample-comparison.ts";
import type { Context } from "./terminal.ts";
import { evaluationLine } from "./training.ts";
import { addVerb, type Figures, integerOption, numberOption } from "./verb.ts";

const about = `
--real and --fake compare two sets of samples: folders of images, .npy files (images [N, C, H, W] in [0, 1] or bytes,
vectors [N, D]), names of data sets, or runs, which draw as many samples as the other side has. Figures depend on the
features, the number of samples and the seed, which are printed with them: compare like with like.`;

type Flags = Readonly<Record<string, unknown>>;

export const addEvalVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "eval [run]",
    description:
      "Figures of a trained model on data it has not seen, or of generated samples beside real ones.",
    examples: [
      "eval runs/gaussian-vae-mnist-1",
      "eval runs/gaussian-vae-mnist-1 --split validation --samples 100 --seed 1",
      "eval runs/gaussian-vae-mnist-1 --sample-metrics",
      "eval --real fashion-mnist --fake runs/gan-fashion-mnist-1 --infinite",
      "eval --real ./photos --fake ./generated --features inception.onnx --image-size 299",
    ],
    options: [
      new Option("--split <name>", "part of the data")
        .choices(["train", "validation", "test"])
        .default("test"),
      integerOption("--samples <n>", "samples of the importance-weighted bound"),
      new Option("--no-bound", "leave out the importance-weighted bound, which takes longest"),
      new Option("--likelihood", "the likelihood by the probability flow, of diffusion models"),
      numberOption("--tolerance <x>", "of --likelihood: relative error of a step (default: 0.001)"),
      integerOption("--limit <n>", "use at most this many rows"),
      integerOption("--seed <n>", "of the noise (default: the run's)", 0),
      new Option("--real <samples>", "compare these samples …"),
      new Option("--fake <samples>", "… with these"),
      new Option("--sample-metrics", "draw samples of the run and compare them with its data too"),
      new Option("--no-sample-metrics", "do not, where the method is judged by its samples"),
      new Option(
        "--features <extractor>",
        "space to compare images in: mnist, fashion-mnist, cifar10, FILE.onnx, or none for pixels",
      ),
      new Option("--features-output <name>", "output of FILE.onnx to use (default: features)"),
      new Option(
        "--features-scale <scale>",
        "of numbers that FILE.onnx takes: [0, 1], [−1, 1] or 0 … 255",
      )
        .choices(["unit", "symmetric", "bytes"])
        .default("unit"),
      integerOption("--neighbours <n>", "of precision, recall, density and coverage").default(5),
      new Option("--infinite", "also the Fréchet distance extrapolated to infinitely many samples"),
      integerOption("--image-size <n>", "resize images of folders to this height and width"),
      integerOption("--channels <n>", "1 makes images of folders grey, 3 coloured"),
      integerOption("--threads <n>", "threads of --real and --fake").default(2),
    ],
    action: async ([folder], flags, ctx) =>
      flags.real === undefined && flags.fake === undefined
        ? evaluateRun(folder, flags, ctx)
        : evaluateSets(folder, flags, ctx),
  }).addHelpText("after", about);

const comparisonOf = (flags: Flags, seed: number, threads: number): ComparisonOptions => ({
  features: flags.features as string | undefined,
  extractor: {
    scale: flags.featuresScale as "unit",
    ...(flags.featuresOutput === undefined ? {} : { output: flags.featuresOutput as string }),
  },
  neighbours: flags.neighbours as number,
  infinite: flags.infinite === true,
  ...{ seed, threads },
});

async function evaluateSets(
  folder: string | undefined,
  flags: Flags,
  ctx: Context,
): Promise<Figures> {
  const { real, fake } = flags as { readonly real?: string; readonly fake?: string };
  if (real === undefined || fake === undefined || folder !== undefined) {
    throw new ReparamError(
      "eval takes a run, or two sets: --real SAMPLES --fake SAMPLES. Give both, and no run beside them.",
    );
  }
  if (flags.channels !== undefined && flags.channels !== 1 && flags.channels !== 3) {
    throw new ReparamError("--channels must be 1 or 3.");
  }
  const { openSets } = await import("./sample-sets.ts");
  const { compareSamples } = await import("./sample-comparison.ts");
  const seed = (flags.seed as number | undefined) ?? 0;
  const sets = await openSets(
    real,
    fake,
    {
      split: flags.split as SplitName,
      limit: flags.limit as number | undefined,
      imageSize: flags.imageSize as number | undefined,
      channels: flags.channels as 1 | 3 | undefined,
      seed,
    },
    ctx,
  );
  return compareSamples(sets, comparisonOf(flags, seed, flags.threads as number), ctx);
}

async function evaluateRun(
  folder: string | undefined,
  flags: Flags,
  ctx: Context,
): Promise<Figures> {
  if (folder === undefined) {
    throw new ReparamError("eval takes a run, or two sets: --real SAMPLES --fake SAMPLES.");
  }
  const samples = flags.samples as number | undefined;
  const run = await openTrained(
    folder,
    ctx,
    samples === undefined ? {} : { boundSamples: samples },
  );
  const { method, definition, dataset, config } = run;
  if (samples !== undefined && !("boundSamples" in definition.options.shape)) {
    throw new ReparamError(`--samples: ${method.name} has no importance-weighted bound.`);
  }
  const split = flags.split as SplitName;
  const seed = (flags.seed as number | undefined) ?? config.seed;
  const bySamples = (flags.sampleMetrics as boolean | undefined) ?? definition.judgedBySamples;
  const results = await functionFigures(run, split, seed, flags, ctx);
  if (Object.keys(results).length === 0 && bySamples !== true) {
    throw new ReparamError(`${method.name} has nothing to evaluate.`);
  }
  const found = { run: folder, split, seed, ...results };
  if (bySamples !== true) return found;
  const { drawnSet, splitSet } = await import("./sample-sets.ts");
  const { compareSamples, extractorName } = await import("./sample-comparison.ts");
  const limit = flags.limit as number | undefined;
  const real = splitSet(await shownData(dataset, config), config.data.name, split, limit);
  const options = comparisonOf(flags, seed, config.threads);
  if (
    flags.sampleMetrics !== true &&
    extractorName(options.features, { real, fake: real }) === undefined
  ) {
    ctx.note(
      "No features are shipped for these images: name an extractor by --features to compare samples.",
    );
    return found;
  }
  const fake = await drawnSet(run, real.samples.shape[0] as number, seed);
  return { ...found, samples: await compareSamples({ real, fake }, options, ctx) };
}

/** What `evaluate` and `bound` of the method give on a split. */
async function functionFigures(
  { method, weights, config, dataset }: Awaited<ReturnType<typeof openTrained>>,
  split: SplitName,
  seed: number,
  flags: Flags,
  ctx: Context,
): Promise<Record<string, Evaluation>> {
  const { compileFunction, evaluateSplit } = await import("../run/index.ts");
  const { takeSamples } = await import("../data/index.ts");
  const rows = Math.min(dataset[split].length, (flags.limit as number | undefined) ?? Infinity);
  const chosen = takeSamples(
    dataset[split],
    Uint32Array.from({ length: rows }, (_, i) => i),
  );
  const wanted = (["evaluate", "bound", "likelihood"] as const).filter(
    (each) =>
      offers(method, each) &&
      (each !== "bound" || flags.bound !== false) &&
      (each !== "likelihood" || flags.likelihood === true),
  );
  if (flags.likelihood === true && !wanted.includes("likelihood")) {
    throw new ReparamError(`--likelihood: ${method.name} has no probability flow. Leave it out.`);
  }
  const results: Record<string, Evaluation> = {};
  for (const each of wanted) {
    const options =
      each === "likelihood" && flags.tolerance !== undefined
        ? { options: { tolerance: flags.tolerance } }
        : {};
    const compiled = await compileFunction(method, each, weights, {
      ...{ threads: config.threads, ...options },
    });
    const result = await evaluateSplit(compiled, chosen, { seed, onProgress: counter(ctx, each) });
    await compiled.release();
    results[each] = result;
    ctx.say(evaluationLine(split, result));
    if (each !== "evaluate") ctx.say(`  ${compiled.definition.summary}`);
  }
  return results;
}

/** Shows how far a long evaluation is, on a terminal. */
function counter({ terminal }: Context, name: string): (done: number, total: number) => void {
  const { stderr } = terminal;
  if (stderr.isTTY !== true) return () => undefined;
  return (done, total) => {
    stderr.write(done === total ? "\r\u001b[K" : `\r\u001b[K${name} ${done}/${total}`);
  };
}
