// What representations of images know of classes that they never saw: Deep InfoMax by global and local information,
// a variational autoencoder, a random encoder, and pixels, by nearest neighbours and linear classifiers.
// npx tsx experiments/infomax-images.ts [--quick|--full] [--json] [--markdown] [--data NAME] [--seeds 0,1,2] [--threads N]
//   [--only NAME,NAME]
// --only leaves out other representations. Trainings that are done are read from runs/experiments/infomax-images/DATA;
// the pictures are written there. --full has 256 latents as published, and 20 epochs.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { neuralDependency } from "reparam";
import { knnAccuracy, labelEfficiency, linearProbe, uniformity } from "reparam/metrics";
import { barPlot, linePlot, svgToPng } from "reparam/report";
import { tensor } from "reparam/tensor";
import {
  flag,
  full,
  printJson,
  quick,
  rootOf,
  seeds,
  table,
  threads,
} from "./figures/command-line.ts";
import { meanOf, spreadOfSeveral as spread } from "./figures/spread.ts";
import {
  fileName,
  labelsOf,
  loadImages,
  type Representation,
  represent,
  representations,
  type Setting,
} from "./infomax-images/represent.ts";

const data = flag("data") ?? "fashion-mnist";
const only = flag("only")?.split(",");
const labelCounts = quick ? [20, 50] : [20, 100, 500, 2000, 10_000];
const latents = quick ? 8 : full ? 256 : 32;
const setting: Setting = {
  ...{ data, latents, epochs: quick ? 1 : full ? 20 : 2, labelled: quick ? 100 : 20_000 },
  root: `${rootOf("infomax-images")}/${basename(data)}`,
  threads,
};
const { root, labelled } = setting;

type Figures = Readonly<
  Record<"knn" | "probe" | "uniformity" | "dependency" | "minutes", number>
> & {
  /** Accuracy by the count of labels. */
  readonly curve: readonly number[];
};

const dataset = await loadImages(data);
const labels = labelsOf(dataset.train, labelled);
const truth = labelsOf(dataset.test, dataset.test.length);

/** Figures of one cell, measured once and then read. */
async function cell(representation: Representation, seed: number): Promise<Figures> {
  const file = `${root}/${fileName(representation.name)}-seed${seed}.json`;
  if (existsSync(file)) return JSON.parse(await readFile(file, "utf8")) as Figures;
  const { train, test, seconds } = await represent(representation, seed, dataset, setting);
  const known = { vectors: train, labels };
  const asked = { vectors: test, labels: truth };
  const settings = { penalty: 1e-3, tolerance: 1e-4, threads };
  const probe = await linearProbe(known, settings);
  // Pixels are too many numbers to be independent, and too many for a small critic.
  const dependency =
    representation.training === undefined
      ? undefined
      : await neuralDependency(train, { seed, threads, steps: quick ? 20 : 600 });
  const [, width = 1] = test.shape;
  const first = Math.min(1000, test.data.length / width);
  const figures = {
    knn: await knnAccuracy(known, asked, { neighbours: 5, threads }),
    probe: probe.accuracy(asked),
    uniformity: uniformity(
      tensor((test.data as Float32Array).slice(0, first * width), [first, width]),
    ),
    curve: (await labelEfficiency(known, asked, labelCounts, { ...settings, seed })).map(
      ({ accuracy }) => accuracy,
    ),
    dependency: dependency?.value ?? 0,
    minutes: seconds / 60,
  };
  await mkdir(root, { recursive: true });
  await writeFile(file, JSON.stringify(figures));
  return figures;
}

const cells: Record<string, Figures[]> = {};
for (const seed of seeds) {
  for (const each of representations(latents)) {
    if (only !== undefined && !only.includes(each.name)) continue;
    // Pixels have no seed.
    if (each.training === undefined && seed > 0) continue;
    cells[each.name] = [...(cells[each.name] ?? []), await cell(each, seed)];
  }
}
const percent = (values: readonly number[]): string =>
  spread(
    values.map((v) => 100 * v),
    1,
  );
/** The last fifth of the vectors shows no more than its logarithm. */
const mostDependency = Math.log(labelled / 5);
const dependencyText = (values: readonly number[]): string =>
  Math.min(...values) > mostDependency ? `above ${mostDependency.toFixed(1)}` : spread(values, 1);
const rows = Object.entries(cells).map(([name, figures]) => {
  const column = (field: Exclude<keyof Figures, "curve">): number[] => figures.map((f) => f[field]);
  return [
    name,
    percent(column("knn")),
    percent(column("probe")),
    spread(column("uniformity"), 2),
    name === "pixels" ? "–" : dependencyText(column("dependency")),
    meanOf(column("minutes")).toFixed(1),
  ];
});
console.log(
  table(
    ["representation", "kNN, %", "linear probe, %", "uniformity", "dependency, nats", "minutes"],
    rows,
  ),
);
console.log(
  `${data}, ${latents} latents, ${setting.epochs} epochs of batches of 64, classifiers of ${labels.length} training images, ${truth.length} test images; mean ± standard deviation over seeds ${seeds.join(", ")}`,
);
console.log("\nlinear probes by their count of labels, %");
console.log(
  table(
    ["representation", ...labelCounts.map((count) => `${count} labels`)],
    Object.entries(cells).map(([name, figures]) => [
      name,
      ...labelCounts.map((_, i) => percent(figures.map(({ curve }) => curve[i] as number))),
    ]),
  ),
);
const bars = Object.entries(cells).map(([name, figures]) => ({
  name,
  value: 100 * meanOf(figures.map(({ probe }) => probe)),
}));
const title = `Linear probe on ${latents} latents, ${basename(data)}`;
await writeFile(
  `${root}/probe.png`,
  await svgToPng(barPlot({ title, x: { label: "test accuracy, %" }, bars })),
);
const curves = linePlot({
  title: `Linear probes on few labels, ${basename(data)}`,
  x: { label: "labels", scale: "log" },
  y: { label: "test accuracy, %" },
  series: Object.entries(cells).map(([name, figures]) => ({
    name,
    x: labelCounts,
    y: labelCounts.map((_, i) => 100 * meanOf(figures.map(({ curve }) => curve[i] as number))),
  })),
});
await writeFile(`${root}/labels.png`, await svgToPng(curves));
printJson({ cells });
