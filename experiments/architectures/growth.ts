// Trainings of progressive and style-based generators, shared by two experiments.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { type Tensor, type TrainedModel, train } from "reparam";
import { decodeNpy, encodeNpy } from "reparam/data";
import {
  compileDefinition,
  directions,
  mixing,
  openLatentSpace,
  type Snapshot,
  sampleRows,
  truncationGrid,
} from "../../src/run/index.ts";
import { processorSeconds } from "../figures/cells.ts";
import { quick, rootOf, sized } from "../figures/command-line.ts";
import type { Figures } from "../figures/judge.ts";
import { dataset, judge, likeliest, samplesOf, scalarOf, threads } from "./digits.ts";
import { cell, drawGrid } from "./grid.ts";

/** Steps at each size before the last, and at that. */
export const [sizeSteps, lastSteps] = sized([2, 2], [300, 600], [5000, 20_000]);
export const batchSize = sized(8, 16, 64);
export const network = {
  ...sized({ width: 2, latents: 4 }, { width: 8, latents: 32 }, { width: 32, latents: 128 }),
  // Those of the papers but for the rate and the moving average, which are for long trainings.
  ...{ learningRate: 2.5e-3, average: 0.99 },
  ...{ penalty: "r1", penaltyWeight: 10, penaltyEvery: 4 },
} as const;

/** Distances of styles from their average at which precision and recall are measured. */
export const truncations = quick ? [0.5, 1] : [0.25, 0.5, 0.75, 1, 1.25];

export type GrowthFigures = Figures & {
  readonly digits: number;
  readonly seconds: number;
  readonly steps: number;
  readonly curve: readonly Figures[];
};

export interface GrowthCell {
  readonly architecture: "progressive" | "style";
  readonly growing: boolean;
  /** Steps at the last size. */
  readonly steps: number;
}

export const folderOf = ({ architecture, growing }: GrowthCell, seed: number): string =>
  `${rootOf("growth")}/${architecture}-${growing ? "growing" : "direct"}-seed${seed}`;

/** Trains, judges the samples, and keeps what pictures need. */
export const growthCell = (
  setting: GrowthCell,
  seed: number,
): Promise<GrowthFigures | undefined> => {
  const folder = folderOf(setting, seed);
  return cell(folder, async () => {
    const { architecture, growing, steps } = setting;
    const options = { ...network, architecture, growing, sizeSteps };
    const { result, seconds } = await processorSeconds(() =>
      trained(folder, { steps, seed, batchSize, options }),
    );
    const { model, last } = result;
    if (architecture === "style") await drawStyles(model, folder);
    const curve: Figures[] = [];
    for (const truncation of model.method.functions.map === undefined ? [] : truncations) {
      const samples = await samplesOf(model, judge.images, { truncation: scalarOf(truncation) });
      const { figures } = await judge.compare(samples);
      curve.push(figures);
    }
    const { figures, logits } = await judge.compare(await samplesOf(model, judge.images));
    const digits = new Set(likeliest(logits)).size;
    await drawGrid(folder, "samples", await samplesOf(model, 64), 8);
    return { ...figures, digits, seconds, steps: last, curve };
  });
};

async function trained(
  folder: string,
  settings: { steps: number; seed: number; batchSize: number; options: object },
): Promise<{ model: TrainedModel; last: number }> {
  let last = 0;
  const every = Math.max(2, Math.round(sizeSteps / 4));
  const model = await train("gan", {
    ...{ ...settings, data: dataset, folder, threads },
    options: settings.options as Record<string, unknown>,
    snapshots: { every, take: (snapshot) => keep(folder, snapshot) },
    onProgress: ({ step }) => {
      last = step;
    },
  });
  return { model, last };
}

/** What the latent tools show of a model with styles. */
async function drawStyles({ method, weights }: TrainedModel, folder: string): Promise<void> {
  const open = (truncation: number) =>
    openLatentSpace(method, weights, { threads, truncation, seed: 2 });
  const space = await open(0.8);
  const mixed = await mixing(space, { rows: 2, columns: 9 });
  await drawGrid(folder, "mixing", mixed.images, mixed.columns);
  const found = await directions(space, { rows: 3, columns: 9 });
  await drawGrid(folder, "directions", found.images, found.columns);
  await space.release();
  const truncated = await truncationGrid(open, [0, ...truncations], 10);
  await drawGrid(folder, "truncation", truncated.images, truncated.columns);
}

/** Eight samples of the same noise, as an array in the folder: a resumed training goes on with them. */
async function keep(folder: string, { phase, step, weights }: Snapshot): Promise<void> {
  const sample = phase.sample;
  if (sample === undefined) return;
  const compiled = await compileDefinition("sample", sample, weights());
  const { image } = await sampleRows(compiled, 8, { seed: 3 });
  await compiled.release();
  const name = `${folder}/step-${String(step).padStart(6, "0")}-${phase.name}.npy`;
  await writeFile(name, encodeNpy(image as Tensor));
}

/** The kept samples of a training below each other, all at the largest side. */
export async function growthPicture(folder: string): Promise<Tensor> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".npy")).sort();
  const rows = await Promise.all(
    files.map(async (file) => decodeNpy(new Uint8Array(await readFile(`${folder}/${file}`)), file)),
  );
  const side = Math.max(...rows.map(({ shape }) => shape[2] as number), 32);
  const size = side * side;
  const data = new Float32Array(rows.length * 8 * size);
  for (const [r, { shape, data: pixels }] of rows.entries()) {
    const own = shape[2] as number;
    // Sides that do not divide are the data's own, without the margin.
    const scale = Math.floor(side / own);
    const margin = Math.floor((side - own * scale) / 2);
    for (let image = 0; image < 8; image++) {
      for (let i = 0; i < own * scale * own * scale; i++) {
        const [y, x] = [Math.floor(i / (own * scale)), i % (own * scale)];
        const from = (image * own + Math.floor(y / scale)) * own + Math.floor(x / scale);
        const to = (r * 8 + image) * size + (y + margin) * side + x + margin;
        data[to] = Number(pixels[from]);
      }
    }
  }
  return { dtype: "float32", shape: [rows.length * 8, 1, side, side], data };
}

/** A few steps of the progressive networks at their last size, for their time. */
export const trainDirect = (steps: number): Promise<TrainedModel> =>
  train("gan", {
    ...{ data: dataset, steps, batchSize, threads },
    options: { ...network, architecture: "progressive", growing: false },
  });
