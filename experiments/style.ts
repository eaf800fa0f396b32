// The style-based generator against that of progressive growing, by the same steps: samples, and precision and recall by
// the truncation of styles.
// npx tsx experiments/style.ts [--quick | --full] [--seeds 0,1,2] [--data FOLDER] [--threads N] [--minutes N] [--markdown] [--json]
// Cells that are done are read from runs/experiments/growth and not trained again; one that was killed goes on. Pictures
// of mixing, truncation and directions of styles are written into the folders of the cells.

import { mkdir, writeFile } from "node:fs/promises";
import { linePlot, svgToPng } from "reparam/report";
import { dataset, judge } from "./architectures/digits.ts";
import { grid, rowsOf } from "./architectures/grid.ts";
import {
  batchSize,
  type GrowthFigures,
  growthCell,
  lastSteps,
  network,
  sizeSteps,
  truncations,
} from "./architectures/growth.ts";
import { printJson, rootOf, seeds, table } from "./figures/command-line.ts";
import { deviationOf, meanOf } from "./figures/spread.ts";

const settings = [
  { name: "style", architecture: "style" },
  { name: "progressive", architecture: "progressive" },
] as const;
const { cells, missing } = await grid(settings, ({ architecture }, seed) =>
  growthCell({ architecture, growing: true, steps: lastSteps }, seed),
);
await judge.release();

const figures = [
  ["Fréchet distance", 2, (f: GrowthFigures) => f.frechetDistance],
  ["precision", 3, (f: GrowthFigures) => f.precision],
  ["recall", 3, (f: GrowthFigures) => f.recall],
  ["coverage", 3, (f: GrowthFigures) => f.coverage],
  ["digits", 1, (f: GrowthFigures) => f.digits],
  ["processor s", 0, (f: GrowthFigures) => f.seconds],
] as const;
const { head, rows } = rowsOf(cells, figures);
console.log(table(head, rows));
const style = cells.style ?? [];
const curve = truncations.map((truncation, i) => ({
  truncation,
  ...Object.fromEntries(
    (["precision", "recall", "frechetDistance"] as const).map((name) => {
      const values = style.map(({ curve: points }) => points[i]?.[name] as number);
      return [name, { mean: meanOf(values), deviation: deviationOf(values) }];
    }),
  ),
})) as unknown as (Record<"precision" | "recall" | "frechetDistance", Spread> & {
  truncation: number;
})[];
interface Spread {
  readonly mean: number;
  readonly deviation: number;
}
const text = ({ mean, deviation }: Spread): string =>
  `${mean.toFixed(3)} ± ${deviation.toFixed(3)}`;
if (style.length > 0) {
  const line = curve.map(({ truncation, precision, recall, frechetDistance }) => [
    ...[String(truncation), text(precision), text(recall), text(frechetDistance)],
  ]);
  console.log(table(["truncation", "precision", "recall", "Fréchet distance"], line));
  const x = truncations;
  const plot = linePlot({
    title: "Truncation of styles",
    x: { label: "ψ" },
    y: { label: "", domain: [0, 1] },
    series: (["precision", "recall"] as const).map((name) => ({
      ...{ name, x, dots: true },
      y: curve.map((point) => point[name].mean),
    })),
  });
  await mkdir(rootOf("style"), { recursive: true });
  await writeFile(`${rootOf("style")}/truncation.png`, await svgToPng(plot));
}
console.log(
  `${dataset.name} padded to 32×32; width ${network.width}, ${network.latents} latents, batches of ${batchSize}; ${sizeSteps} steps each at 4, 8 and 16 pixels, half of them fading in, and ${lastSteps} at 32; ${judge.images} samples against as many test images in the features of mnist.onnx (SHA-256 ${judge.sha256}); mean ± standard deviation over seeds ${seeds.join(", ")}; ${missing} cells missing`,
);
printJson({ seeds, sizeSteps, lastSteps, cells, curve });
