import { join } from "node:path";
import { type Command, Option } from "commander";
import type { FunctionInput } from "../step/index.ts";
import { ReparamError, scalar, type Tensor } from "../tensor/index.ts";
import { generate, generationFlags } from "./generate.ts";
import { writeSamples } from "./pictures.ts";
import { type ProcedureFlags, procedureFlags } from "./procedure-flags.ts";
import { openTrained } from "./runs.ts";
import { inpaint, interpolate, regionNames } from "./sample-from-data.ts";
import { saySequences } from "./sequences.ts";
import { stepCounter } from "./step-counter.ts";
import type { Context } from "./terminal.ts";
import { addVerb, type Figures, integerOption } from "./verb.ts";

/** Samples of a picture. */
const shown = 64;
/** Samples whose way is shown by `--frames`. */
const shownRows = 16;

export async function addSampleVerb(program: Command, context: Context): Promise<Command> {
  const procedure = await procedureFlags(context, "sample");
  return addVerb(program, context, {
    usage: "sample <run>",
    description:
      "Draws samples from a trained model into a picture, or continues a text on the terminal.",
    examples: [
      "sample runs/gaussian-vae-mnist-1",
      "sample runs/gaussian-vae-mnist-1 --count 100 --seed 1 --out grid.png --npy samples.npy",
      "sample runs/gaussian-vae-mnist-1 --set temperature=0.7",
      "sample runs/token-prior-fashion-mnist-1 --temperature 0.9 --top-k 100 --set label=3",
      "sample runs/diffusion-fashion-mnist-1 --sampler heun --steps 18 --guidance 2 --frames 8",
      "sample runs/diffusion-fashion-mnist-1 --inpaint lower --count 10",
      'sample runs/gpt-state-of-the-union-1 --prompt "My fellow" --temperature 0.8 --top-k 40',
    ],
    options: [
      integerOption("-n, --count <n>", "number of samples (default: 64, of texts 1)"),
      integerOption("--seed <n>", "of the noise", 0).default(0),
      new Option(
        "--out <file>",
        "PNG file (default: samples/sample-SEED.png of the run), or text file beside the terminal",
      ),
      new Option(
        "--npy <file>",
        "the samples as a NumPy array as well: images [N, C, H, W] in [0, 1], points [N, D]",
      ),
      new Option(
        "--set <name=value>",
        "a knob of the model, for example temperature=0.7; repeatable",
      )
        .default([])
        .argParser((text: string, before: string[]) => [...before, text]),
      new Option(
        "--inpaint <region>",
        "fill in this part of test images, by a diffusion model",
      ).choices(regionNames),
      new Option("--interpolate", "go from test images to others, by a diffusion model"),
      ...procedure.flags,
      ...generationFlags(),
    ],
    action: async ([folder = ""], flags, ctx) =>
      (await generate(folder, flags, ctx)) ?? drawSamples(folder, flags, procedure, ctx),
  });
}

async function drawSamples(
  folder: string,
  flags: Readonly<Record<string, unknown>>,
  procedure: ProcedureFlags,
  ctx: Context,
): Promise<Figures> {
  const { compileFunction, makeFolder, sampleRows } = await import("../run/index.ts");
  const run = await openTrained(folder, ctx);
  const { method, weights, config, dataset } = run;
  const seed = flags.seed as number;
  const options = procedure.parse(flags);
  const chosen = { out: flags.out as string | undefined, npy: flags.npy as string | undefined };
  const knobsOf = (inputs: Readonly<Record<string, FunctionInput>>) => ({
    ...generationKnobs(folder, flags, inputs),
    ...knobs(flags.set as string[], inputs),
  });
  const region = flags.inpaint as string | undefined;
  if (region !== undefined || flags.interpolate === true) {
    const name = region === undefined ? "interpolate" : "inpaint";
    const inputs = knobsOf(method.procedures?.[name]?.inputs ?? {});
    const count = (flags.count as number | undefined) ?? 8;
    const about = { count, seed, inputs, options: options ?? {}, out: chosen.out };
    return region === undefined ? interpolate(run, about, ctx) : inpaint(run, region, about, ctx);
  }
  const count = (flags.count as number | undefined) ?? shown;
  const counter = stepCounter(ctx);
  const compiled = await compileFunction(method, "sample", weights, {
    threads: config.threads,
    ...(options && { options, onProgress: counter.onProgress }),
  });
  const inputs = knobsOf(compiled.definition.inputs);
  const outputs = await sampleRows(compiled, count, { seed, inputs }).finally(() =>
    compiled.release(),
  );
  const speed = counter.end(count, outputs.image === undefined ? "rows" : "images");
  const sequences = await saySequences(outputs, dataset, chosen, ctx);
  if (sequences !== undefined) return { run: folder, count, seed, ...sequences };
  let png = chosen.out;
  if (png === undefined) {
    await makeFolder(join(folder, "samples"));
    png = join(folder, "samples", `sample-${seed}.png`);
  }
  const files = await writeSamples(outputs, { png, npy: chosen.npy });
  if (outputs.frames !== undefined) files.push(...(await writeFrames(outputs.frames, png)));
  for (const file of files) ctx.say(file);
  return { run: folder, count, seed, ...options, ...speed, files };
}

/** Steps on the way of the first samples, a row for each, beside the picture of the samples. */
async function writeFrames(frames: Tensor, png: string): Promise<string[]> {
  const [count = 0, columns = 1, ...row] = frames.shape;
  if (row.length !== 3) throw new ReparamError("--frames is for models of images. Leave it out.");
  const rows = Math.min(count, shownRows);
  const size = frames.data.length / Math.max(1, count);
  const image: Tensor = {
    ...{ dtype: "float32", shape: [rows * columns, ...row] },
    data: (frames.data as Float32Array<ArrayBuffer>).subarray(0, rows * size),
  };
  return writeSamples({ image }, { png: png.replace(/(\.png)?$/i, "-frames.png"), columns });
}

/** Flags that say how text is continued, where the function has a knob of that name. Throws for others. */
function generationKnobs(
  folder: string,
  flags: Readonly<Record<string, unknown>>,
  inputs: Readonly<Record<string, FunctionInput>>,
): Record<string, Tensor> {
  const values: Record<string, Tensor> = {};
  for (const option of generationFlags()) {
    const name = option.attributeName();
    if (flags[name] === undefined) continue;
    const input = inputs[name];
    if (input?.default === undefined) {
      throw new ReparamError(`${option.long}: ${folder} does not generate text. Leave it out.`);
    }
    values[name] = scalar(flags[name] as number, input.dtype);
  }
  return values;
}

/** `["temperature=0.7"]` as inputs of a function. */
function knobs(
  settings: readonly string[],
  inputs: Readonly<Record<string, FunctionInput>>,
): Record<string, Tensor> {
  const isKnob = (input: FunctionInput | undefined): boolean =>
    input?.default !== undefined || input?.classes !== undefined;
  const names = Object.keys(inputs).filter((name) => isKnob(inputs[name]));
  const known = names.length === 0 ? "This model has none" : `Known are ${names.join(", ")}`;
  const values: Record<string, Tensor> = {};
  for (const setting of settings) {
    const [name = "", text = ""] = setting.split("=", 2);
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value)) {
      throw new ReparamError(
        `--set ${setting}: write a name and a number, such as temperature=0.7.`,
      );
    }
    const input = inputs[name];
    if (input === undefined || !names.includes(name)) {
      throw new ReparamError(`--set ${setting}: there is no knob "${name}". ${known}.`);
    }
    values[name] = scalar(value, input.dtype);
  }
  return values;
}
