// A diffusion's own pairs of noise and data as training data: `--reflow RUN`.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Dataset } from "../data/index.ts";
import type { RunConfig } from "../run/index.ts";
import { ReparamError } from "../tensor/index.ts";

type Data = RunConfig["data"];

/** Pairs that are drawn where no other number is asked for. */
export const defaultPairs = 10_000;

/** The data of the run that is to draw pairs. */
export async function dataOfReflow({ reflow }: Partial<Data>): Promise<Data | undefined> {
  if (reflow === undefined) return undefined;
  if (!existsSync(join(reflow, "config.json"))) {
    throw new ReparamError(`--reflow ${reflow}: there is no run. Name the folder of one.`);
  }
  const { readConfig } = await import("../run/index.ts");
  const { samples: _, ...data } = (await readConfig(reflow)).data;
  return data;
}

/** The run's data with pairs in place of the training data. */
export async function loadPairs({ reflow = "", pairs = defaultPairs }: Data): Promise<Dataset> {
  const { drawPairs, newestCheckpoint } = await import("../run/index.ts");
  const { openRun } = await import("./runs.ts");
  const { weightsOf } = await import("../step/index.ts");
  const { method, dataset, config } = await openRun(reflow);
  const checkpoint = await newestCheckpoint(reflow);
  if (checkpoint === undefined) {
    throw new ReparamError(`${reflow} has no checkpoint yet. Train it: reparam resume ${reflow}`);
  }
  if ("autoencoder" in dataset) {
    throw new ReparamError(`--reflow ${reflow}: it is of latents, and pairs are of data.`);
  }
  const weights = weightsOf(method, checkpoint.state);
  const train = await drawPairs({ method, weights }, pairs, { threads: config.threads });
  return { ...dataset, train };
}

/** The data of a run that keeps pairs in its folder; undefined for other runs. */
export async function openPairs(
  folder: string,
  load: () => Promise<Dataset>,
): Promise<Dataset | undefined> {
  const { readPairs } = await import("../run/index.ts");
  const train = await readPairs(folder);
  return train && { ...(await load()), train };
}
