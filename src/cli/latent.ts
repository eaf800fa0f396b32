import { join } from "node:path";
import { type Command, Option } from "commander";
import { formatNumber } from "../report/table.ts";
import type { LatentGrid, LatentSpace, SpaceOptions } from "../run/index.ts";
import { ReparamError, type Tensor } from "../tensor/index.ts";
import { type OpenRun, openTrained } from "./runs.ts";
import type { Context } from "./terminal.ts";
import { addVerb, type Figures, integerOption, numberOption } from "./verb.ts";

const about = `
WHAT is one of
  interpolate  rows from one latent to another
  classes      the same latents in every class, of a model that is told the class
  truncation   the same latents at --truncations, a row each
  mix          styles of some images taken over by others: coarse, middle, fine (of --architecture style)
  directions   principal directions of the styles, a row each (of --architecture style)
  project      the latent of a real image, by gradient descent; the image is --image FILE or --test NUMBER
Interpolation and projection work for every model that makes images of latents.`;

export const addLatentVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "latent <what> <run>",
    description: "Moves in the latents of a trained model, and draws what comes of it.",
    examples: [
      "latent interpolate runs/gan-mnist-1 --count 6 --columns 10",
      "latent mix runs/gan-fashion-mnist-1",
      "latent truncation runs/gan-mnist-1 --truncations 0.5,1,2,4",
      "latent project runs/gan-mnist-1 --test 7 --steps 300",
      "latent project runs/gan-mnist-1 --image photo.png --npy found.npy",
    ],
    options: [
      integerOption("--count <n>", "rows: latents, takers of styles, or directions (default: 6)"),
      integerOption("--columns <n>", "images a row (default: 9)"),
      integerOption("--seed <n>", "of the latents", 0).default(0),
      new Option(
        "--space <name>",
        "of interpolation and projection (default: w where there are styles)",
      ).choices(["z", "w"]),
      numberOption("--truncation <number>", "of the model's own knob (default: the model's)"),
      new Option("--truncations <list>", "numbers with commas between"),
      integerOption("--label <n>", "class of all images", 0),
      new Option("--image <file>", "image to project"),
      integerOption("--test <n>", "number of the test image to project", 0),
      integerOption("--steps <n>", "of the projection").default(300),
      numberOption("--learning-rate <number>", "of the projection").default(0.05),
      integerOption(
        "--starts <n>",
        "latents from which the projection starts; the best one is kept",
      ).default(8),
      new Option("--layers <how>", "of the projection in w: one style for all layers, or one each")
        .choices(["one", "each"])
        .default("one"),
      new Option("--out <file>", "PNG file (default: samples/latent-WHAT.png of the run)"),
      new Option("--npy <file>", "the projected latent as a NumPy array"),
    ],
    action: ([what = "", folder = ""], flags, ctx) => moveIn(what, folder, flags, ctx),
  }).addHelpText("after", about);

type Flags = Readonly<Record<string, unknown>>;
type Drawn = LatentGrid & { readonly figures?: Figures; readonly lines?: readonly string[] };
type Draw = (at: Opened, flags: Flags) => Promise<Drawn>;

interface Opened {
  readonly run: OpenRun;
  readonly tools: typeof import("../run/index.ts");
  /** The space in which to move. */
  readonly open: (options?: SpaceOptions) => Promise<LatentSpace>;
  readonly size: { rows: number; columns: number; label?: number };
}

const kinds: Readonly<Record<string, Draw>> = {
  interpolate: within(({ tools, size }, space) => tools.interpolation(space, size)),
  classes: within(({ tools, size, run }, space) =>
    tools.classGrid(space, run.method.name, size.rows),
  ),
  truncation: async ({ tools, open, size, run }, flags) => {
    const values = truncationsOf(flags.truncations as string | undefined, run);
    const grid = await tools.truncationGrid(
      (truncation) => open({ truncation }),
      values,
      size.columns,
    );
    return { ...grid, lines: [`rows: truncation ${values.join(", ")}`], figures: { values } };
  },
  mix: within(async ({ tools, size }, space) => {
    const rows = Math.max(1, Math.round(size.rows / 3));
    const { groups, ...grid } = await tools.mixing(space, { ...size, rows });
    const lines = groups.map(
      ({ name, from, to }) => `${name}: layers ${from} to ${to - 1}, ${rows} rows`,
    );
    return { ...grid, lines, figures: { groups } };
  }),
  directions: within(async ({ tools, size }, space) => {
    const { shares, ...grid } = await tools.directions(space, size);
    const percent = shares.map((share) => `${formatNumber(100 * share, 3)} %`).join(", ");
    return { ...grid, lines: [`share of the styles' variance: ${percent}`], figures: { shares } };
  }),
  project: within(project),
};

/** Opens the space, and closes it afterwards. */
function within(draw: (at: Opened, space: LatentSpace, flags: Flags) => Promise<Drawn>): Draw {
  return async (at, flags) => {
    const space = await at.open();
    try {
      return await draw(at, space, flags);
    } finally {
      await space.release();
    }
  };
}

async function moveIn(what: string, folder: string, flags: Flags, ctx: Context): Promise<Figures> {
  const draw = kinds[what];
  if (draw === undefined) {
    throw new ReparamError(`latent ${what}: write one of ${Object.keys(kinds).join(", ")}.`);
  }
  const run = await openTrained(folder, ctx);
  const tools = await import("../run/index.ts");
  const { seed, space, truncation, label } = flags as Record<string, never>;
  const common = { seed, space, truncation, threads: run.config.threads };
  const count = (flags.count as number | undefined) ?? 6;
  const columns = (flags.columns as number | undefined) ?? 9;
  const {
    images,
    columns: width,
    figures = {},
    lines = [],
  } = await draw(
    {
      ...{ run, tools, size: { rows: count, columns, ...(label === undefined ? {} : { label }) } },
      open: (options) => tools.openLatentSpace(run.method, run.weights, { ...common, ...options }),
    },
    flags,
  );
  const { encodePng, imageGrid } = await import("../report/index.ts");
  const file = (flags.out as string | undefined) ?? join(folder, "samples", `latent-${what}.png`);
  if (flags.out === undefined) await tools.makeFolder(join(folder, "samples"));
  await tools.writeAtomic(file, await encodePng(imageGrid(images, { columns: width, scale: 2 })));
  for (const line of lines) ctx.say(line);
  ctx.say(file);
  return { run: folder, file, images: images.shape[0], columns: width, ...figures };
}

/** `0.5,1,2` as numbers; for styles, whose truncation is a share, others by default. */
function truncationsOf(text: string | undefined, { method }: OpenRun): number[] {
  if (method.functions.sample?.inputs.truncation === undefined) {
    throw new ReparamError(`${method.name} has no knob "truncation".`);
  }
  const styled = method.functions.map !== undefined;
  if (text === undefined) return styled ? [0, 0.25, 0.5, 0.75, 1, 1.25] : [0.1, 0.5, 1, 1.5, 2, 4];
  const values = text.split(",").map(Number);
  if (text.trim() === "" || values.some((value) => !(Number.isFinite(value) && value >= 0))) {
    throw new ReparamError(`--truncations ${text}: write numbers of at least 0, such as 0.5,1,2.`);
  }
  return values;
}

async function project({ run, tools }: Opened, space: LatentSpace, flags: Flags): Promise<Drawn> {
  const target = await targetOf(run, flags);
  const steps = flags.steps as number;
  const shown = [0, 0.05, 0.15, 0.4].map((share) => Math.round(share * steps));
  const starts = await tools.projectionStarts(space, {
    ...{ count: flags.starts as number, layers: flags.layers as "one" | "each" },
    label: (flags.label as number | undefined) ?? 0,
  });
  const { latent, image, error, path } = await space.project(target, {
    ...{ steps, shown, starts, label: (flags.label as number | undefined) ?? 0 },
    learningRate: flags.learningRate as number,
  });
  const npy = flags.npy as string | undefined;
  if (npy !== undefined) {
    const { encodeNpy } = await import("../data/npy.ts");
    await tools.writeAtomic(npy, encodeNpy(latent));
  }
  const peak = -10 * Math.log10(Math.max(error, 1e-12));
  const images = tools.stackRows([target, ...path, image]);
  return {
    ...{ images, columns: images.shape[0] as number },
    lines: [
      `the image, then the best of ${starts.shape[0]} latents after ${shown.join(", ")} and ${steps} steps`,
      `squared error ${formatNumber(error, 3)} a pixel, PSNR ${formatNumber(peak, 3)} dB, in ${space.name}`,
    ],
    figures: { space: space.name, squaredError: error, psnr: peak, steps, ...(npy && { npy }) },
  };
}

/** The image of --image or --test, [1, C, H, W] in [0, 1]. */
async function targetOf({ dataset }: OpenRun, flags: Flags): Promise<Tensor> {
  const file = flags.image as string | undefined;
  const number = flags.test as number | undefined;
  if ((file === undefined) === (number === undefined)) {
    throw new ReparamError("project wants one image: --image FILE, or --test NUMBER.");
  }
  const { rowsOf } = await import("../run/index.ts");
  const chosen = number ?? 0;
  if (chosen >= dataset.test.length) {
    throw new ReparamError(`--test ${chosen}: there are ${dataset.test.length} test images.`);
  }
  const { image } = rowsOf(dataset.test, chosen, chosen + 1);
  if (image === undefined) throw new ReparamError("the run's data has no images to project.");
  const [, channels, height, width] = image.shape as [number, 1 | 3, number, number];
  const { decodeImages } = await import("../data/image-files.ts");
  const bytes =
    file === undefined ? image.data : await decodeImages([file], { channels, height, width });
  const data = Float32Array.from(bytes as Uint8Array, (byte) => byte / 255);
  return { dtype: "float32", shape: image.shape, data };
}
