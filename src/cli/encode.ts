import { type Command, Option } from "commander";
import type { Dataset, Split } from "../data/index.ts";
import { ReparamError } from "../tensor/index.ts";
import { encodeNpy } from "./npy.ts";
import { loadData, type OpenRun, openTrained } from "./runs.ts";
import type { Context } from "./terminal.ts";
import { addVerb, integerOption } from "./verb.ts";

export const addEncodeVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "encode <run>",
    description: "Writes the latents of data as a NumPy array, a row a sample.",
    examples: [
      "encode runs/gaussian-vae-mnist-1 --data test --out codes.npy",
      "encode runs/gaussian-vae-mnist-1 --data ./photos --out codes.npy --output mean",
    ],
    options: [
      new Option(
        "--data <split>",
        "train, validation or test of the run's data, or other data",
      ).default("test"),
      new Option("--out <file>", "file to write").default("codes.npy"),
      new Option("--output <name>", "which output of the encoder").default("latent"),
      integerOption("--limit <n>", "encode at most this many samples"),
    ],
    action: async ([folder = ""], flags, ctx) => {
      const { compileFunction, mapSplit, rowsOf, writeAtomic } = await import("../run/index.ts");
      const { makeSplit } = await import("../data/index.ts");
      const run = await openTrained(folder, ctx);
      const all = await splitOf(run, flags.data as string);
      const limit = Math.min(all.length, (flags.limit as number | undefined) ?? all.length);
      const columns = Object.entries(rowsOf(all, 0, limit)).map(
        ([name, { dtype, shape, data }]) => [name, { dtype, shape: shape.slice(1), data }],
      );
      const { threads } = run.config;
      const compiled = await compileFunction(run.method, "encode", run.weights, { threads });
      const outputs = await mapSplit(compiled, makeSplit(Object.fromEntries(columns)));
      await compiled.release();
      const name = flags.output as string;
      const codes = outputs[name];
      if (codes === undefined) {
        throw new ReparamError(
          `--output ${name}: the encoder has ${Object.keys(outputs).join(", ")}.`,
        );
      }
      const out = flags.out as string;
      await writeAtomic(out, encodeNpy(codes));
      ctx.say(`${out}: ${name} [${codes.shape.join(", ")}] ${codes.dtype}`);
      return { run: folder, file: out, output: name, shape: codes.shape, dtype: codes.dtype };
    },
  });

/** A split of the run's data by name, or the test split of other data. */
async function splitOf({ dataset, config }: OpenRun, name: string): Promise<Split> {
  if (name === "train" || name === "validation" || name === "test") return dataset[name];
  const { imageSize, channels } = config.data;
  const other: Dataset = await loadData({
    name,
    ...(imageSize === undefined ? {} : { imageSize }),
    ...(channels === undefined ? {} : { channels }),
  });
  return other.test;
}
