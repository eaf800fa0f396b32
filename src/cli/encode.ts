import { statSync } from "node:fs";
import { type Command, Option } from "commander";
import type { Split } from "../data/index.ts";
import { encodeNpy } from "../data/npy.ts";
import { formatDuration, formatNumber } from "../report/table.ts";
import { ReparamError, type Tensor } from "../tensor/index.ts";
import { folderFlags } from "./data-flags.ts";
import { shownData } from "./encoded-images.ts";
import { encodeRowsJson } from "./json-rows.ts";
import { type OpenRun, openTrained, sayLeftOut } from "./runs.ts";
import type { Context } from "./terminal.ts";
import { addVerb, integerOption } from "./verb.ts";

export const addEncodeVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "encode <run>",
    description:
      "Writes the latents or tokens of data as a NumPy array, a CSV table or JSON lines, a row a sample.",
    examples: [
      "encode runs/gaussian-vae-mnist-1 --data test --out codes.npy",
      "encode runs/gaussian-vae-mnist-1 --data ./photos --out codes.npy --unreadable skip",
      "encode runs/gaussian-mixture-penguins-1 --data penguins.csv --out responsibilities.csv",
      "encode runs/fsq-mnist-1 --out tokens.jsonl",
    ],
    options: [
      new Option(
        "--data <split>",
        "train, validation or test of the run's data, or other data",
      ).default("test"),
      new Option("--out <file>", "file to write, .npy, .csv or .jsonl").default("codes.npy"),
      new Option(
        "--output <name>",
        "which output of the encoder (default: latent, or else its first; of a .csv or .jsonl file all)",
      ),
      integerOption("--limit <n>", "encode at most this many samples"),
      ...folderFlags(),
    ],
    action: async ([folder = ""], flags, ctx) => {
      const { compileFunction, mapSplit, writeAtomic } = await import("../run/index.ts");
      const { takeSamples } = await import("../data/index.ts");
      const run = await openTrained(folder, ctx);
      const { split: all, leftOut } = await splitOf(run, flags.data as string, flags);
      sayLeftOut(leftOut, ctx);
      const limit = Math.min(all.length, (flags.limit as number | undefined) ?? all.length);
      const first = takeSamples(
        all,
        Uint32Array.from({ length: limit }, (_, i) => i),
      );
      const { threads } = run.config;
      const compiled = await compileFunction(run.method, "encode", run.weights, { threads });
      const start = performance.now();
      const outputs = await mapSplit(compiled, first);
      const seconds = (performance.now() - start) / 1000;
      await compiled.release();
      const speed = { seconds, rowsPerSecond: first.length / seconds, leftOut };
      const chosen = chosenOutputs(outputs, flags.output as string | undefined);
      ctx.say(
        `${first.length} rows in ${formatDuration(seconds)}: ${formatNumber(speed.rowsPerSecond, 3)} a second, ${threads} threads`,
      );
      const out = flags.out as string;
      if (/\.(csv|jsonl)$/i.test(out)) {
        const { encodeRowsCsv } = await import("../run/index.ts");
        const columns = Object.entries(chosen).map(([name, values]) => ({ name, values }));
        const text = /\.csv$/i.test(out) ? encodeRowsCsv(columns) : encodeRowsJson(chosen);
        await writeAtomic(out, text);
        const names = Object.keys(chosen);
        ctx.say(`${out}: ${names.join(", ")} of ${first.length} rows`);
        return { run: folder, file: out, outputs: names, rows: first.length, ...speed };
      }
      const name = "latent" in chosen ? "latent" : (Object.keys(chosen)[0] as string);
      const codes = chosen[name] as Tensor;
      await writeAtomic(out, encodeNpy(codes));
      ctx.say(`${out}: ${name} [${codes.shape.join(", ")}] ${codes.dtype}`);
      const { shape, dtype } = codes;
      return { run: folder, file: out, output: name, shape, dtype, ...speed };
    },
  });

/** The output of that name, or all of them. */
function chosenOutputs(
  outputs: Readonly<Record<string, Tensor>>,
  name: string | undefined,
): Readonly<Record<string, Tensor>> {
  if (name === undefined) return outputs;
  const found = outputs[name];
  if (found !== undefined) return { [name]: found };
  throw new ReparamError(`--output ${name}: the encoder has ${Object.keys(outputs).join(", ")}.`);
}

interface Chosen {
  readonly split: Split;
  /** Files that are not among its samples, a line each. */
  readonly leftOut: readonly string[];
}

/**
 * A split of the run's data by name, or the test part of other data: all of it where it has none. Images of a folder
 * get the size and the channels of the run's.
 */
export async function splitOf(
  { dataset, config }: OpenRun,
  name: string,
  { unreadable, unlike }: Readonly<Record<string, unknown>> = {},
): Promise<Chosen> {
  if (name === "train" || name === "validation" || name === "test") {
    return { split: (await shownData(dataset, config))[name], leftOut: [] };
  }
  const { imageSize, channels, dtype } = config.data;
  const isFolder = statSync(name, { throwIfNoEntry: false })?.isDirectory() === true;
  const own = isFolder ? dataset.train.columns.image?.shape : undefined;
  const [planes = channels, ...size] = own ?? [];
  // A table has the features of the run's by name; labels and weights are not needed.
  const columns = dataset.names?.x;
  const given = {
    imageSize: size.length === 2 ? size : imageSize,
    ...{ channels: planes, columns: columns && [...columns], dtype, unreadable, unlike },
  };
  const { loadDataset } = await import("../data/index.ts");
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  const other = await loadDataset(name, { ...Object.fromEntries(known), whole: true });
  return { split: other.test, leftOut: other.leftOut ?? [] };
}
