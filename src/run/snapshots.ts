// Pictures of a training under way: samples of the same noise, so that they can be followed from one to the next.
import { promises as fs } from "node:fs";
import { join } from "node:path";
import { drawSamples, isDrawable, madeBy } from "../report/index.ts";
import { makeFolder, writeAtomic } from "./atomic.ts";
import { compileDefinition } from "./compile-function.ts";
import type { Snapshot, Snapshots } from "./fit.ts";
import { sampleRows } from "./functions.ts";
import type { PictureOptions } from "./pictures.ts";
import type { PictureEntry } from "./run-folder.ts";

const place = "samples/training";
const [shownImages, shownPoints] = [64, 2000];

/**
 * Draws into samples/training of the run's folder: every so many steps, and at the end of phases that say how they are
 * sampled. Nothing where neither is the case, or where the method draws no samples.
 */
export function drawSnapshots(
  options: Omit<PictureOptions, "dataset">,
  every?: number,
): Snapshots | undefined {
  const { method } = options;
  const grows = method.phases.some(({ sample }) => sample !== undefined);
  if (method.functions.sample === undefined || (every === undefined && !grows)) return undefined;
  return {
    every,
    take: async (snapshot) => {
      if (every === undefined && snapshot.phase.sample === undefined) return;
      await drawSnapshot(options, snapshot);
    },
  };
}

async function drawSnapshot(
  { folder, method, threads, seed }: Omit<PictureOptions, "dataset">,
  { phase, step, ended, weights }: Snapshot,
): Promise<void> {
  const sample = phase.sample ?? method.functions.sample;
  if (sample === undefined) return;
  const compiled = await compileDefinition("sample", sample, weights(), { threads });
  try {
    const few = madeBy(await sampleRows(compiled, shownImages, { seed }));
    const made =
      few?.shape.length === 2 ? madeBy(await sampleRows(compiled, shownPoints, { seed })) : few;
    if (made === undefined || !isDrawable(made)) return;
    await makeFolder(join(folder, place));
    const name = `${String(step).padStart(7, "0")}-${phase.name}${ended ? "-end" : ""}.png`;
    const png = await drawSamples(made, made.shape.length === 4 ? { columns: 8 } : {});
    await writeAtomic(join(folder, place, name), png);
  } finally {
    await compiled.release();
  }
}

/** The pictures that were drawn so far, in the order of the training. */
export async function snapshotPictures(folder: string): Promise<PictureEntry[]> {
  const files = await fs.readdir(join(folder, place)).catch(() => [] as string[]);
  return files
    .filter((file) => file.endsWith(".png"))
    .sort()
    .map((file) => {
      const [step = "", ...phase] = file.replace(/(-end)?\.png$/, "").split("-");
      return {
        file: `${place}/${file}`,
        title: `Samples after ${Number(step)} steps`,
        caption: `During ${phase.join("-")}, of the same noise in every picture.`,
      };
    });
}
