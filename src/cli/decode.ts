import { type Command, Option } from "commander";
import { decodeNpy } from "../data/npy.ts";
import type { Tensor } from "../tensor/index.ts";
import { writeSamples } from "./pictures.ts";
import { openTrained } from "./runs.ts";
import type { Context } from "./terminal.ts";
import { addVerb } from "./verb.ts";

export const addDecodeVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "decode <run>",
    description: "Draws the images or points of latents.",
    examples: ["decode runs/gaussian-vae-mnist-1 --input codes.npy --out decoded.png"],
    options: [
      new Option("--input <file>", "NumPy array of latents, a row a sample").makeOptionMandatory(),
      new Option("--out <file>", "PNG file to write").default("decoded.png"),
      new Option(
        "--npy <file>",
        "what is drawn as a NumPy array as well: images [N, C, H, W] in [0, 1], points [N, D]",
      ),
    ],
    action: async ([folder = ""], flags, ctx) => {
      const { compileFunction, mapSplit, readBytes } = await import("../run/index.ts");
      const { makeSplit } = await import("../data/index.ts");
      const input = flags.input as string;
      const latent = asFloat32(decodeNpy(await readBytes(input), input));
      const { method, weights, config } = await openTrained(folder, ctx);
      const compiled = await compileFunction(method, "decode", weights, {
        threads: config.threads,
      });
      const split = makeSplit({ latent: { ...latent, shape: latent.shape.slice(1) } });
      const outputs = await mapSplit(compiled, split);
      await compiled.release();
      const files = await writeSamples(outputs, {
        png: flags.out as string,
        npy: flags.npy as string | undefined,
      });
      for (const file of files) ctx.say(file);
      return { run: folder, count: split.length, files };
    },
  });

/** NumPy makes float64 by default. */
const asFloat32 = (array: Tensor): Tensor =>
  array.dtype === "float32"
    ? array
    : { dtype: "float32", shape: array.shape, data: Float32Array.from(array.data as never) };
