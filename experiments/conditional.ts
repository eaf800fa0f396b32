// The parts of BigGAN added one at a time to a residual network that is told the class, and its truncation curve.
// npx tsx experiments/conditional.ts [--quick | --full] [--seeds 0,1,2] [--data FOLDER] [--threads N] [--minutes N] [--markdown] [--json]
// Cells that are done are read from runs/experiments/conditional; one that was killed goes on. Pictures are written there.

import { writeFile } from "node:fs/promises";
import { type Tensor, type TrainedModel, train } from "reparam";
import { linePlot, svgToPng } from "reparam/report";
import { parts, truncations } from "./architectures/conditional-parts.ts";
import { dataset, judge, likeliest, samplesOf, scalarOf, threads } from "./architectures/digits.ts";
import { cell, drawGrid, grid, rowsOf } from "./architectures/grid.ts";
import { processorSeconds } from "./figures/cells.ts";
import { printJson, quick, rootOf, seeds, sized, table } from "./figures/command-line.ts";
import type { Figures } from "./figures/judge.ts";
import { meanOf, spread } from "./figures/spread.ts";

const root = rootOf("conditional");
const network = {
  ...{ architecture: "resnet", conditional: true, average: 0.98, learningRate: 1e-3 },
  ...sized({ width: 4, latents: 6 }, { width: 8, latents: 24 }, { width: 128, latents: 120 }),
};
const steps = sized(2, 600, 50_000);
const batchSize = sized(8, 16, 64);
const chosen = quick ? [parts[0], parts[parts.length - 1]] : parts;

type Cell = Figures & {
  /** Share of samples that the classifier puts into the class they were asked for; of all, and by class. */
  readonly asked: number;
  readonly askedByClass: readonly number[];
  readonly seconds: number;
  readonly curve: readonly (Figures & { readonly asked: number })[];
};

const classes = dataset.classes?.length ?? 10;

/** Figures of samples whose classes are 0, 1, … in turn within chunks of what `sample` makes at once. */
async function judged(model: TrainedModel, truncation: number) {
  // A multiple of the classes, so that every chunk begins with class 0.
  const count = judge.images - (judge.images % classes);
  const label = Int32Array.from({ length: count }, (_, i) => i % classes);
  const images = await classesInTurn(model, count, truncation);
  const { figures, logits } = await judge.compare(images);
  const found = likeliest(logits);
  const byClass = Array.from({ length: classes }, (_, k) => {
    const own = found.filter((_, i) => label[i] === k);
    return own.filter((each) => each === k).length / own.length;
  });
  return { ...figures, asked: meanOf(byClass), askedByClass: byClass };
}

/** Rows of all classes in turn: a pass for each class, woven. */
async function classesInTurn(
  model: TrainedModel,
  count: number,
  truncation: number,
): Promise<Tensor> {
  const each = count / classes;
  const passes: Tensor[] = [];
  for (let k = 0; k < classes; k++) {
    const label: Tensor = { dtype: "int32", shape: [], data: Int32Array.of(k) };
    passes.push(await samplesOf(model, each, { label, truncation: scalarOf(truncation) }));
  }
  const [first] = passes as [Tensor];
  const size = first.data.length / each;
  const woven = new Float32Array(count * size);
  for (let i = 0; i < count; i++) {
    const from = Math.floor(i / classes) * size;
    const { data: pixels } = passes[i % classes] as Tensor;
    woven.set((pixels as Float32Array).subarray(from, from + size), i * size);
  }
  return { dtype: "float32", shape: [count, ...first.shape.slice(1)], data: woven };
}

const { cells, missing } = await grid(chosen as typeof parts, ({ name, options, last }, seed) => {
  const folder = `${root}/${name.replaceAll(/\W+/g, "-")}-seed${seed}`;
  return cell<Cell>(folder, async () => {
    const { result: model, seconds } = await processorSeconds(() =>
      train("gan", {
        ...{ data: dataset, seed, folder, threads, steps, batchSize },
        options: { ...network, ...options },
      }),
    );
    const curve: Cell["curve"][number][] = [];
    for (const truncation of last === true ? truncations : []) {
      curve.push(await judged(model, truncation));
    }
    await drawGrid(folder, "samples", await classesInTurn(model, 8 * classes, 4), classes);
    return { ...(await judged(model, 4)), seconds, curve };
  });
});
await judge.release();

const { head, rows } = rowsOf(cells, [
  ["Fréchet distance", 2, (f) => f.frechetDistance],
  ["precision", 3, (f) => f.precision],
  ["recall", 3, (f) => f.recall],
  ["in the class asked for, %", 1, (f) => 100 * f.asked],
  ["worst class, %", 1, (f) => 100 * Math.min(...f.askedByClass)],
  ["processor s", 0, (f) => f.seconds],
]);
console.log(table(head, rows));
const all = cells[parts.at(-1)?.name as string] ?? [];
if (all.length > 0) {
  const of = (i: number, pick: (f: Cell["curve"][number]) => number): number[] =>
    all.map(({ curve }) => pick(curve[i] as Cell["curve"][number]));
  const line = truncations.map((truncation, i) => [
    String(truncation),
    ...(["precision", "recall", "frechetDistance", "asked"] as const).map((name) =>
      spread(
        of(i, (f) => f[name]),
        3,
      ),
    ),
  ]);
  console.log(table(["truncation", "precision", "recall", "Fréchet distance", "asked"], line));
  const x = truncations.map((_, i) => meanOf(of(i, (f) => f.recall)));
  const y = truncations.map((_, i) => meanOf(of(i, (f) => f.precision)));
  const plot = linePlot({
    title: "Precision against recall as z is truncated",
    ...{ x: { label: "recall" }, y: { label: "precision" } },
    series: [{ name: `truncation ${truncations.join(", ")}`, x, y, dots: true }],
  });
  await writeFile(`${root}/truncation.png`, await svgToPng(plot));
}
console.log(
  `${dataset.name}, residual networks of width ${network.width}, ${network.latents} latents, ${steps} steps of batches of ${batchSize}; ${judge.images} samples, as many of every class, against ${judge.images} test images in the features of mnist.onnx (SHA-256 ${judge.sha256}), whose classifier says what class a sample is of; mean ± standard deviation over seeds ${seeds.join(", ")}; ${missing} cells missing; pictures in ${root}`,
);
printJson({ seeds, steps, cells });
