import { join } from "node:path";
import { ReparamError, type Tensor, tensorOf } from "../tensor/index.ts";
import { shownData } from "./encoded-images.ts";
import { writeSamples } from "./pictures.ts";
import type { openTrained } from "./runs.ts";
import { stepCounter } from "./step-counter.ts";
import type { Context } from "./terminal.ts";
import type { Figures } from "./verb.ts";

/** Parts of an image that can be filled in anew: whether the point (y, x) of 0 … 1 is open. */
const regions: Readonly<Record<string, (y: number, x: number) => boolean>> = {
  left: (_y, x) => x < 0.5,
  right: (_y, x) => x >= 0.5,
  upper: (y) => y < 0.5,
  lower: (y) => y >= 0.5,
  centre: (y, x) => Math.abs(y - 0.5) < 0.25 && Math.abs(x - 0.5) < 0.25,
  outside: (y, x) => Math.abs(y - 0.5) >= 0.25 || Math.abs(x - 0.5) >= 0.25,
};
export const regionNames = Object.keys(regions);

export interface FromDataOptions {
  readonly count: number;
  readonly seed: number;
  readonly options: Readonly<Record<string, unknown>>;
  /** Knobs and classes. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly out: string | undefined;
}

type Run = Awaited<ReturnType<typeof openTrained>>;

const compile = async (
  { method, weights, config }: Run,
  name: "inpaint" | "interpolate",
  about: FromDataOptions,
  onProgress: ReturnType<typeof stepCounter>["onProgress"],
) => {
  const { compileFunction } = await import("../run/index.ts");
  if (method.procedures?.[name] === undefined) {
    throw new ReparamError(
      `--${name} is for diffusion models of ${name === "inpaint" ? "data" : "images"} themselves. Leave it out.`,
    );
  }
  return compileFunction(method, name, weights, {
    ...{ threads: config.threads, options: about.options, onProgress },
  });
};

/** Fills a part of test images in anew: rows of originals, of what was kept, and of the results. */
export async function inpaint(
  run: Run,
  region: string,
  about: FromDataOptions,
  ctx: Context,
): Promise<Figures> {
  const { rowsOf } = await import("../run/index.ts");
  const counter = stepCounter(ctx);
  const compiled = await compile(run, "inpaint", about, counter.onProgress);
  const rows = rowsOf(run.dataset.test, 0, about.count);
  const image = imagesOf(rows);
  const [count = 0, , height = 0, width = 0] = image.shape;
  const isOpen = regions[region] as (y: number, x: number) => boolean;
  const mask = tensorOf(
    Array.from({ length: height * width }, (_, i) =>
      isOpen((Math.floor(i / width) + 0.5) / height, ((i % width) + 0.5) / width) ? 0 : 1,
    ),
    [height, width],
  );
  const label = labelsFor(compiled.definition.inputs, rows);
  const given = { ...label, ...about.inputs, image, mask };
  const filled = (await compiled.run(given, { count, seed: about.seed })).image as Tensor;
  await compiled.release();
  const plane = height * width;
  const shares = Float32Array.from(image.data as Uint8Array, (byte) => byte / 255);
  // What is open is shown in grey.
  const kept = shares.map((v, i) => (mask.data[i % plane] === 1 ? v : 0.5));
  const joined = Float32Array.from([...shares, ...kept, ...(filled.data as Float32Array)]);
  const picture = tensorOf(joined, [3 * count, ...image.shape.slice(1)]);
  const speed = counter.end(count, "images");
  return {
    ...(await written(run, "inpaint", picture, count, about, ctx)),
    ...{ region, ...speed },
  };
}

/** Images between pairs of test images: a row each. */
export async function interpolate(
  run: Run,
  about: FromDataOptions,
  ctx: Context,
): Promise<Figures> {
  const { rowsOf } = await import("../run/index.ts");
  const counter = stepCounter(ctx);
  const compiled = await compile(run, "interpolate", about, counter.onProgress);
  const { count } = about;
  const { test } = await shownData(run.dataset, run.config);
  const rows = rowsOf(test, 0, count);
  const other = imagesOf(rowsOf(test, count, 2 * count));
  const label = labelsFor(compiled.definition.inputs, rows);
  const given = { ...label, ...about.inputs, image: imagesOf(rows), other };
  const { frames } = await compiled.run(given, { count, seed: about.seed });
  await compiled.release();
  const [, columns = 1, ...row] = (frames as Tensor).shape;
  const picture = { ...(frames as Tensor), shape: [count * columns, ...row] };
  const speed = counter.end(count * columns, "images");
  return { ...(await written(run, "interpolate", picture, columns, about, ctx)), ...speed };
}

function imagesOf({ image }: Readonly<Record<string, Tensor>>): Tensor {
  if (image !== undefined) return image;
  throw new ReparamError("the run was not trained on images: it has none to begin from.");
}

/** The classes of the rows, where the model is told them. */
const labelsFor = (
  inputs: Readonly<Record<string, unknown>>,
  { label }: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> => (inputs.label === undefined || label === undefined ? {} : { label });

async function written(
  { folder }: Run,
  name: string,
  image: Tensor,
  columns: number,
  { out, seed, count }: FromDataOptions,
  ctx: Context,
): Promise<Figures> {
  const { makeFolder } = await import("../run/index.ts");
  if (out === undefined) await makeFolder(join(folder, "samples"));
  const png = out ?? join(folder, "samples", `${name}-${seed}.png`);
  const files = await writeSamples({ image }, { png, columns });
  for (const file of files) ctx.say(file);
  return { run: folder, count, seed, files };
}
