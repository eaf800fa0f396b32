import { type Command, Option } from "commander";
import { ReparamError, type Tensor } from "../tensor/index.ts";
import { splitOf } from "./encode.ts";
import { openTrained } from "./runs.ts";
import type { Context } from "./terminal.ts";
import { addVerb, type Figures, integerOption } from "./verb.ts";

export const addMapVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "map <run>",
    description:
      "Draws the vectors that a run's encoder makes as points of a plane, in colours by class.",
    examples: [
      "map runs/deep-infomax-fashion-mnist-1",
      "map runs/gaussian-vae-mnist-1 --by umap --limit 2000 --out umap.png",
    ],
    options: [
      new Option("--by <name>", "principal components, or neighbours")
        .choices(["pca", "umap"])
        .default("pca"),
      new Option(
        "--data <split>",
        "train, validation or test of the run's data, or other data",
      ).default("test"),
      new Option("--output <name>", "which output of the encoder").default("latent"),
      integerOption("--limit <n>", "at most this many samples").default(2000),
      integerOption(
        "--neighbours <n>",
        "of umap: neighbours that decide a point's place",
        2,
      ).default(15),
      integerOption("--seed <n>", "of umap", 0).default(0),
      new Option("--out <file>", "picture to write").default("map.png"),
    ],
    action: ([folder = ""], flags, ctx) => drawMap(folder, flags, ctx),
  });

async function drawMap(
  folder: string,
  flags: Readonly<Record<string, unknown>>,
  context: Context,
): Promise<Figures> {
  const { compileFunction, mapSplit, writeAtomic } = await import("../run/index.ts");
  const { takeSamples } = await import("../data/index.ts");
  const { neighbourMap, principalMap } = await import("../metrics/index.ts");
  const { scatterPlot, svgToPng } = await import("../report/index.ts");
  const run = await openTrained(folder, context);
  const { split } = await splitOf(run, flags.data as string);
  const count = Math.min(split.length, flags.limit as number);
  const some = takeSamples(
    split,
    Uint32Array.from({ length: count }, (_, i) => i),
  );
  if (run.method.functions.encode === undefined) {
    throw new ReparamError(
      `${run.definition.name} has no encoder. Use a run of a method with one.`,
    );
  }
  const encode = await compileFunction(run.method, "encode", run.weights, {
    threads: run.config.threads,
  });
  const outputs = await mapSplit(encode, some);
  await encode.release();
  const vectors = vectorsOf(outputs, flags.output as string);
  const map =
    flags.by === "umap"
      ? await neighbourMap(vectors, {
          ...{ neighbours: flags.neighbours as number, seed: flags.seed as number },
        })
      : principalMap(vectors);
  const { classes } = run.dataset;
  const label = some.columns.label?.data as ArrayLike<number> | undefined;
  const names = label && Array.from(label, (at) => classes?.[at] ?? at);
  const [x, y] = [0, 1].map((axis) =>
    Array.from({ length: count }, (_, row) => Number(map.points.data[2 * row + axis])),
  ) as [number[], number[]];
  const axis = (i: 0 | 1): string =>
    map.shares === undefined
      ? `umap ${i + 1}`
      : `component ${i + 1} (${(100 * map.shares[i]).toFixed(1)} % of the variance)`;
  const svg = scatterPlot({
    title: `${run.definition.name}: ${flags.output} of ${count} samples`,
    ...{ width: 760, height: 560, x: { label: axis(0) }, y: { label: axis(1) }, points: { x, y } },
    ...(names && { classes: names }),
  });
  const out = flags.out as string;
  await writeAtomic(out, await svgToPng(svg));
  context.say(`${out}: ${flags.by} of ${count} vectors of ${vectors.shape[1]} numbers`);
  return { run: folder, file: out, by: flags.by, samples: count, shares: map.shares };
}

/** Vectors [N, D] of an output [N, …]. */
function vectorsOf(outputs: Readonly<Record<string, Tensor>>, name: string): Tensor {
  const found = outputs[name];
  if (found === undefined) {
    throw new ReparamError(`--output ${name}: the encoder has ${Object.keys(outputs).join(", ")}.`);
  }
  const [rows = 0] = found.shape;
  return { ...found, shape: [rows, found.data.length / Math.max(1, rows)] } as Tensor;
}
