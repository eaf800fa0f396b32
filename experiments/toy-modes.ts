// Modes covered and share of good samples of points in the plane: a ring of 8, a grid of 25, a spiral, for objectives
// and regularizations at the same settings.
// npx tsx experiments/toy-modes.ts [--quick] [--full] [--json] [--threads 1] [--minutes 20]
// Cells that are done are read from runs/experiments/toy-modes and not trained again; one that was killed goes on.
// Without --quick its pictures are written to docs/results.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { compileFunction, drawSamples, loadDataset, sampleRows, type Tensor, train } from "reparam";
import { decodeNpy, encodeNpy } from "reparam/data";
import { modeFigures, slicedWasserstein } from "reparam/metrics";
import { markdownTable } from "reparam/report";
import { cellOf, processorSeconds } from "./figures/cells.ts";
import { full, late, numberOf, printJson, quick, rootOf, seeds } from "./figures/command-line.ts";
import { spreadOfSeveral } from "./figures/spread.ts";
import { type Cell, gridOf } from "./toy-modes/setting.ts";

const threads = numberOf("threads", 1);
const root = rootOf("toy-modes", { fullAdds: true });
const docs = quick ? root : "docs/results";
const steps = quick ? 20 : 3000;
const batchSize = 256;
const network = { latents: 2, width: 128, layers: 3, learningRate: 1e-3 };
const drawn = quick ? 250 : 2500;
const cells = quick ? gridOf(false).slice(0, 2) : gridOf(full);

interface Figures {
  readonly covered: number;
  readonly modes: number;
  readonly good: number;
  readonly slicedWasserstein: number;
  readonly seconds: number;
  readonly failed: boolean;
}

const folderOf = ({ data, loss, way }: Cell, seed: number): string =>
  `${root}/${data}-${loss}-${way.name.replace(/[^\w.]+/g, "-")}-seed${seed}`;

/** Trains one cell and draws from it; a training that diverges has no modes. */
const run = (cell: Cell, seed: number): Promise<Figures> =>
  cellOf(folderOf(cell, seed), async () => {
    const folder = folderOf(cell, seed);
    const dataset = await loadDataset(cell.data, quick ? { toySize: 1000 } : {});
    const { modes } = dataset;
    if (modes === undefined) throw new Error(`${cell.data} has no modes`);
    const nothing = { covered: 0, modes: modes.modes.length, good: 0, slicedWasserstein: 0 };
    const options = { ...network, loss: cell.loss, ...cell.way.options };
    const { result: model, seconds } = await processorSeconds(() =>
      train("gan", { data: dataset, folder, threads, steps, batchSize, seed, options }).catch(
        (error: Error) => {
          if (/finite/.test(error.message)) return undefined;
          throw error;
        },
      ),
    );
    if (model === undefined) return { ...nothing, seconds, failed: true };
    const sample = await compileFunction(model.method, "sample", model.weights, { threads });
    const { x } = (await sampleRows(sample, drawn, { seed: 1 })) as { x: Tensor };
    await sample.release();
    await writeFile(`${folder}/samples.npy`, encodeNpy(x));
    const { counts: _, ...found } = modeFigures(x, modes);
    const real = dataset.test.columns.x as { data: Float32Array<ArrayBuffer> };
    const rows = Math.min(drawn, dataset.test.length);
    const points: Tensor = {
      dtype: "float32",
      shape: [rows, 2],
      data: real.data.subarray(0, 2 * rows),
    };
    return { ...found, slicedWasserstein: slicedWasserstein(points, x), seconds, failed: false };
  });

const found: Record<string, Figures[]> = {};
const nameOf = ({ data, loss, way }: Cell): string => `${data}, ${loss}, ${way.name}`;
/** The ring by the first objective, for all seeds, before everything else; then whole seeds. */
const isFirst = ({ data, loss }: Cell): boolean =>
  data === "eight-gaussians" && loss === "non-saturating";
for (const part of [cells.filter(isFirst), cells.filter((cell) => !isFirst(cell))]) {
  for (const seed of seeds) {
    for (const cell of part) {
      const done = existsSync(`${folderOf(cell, seed)}/figures.json`);
      if (late() && !done) continue;
      console.error(`${nameOf(cell)}, seed ${seed} …`);
      found[nameOf(cell)] = [...(found[nameOf(cell)] ?? []), await run(cell, seed)];
    }
  }
}

const columns = ["data", "objective", "regularization", "modes covered", "good samples %"];
const head = [...columns, "sliced Wasserstein", "processor seconds", "seeds"];
const rows = cells.flatMap((cell) => {
  const all = found[nameOf(cell)] ?? [];
  if (all.length === 0) return [];
  const column = (pick: (figures: Figures) => number, digits: number): string =>
    spreadOfSeveral(all.map(pick), digits);
  const failed = all.filter((each) => each.failed).length;
  return [
    [
      ...[cell.data, cell.loss, cell.way.name],
      `${column((f) => f.covered, 1)} of ${all[0]?.modes}`,
      column((f) => 100 * f.good, 1),
      column((f) => f.slicedWasserstein, 3),
      column((f) => f.seconds, 0),
      failed === 0 ? String(all.length) : `${all.length}, of which ${failed} diverged`,
    ],
  ];
});

const table = markdownTable(head, rows);
const settings = `${steps} steps of the generator, as many of the discriminator, batches of ${batchSize}, networks of 3 hidden layers of ${network.width}, Adam with learning rate ${network.learningRate}, ${drawn} samples by the averaged generator, seeds ${seeds.join(", ")}; mean ± standard deviation over seeds; ${threads} thread`;
console.log(table);
console.log(settings);

/** Samples of some cells, the first seed's, over the data. */
async function draw(cell: Cell, name: string): Promise<void> {
  const file = `${folderOf(cell, seeds[0] as number)}/samples.npy`;
  if (!existsSync(file)) return;
  const { columns: test } = (await loadDataset(cell.data)).test;
  const data = {
    dtype: "float32",
    shape: [1500, 2],
    data: test.x?.data.subarray(0, 3000),
  } as Tensor;
  const samples = decodeNpy(await readFile(file), file);
  await mkdir(docs, { recursive: true });
  await writeFile(`${docs}/toy-modes-${name}.png`, await drawSamples(samples, { data }));
}

const pictures = [
  ["ring-none", "eight-gaussians", "none"],
  ["ring-r1", "eight-gaussians", "R1, γ = 1"],
  ["ring-spectral", "eight-gaussians", "spectral"],
  ["grid-r1", "grid-25", "R1, γ = 1"],
  ["spiral-r1", "spiral", "R1, γ = 1"],
] as const;
if (!quick) {
  for (const [name, data, way] of pictures) {
    const cell = cells.find(
      (each) => each.data === data && each.way.name === way && each.loss === "non-saturating",
    );
    if (cell !== undefined) await draw(cell, name);
  }
}
printJson({ seeds, steps, batchSize, drawn, cells: found });
