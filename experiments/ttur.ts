// Two learning rates or one: Fréchet distance at equal steps of the generator (Heusel et al., "GANs trained by a two
// time-scale update rule converge to a local Nash equilibrium", 2017, section 4).
// npx tsx experiments/ttur.ts [--quick] [--json] [--data fashion-mnist] [--threads 1] [--minutes 20]
// Cells that are done are read from runs/experiments/ttur and not trained again; one that was killed goes on; --minutes 20
// stops after that time, between two cells.
import { existsSync } from "node:fs";
import { loadDataset } from "reparam";
import { markdownTable } from "reparam/report";
import { flag, late, numberOf, printJson, quick, rootOf, seeds } from "./figures/command-line.ts";
import { openJudge } from "./figures/judge.ts";
import { spreadOfSeveral } from "./figures/spread.ts";
import { type ImageFigures, imageCell } from "./gan-regularizers/train-cell.ts";

const data = flag("data") ?? "fashion-mnist";
const threads = numberOf("threads", 1);
const root = rootOf("ttur");
const steps = quick ? 2 : 1000;
const batchSize = quick ? 8 : 64;
const network = { width: quick ? 4 : 16, average: 0.99, penalty: "none" };

/** Learning rates of the generator and the discriminator. */
const rates: readonly (readonly [number, number])[] = [
  [2e-4, 2e-4],
  [4e-4, 4e-4],
  [2e-4, 8e-4],
  [8e-4, 2e-4],
];

const dataset = await loadDataset(data, { validation: 0, ...(quick ? { limit: 64 } : {}) });
const judge = await openJudge(dataset, { classifier: "fashion-mnist", threads, most: 10_000 });
const cells: Record<string, ImageFigures[]> = {};
// Seeds outside: a part of the grid is whole seeds.
for (const seed of seeds) {
  for (const [generator, discriminator] of rates.slice(0, quick ? 2 : 4)) {
    const name = `generator ${generator}, discriminator ${discriminator}`;
    const folder = `${root}/${generator}-${discriminator}-seed${seed}`;
    if (late() && !existsSync(`${folder}/figures.json`)) continue;
    console.error(`${name}, seed ${seed} …`);
    const options = {
      ...network,
      learningRate: generator,
      discriminatorLearningRate: discriminator,
    };
    const figures = await imageCell(folder, judge, {
      ...{ dataset, options, steps, batchSize, seed, threads },
    });
    cells[name] = [...(cells[name] ?? []), figures];
  }
}
await judge.release();

const rows = Object.entries(cells).map(([name, figures]) => {
  const column = (pick: (f: ImageFigures) => number, digits: number): string =>
    spreadOfSeveral(figures.filter(({ failed }) => !failed).map(pick), digits);
  return [
    name,
    column((f) => f.frechetDistance, 3),
    column((f) => 1000 * f.kernelDistance, 1),
    column((f) => f.seconds, 0),
    `${figures.length}, of which ${figures.filter(({ failed }) => failed).length} diverged`,
  ];
});
const head = ["learning rates", "Fréchet distance", "kernel distance ·10³", "processor seconds"];
console.log(markdownTable([...head, "seeds"], rows));
console.log(
  `${data}, dcgan of width ${network.width}, non-saturating, no penalty, ${steps} steps of either player, batches of ${batchSize}; ${judge.images} samples against ${judge.images} test images in 64 features of fashion-mnist.onnx (SHA-256 ${judge.sha256}); seeds ${seeds.join(", ")}, mean ± standard deviation over them; ${threads} thread`,
);
printJson({ seeds, steps, batchSize, images: judge.images, cells });
