import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, cpus, platform } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { devices } from "../onnx/index.ts";
import { ReparamError } from "../tensor/index.ts";
import { readBytes, writeAtomic } from "./atomic.ts";

const count = z.int().positive();

/** `config.json` of a run: everything that its numbers depend on. */
export const runConfigSchema = z.looseObject({
  method: z.string(),
  options: z.record(z.string(), z.unknown()),
  data: z.looseObject({
    /** Name of a known data set, or the absolute path of a folder or a table. */
    name: z.string(),
    validation: z.int().nonnegative().optional(),
    binarize: z.enum(["none", "fixed", "threshold"]).optional(),
    limit: count.optional(),
    imageSize: z.union([count, z.tuple([count, count]).readonly()]).optional(),
    channels: z.union([z.literal(1), z.literal(3)]).optional(),
    unreadable: z.enum(["refuse", "skip"]).optional(),
    unlike: z.enum(["refuse", "skip"]).optional(),
    toySize: count.optional(),
    columns: z.array(z.string()).readonly().optional(),
    ignoreColumns: z.array(z.string()).readonly().optional(),
    labelColumn: z.string().optional(),
    weightColumn: z.string().optional(),
    dtype: z.enum(["float32", "float64"]).optional(),
    terms: count.optional(),
    tokenizer: z.string().optional(),
    /** Absolute path of the run whose latents of images are the data. */
    autoencoder: z.string().optional(),
    /** Absolute path of the run whose pairs of noise and samples are the data, and how many. */
    reflow: z.string().optional(),
    pairs: count.optional(),
    vocabulary: count.optional(),
    context: count.optional(),
    unknownToken: z.boolean().optional(),
    /** Samples of train, validation and test, to notice data that changed since. */
    samples: z.array(z.int().nonnegative()).optional(),
  }),
  seed: z.int().nonnegative(),
  /** Threads of one operator; the last digits of the numbers depend on it. */
  threads: count,
  /** What the steps ran on; `cpu` if absent. */
  device: z.enum(devices).optional(),
  batchSize: count,
  /** Passes through the training data, of every phase whose length the method leaves open. */
  epochs: count.optional(),
  /** Iterations instead of epochs. */
  steps: count.optional(),
  /** Training metrics are logged as means over this many steps. */
  logEvery: count,
  created: z.string(),
  versions: z.record(z.string(), z.string()),
  machine: z.string(),
  command: z.string().optional(),
});

export type RunConfig = z.infer<typeof runConfigSchema>;

export const configFile = (folder: string): string => join(folder, "config.json");

export const writeConfig = (folder: string, config: RunConfig): Promise<void> =>
  writeAtomic(configFile(folder), `${JSON.stringify(config, null, 2)}\n`);

/** Reads and checks a run's config. Throws a ReparamError if the folder is not a run. */
export async function readConfig(folder: string): Promise<RunConfig> {
  const path = configFile(folder);
  const bytes = await readBytes(path).catch((cause: unknown) => {
    if (!(cause instanceof ReparamError)) throw cause;
    throw new ReparamError(
      `${folder} is not the folder of a run: it has no readable config.json.`,
      { cause },
    );
  });
  let content: unknown;
  try {
    content = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new ReparamError(`${path} is not JSON. Restore it, or train again.`);
  }
  const parsed = runConfigSchema.safeParse(content);
  if (!parsed.success)
    throw new ReparamError(`${path} does not fit: ${describeIssues(parsed.error)}.`);
  return parsed.data;
}

/** What a schema complains about, in one line: `temperature: Too small: expected number to be >0`. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`))
    .join("; ");
}

/** Versions of this library, Node and the runtime, as they go into config.json and exports. */
export function versions(): Record<string, string> {
  return {
    reparam: packageVersion(new URL("../../package.json", import.meta.url)),
    node: process.versions.node,
    onnxruntime: runtimeVersion(),
  };
}

const packageVersion = (url: URL | string): string =>
  (JSON.parse(readFileSync(url, "utf8")) as { version: string }).version;

function runtimeVersion(): string {
  try {
    return packageVersion(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  } catch {
    return "not installed";
  }
}

/** Processor and cores, for example `Intel Xeon … × 2, linux x64`. */
export function machine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? "unknown processor";
  return `${model} × ${processors.length}, ${platform()} ${arch()}`;
}
