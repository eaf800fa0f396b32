// Progressive growing against training the same networks at their last size from the start, at equal processor time.
// npx tsx experiments/progressive.ts [--quick | --full] [--seeds 0,1,2] [--data FOLDER] [--threads N] [--minutes N] [--markdown] [--json]
// Cells that are done are read from runs/experiments/growth and not trained again; one that was killed goes on. The
// pictures are written into runs/experiments/progressive.

import { dataset, judge } from "./architectures/digits.ts";
import { cell, drawGrid, grid, rowsOf } from "./architectures/grid.ts";
import {
  batchSize,
  folderOf,
  type GrowthCell,
  growthCell,
  growthPicture,
  lastSteps,
  network,
  sizeSteps,
  trainDirect,
} from "./architectures/growth.ts";
import { processorSeconds } from "./figures/cells.ts";
import { printJson, quick, rootOf, seeds, sized, table } from "./figures/command-line.ts";

const growing: GrowthCell = { architecture: "progressive", growing: true, steps: lastSteps };

const settings = [{ name: "growing" }, { name: "direct, equal time" }] as const;
const { cells, missing } = await grid(settings, async ({ name }, seed) => {
  const grown = await growthCell(growing, seed);
  if (name === "growing" || grown === undefined) return grown;
  const steps = await directSteps(grown.seconds);
  return steps === undefined ? undefined : growthCell({ ...growing, growing: false, steps }, seed);
});
await judge.release();

/** As many steps at the last size as take this many seconds, by the time of a few of them. */
async function directSteps(seconds: number): Promise<number | undefined> {
  const measured = await cell(`${rootOf("progressive")}/seconds-a-step`, async () => {
    const few = sized(2, 20, 50);
    await trainDirect(few);
    const { seconds: short } = await processorSeconds(() => trainDirect(few));
    const { seconds: longer } = await processorSeconds(() => trainDirect(3 * few));
    // What begins a training is in both.
    return { seconds: Math.max((longer - short) / (2 * few), 1e-3) };
  });
  return measured === undefined
    ? undefined
    : Math.max(sized(2, 2, 2), quick ? 2 : Math.round(seconds / measured.seconds));
}

const { head, rows } = rowsOf(cells, [
  ["Fréchet distance", 2, (f) => f.frechetDistance],
  ["precision", 3, (f) => f.precision],
  ["recall", 3, (f) => f.recall],
  ["coverage", 3, (f) => f.coverage],
  ["digits", 1, (f) => f.digits],
  ["steps", 0, (f) => f.steps],
  ["processor s", 0, (f) => f.seconds],
]);
console.log(table(head, rows));
console.log(
  `${dataset.name} padded to 32×32; width ${network.width}, ${network.latents} latents, batches of ${batchSize}; ${sizeSteps} steps each at 4, 8 and 16 pixels, half of them fading in, and ${lastSteps} at 32; ${judge.images} samples against as many test images in the features of mnist.onnx (SHA-256 ${judge.sha256}); mean ± standard deviation over seeds ${seeds.join(", ")}; ${missing} cells missing`,
);
if (cells.growing !== undefined) {
  const folder = folderOf(growing, seeds[0] as number);
  await drawGrid(rootOf("progressive"), "growth", await growthPicture(folder), 8);
}
printJson({ seeds, sizeSteps, lastSteps, cells });
