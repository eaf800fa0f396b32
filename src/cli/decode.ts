import { type Command, Option } from "commander";
import { decodeNpy } from "../data/npy.ts";
import { allocate, ReparamError, type Tensor, type TensorSpec } from "../tensor/index.ts";
import { decodeRowsJson } from "./json-rows.ts";
import { writeSamples } from "./pictures.ts";
import { openTrained } from "./runs.ts";
import type { Context } from "./terminal.ts";
import { addVerb } from "./verb.ts";

export const addDecodeVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "decode <run>",
    description: "Draws the images or points of latents or tokens.",
    examples: [
      "decode runs/gaussian-vae-mnist-1 --input codes.npy --out decoded.png",
      "decode runs/fsq-mnist-1 --input tokens.jsonl --npy images.npy",
    ],
    options: [
      new Option(
        "--input <file>",
        "NumPy array of latents or tokens, or .jsonl, a row a sample",
      ).makeOptionMandatory(),
      new Option("--out <file>", "PNG file to write").default("decoded.png"),
      new Option(
        "--npy <file>",
        "what is drawn as a NumPy array as well: images [N, C, H, W] in [0, 1], points [N, D]",
      ),
    ],
    action: async ([folder = ""], flags, ctx) => {
      const { compileFunction, mapSplit, readBytes } = await import("../run/index.ts");
      const { makeSplit } = await import("../data/index.ts");
      const file = flags.input as string;
      const bytes = await readBytes(file);
      const { method, weights, config } = await openTrained(folder, ctx);
      const compiled = await compileFunction(method, "decode", weights, {
        threads: config.threads,
      });
      const { inputs } = compiled.definition;
      const name = inputs.tokens === undefined ? "latent" : "tokens";
      const codes = asKind(codesOf(bytes, file, name), inputs[name] as TensorSpec, file);
      const split = makeSplit({ [name]: { ...codes, shape: codes.shape.slice(1) } });
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

const codesOf = (bytes: Uint8Array<ArrayBuffer>, file: string, name: string): Tensor =>
  /\.jsonl$/i.test(file)
    ? decodeRowsJson(new TextDecoder().decode(bytes), name, file)
    : decodeNpy(bytes, file);

/** The same numbers in the dtype that is wanted: NumPy makes float64 and int64 by default. */
function asKind(array: Tensor, { dtype }: TensorSpec, file: string): Tensor {
  if (array.dtype === dtype) return array;
  const data = allocate(dtype, array.data.length);
  for (const [i, value] of array.data.entries()) {
    const number = Number(value);
    if (dtype === "int32" && number !== (number | 0)) {
      throw new ReparamError(`${file}: element ${i} is ${number}, and tokens are whole numbers.`);
    }
    data[i] = number;
  }
  return { dtype, shape: array.shape, data };
}
