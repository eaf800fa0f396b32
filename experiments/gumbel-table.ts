// Six gradient estimators on the models with discrete latents of Jang, Gu, Poole (2017), table 1, in miniature.
// npx tsx experiments/gumbel-table.ts [--quick | --full | --report] [--json] [--data FOLDER] [--threads N]
// The core grid has both autoencoders; --full adds the stochastic binary network; --report trains nothing and makes
// the page of the seeds that are done. Cells that are done are read from runs/experiments/gumbel-table and not
// trained again; the page of MNIST is written to docs/results.
import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import { loadDataset } from "reparam";
import { textTable } from "reparam/report";
import {
  flag,
  full,
  has,
  numberOf,
  printJson,
  quick,
  rootOf,
  seeds,
} from "./figures/command-line.ts";
import { spreadOfSeveral } from "./figures/spread.ts";
import type { Row } from "./gumbel-table/compare.ts";
import { finding } from "./gumbel-table/finding.ts";
import { drawBounds, drawLearning } from "./gumbel-table/pictures.ts";
import { page, type Results } from "./gumbel-table/report.ts";
import { type Estimator, estimators, type Setting, settings } from "./gumbel-table/setting.ts";
import {
  type Budget,
  type Figures,
  isKept,
  type Trained,
  tested,
  trained,
} from "./gumbel-table/train.ts";

const reporting = has("report");
const data = flag("data") ?? "mnist";
const root = rootOf("gumbel-table", { fullAdds: true });
const rates = quick ? [3e-3] : [1e-3, 3e-3, 1e-2];
const limit = quick ? { limit: 400, validation: 100 } : {};

const budget: Budget = {
  dataset: await loadDataset(data, { binarize: "fixed", ...limit }),
  ...{ steps: quick ? 8 : 4400, batchSize: quick ? 50 : 100 },
  ...{ threads: numberOf("threads", 1), root },
};

/** The autoencoders of the first seed once more, to see whether an ordering holds. */
const longer: Budget = { ...budget, steps: 4 * budget.steps, root: `${root}/longer` };

/** The rate with the least bound on validation images after the training of the first seed, and all of them. */
async function search(setting: Setting, estimator: Estimator) {
  const tried: Record<string, number> = {};
  for (const rate of rates) {
    const training = { setting, estimator, rate, seed: seeds[0] as number };
    tried[rate] = (await trained(training, budget)).validation;
  }
  const rate = rates.reduce((a, b) => ((tried[b] as number) < (tried[a] as number) ? b : a));
  return { rate, tried };
}

const isCore = ({ name }: Setting): boolean => name !== "stochastic-binary-network";

/** Figures of the estimator with the rate that is best for it. */
async function cell(setting: Setting, estimator: Estimator, seed: number): Promise<Figures> {
  const { rate } = await search(setting, estimator);
  return tested({ setting, estimator, rate, seed }, budget);
}

/** Seeds of which every estimator is tested. */
async function seedsDone(setting: Setting): Promise<readonly number[]> {
  const seed = seeds[0] as number;
  const searched = estimators.every((estimator) =>
    rates.every((rate) => isKept("curve", { setting, estimator, rate, seed }, budget)),
  );
  if (!searched) return [];
  const found = await Promise.all(estimators.map((estimator) => search(setting, estimator)));
  return seeds.filter((each) =>
    found.every(({ rate }, i) => {
      const training = { setting, estimator: estimators[i] as Estimator, rate, seed: each };
      return isKept("figures", training, budget);
    }),
  );
}

async function rowOf(
  setting: Setting,
  estimator: Estimator,
  given: readonly number[],
): Promise<Row> {
  const { rate, tried } = await search(setting, estimator);
  const [runs, figures]: [Trained[], Figures[]] = [[], []];
  for (const seed of given) {
    runs.push(await trained({ setting, estimator, rate, seed }, budget));
    figures.push(await cell(setting, estimator, seed));
  }
  const column = (name: string): number[] => figures.map((each) => each[name] as number);
  const again = { setting, estimator, rate, seed: seeds[0] as number };
  const wanted = isCore(setting) && (!reporting || isKept("figures", again, longer));
  const long = wanted ? (await tested(again, longer)).single : undefined;
  return {
    ...{ estimator, rate, longer: long, search: tried, paper: setting.paper[estimator] },
    ...{ single: column("single"), bound: column("bound"), seconds: column("seconds") },
    ...{ epochs: runs[0]?.epochs ?? [], curves: runs.map(({ curve }) => curve) },
  };
}

const chosen = settings.filter((setting) => full || reporting || isCore(setting));
// Seed by seed, so that a grid that is cut short has all estimators.
for (const seed of reporting ? [] : seeds) {
  for (const setting of chosen) {
    for (const estimator of estimators) await cell(setting, estimator, seed);
  }
}

/** Of the processor, for all trainings, those of the search and the longer ones included. */
async function hoursOf(name: string): Promise<number> {
  const files = await readdir(root, { recursive: true });
  const curves = files.filter((file) => file.includes(name) && file.endsWith("curve.json"));
  const each = await Promise.all(curves.map((file) => readFile(`${root}/${file}`, "utf8")));
  return each.reduce((sum, text) => sum + (JSON.parse(text) as Trained).seconds / 3600, 0);
}

const all: Results[] = [];
const cells: Record<string, readonly Figures[]> = {};
for (const setting of chosen) {
  const done = reporting ? await seedsDone(setting) : seeds;
  if (done.length === 0) continue;
  const rows: Row[] = [];
  for (const estimator of estimators) {
    const row = await rowOf(setting, estimator, done);
    rows.push(row);
    cells[`${setting.name}, ${estimator}`] = row.single.map((single, i) => ({
      ...{ rate: row.rate, single, bound: row.bound[i] as number },
    }));
  }
  all.push({ setting, rows, seeds: done });
  const label = `${setting.title}: mean over seeds`;
  await drawBounds(`${root}/gumbel-table-${setting.name}.png`, setting, rows);
  await drawLearning(`${root}/gumbel-table-${setting.name}-learning.png`, label, rows);
  const columns = ["estimator", "rate", "one sample", `${setting.boundSamples} samples`, "paper"];
  const lines = rows.map(({ estimator, rate, single, bound, paper }) => [
    ...[
      estimator,
      String(rate),
      spreadOfSeveral(single, 2),
      spreadOfSeveral(bound, 2),
      paper?.toFixed(1) ?? "",
    ],
  ]);
  console.log(`\n${setting.name}: ${setting.title}\n${textTable(columns, lines)}`);
}

const { train, validation, test } = budget.dataset;
const text = page(
  all,
  {
    command: `npx tsx experiments/gumbel-table.ts${all.every(({ setting }) => isCore(setting)) ? "" : " --full"} --json`,
    ...{ seeds, rates, steps: budget.steps, longer: longer.steps, batchSize: budget.batchSize },
    hours: (await Promise.all(all.map(({ setting }) => hoursOf(setting.name)))).reduce(
      (sum, hours) => sum + hours,
    ),
    images: { train: train.length, validation: validation.length, test: test.length },
  },
  finding(all),
);
await writeFile(`${root}/gumbel-table.md`, text);
if (!quick && data === "mnist") {
  const pictures = all.flatMap(({ setting: { name } }) => [
    `-${name}.png`,
    `-${name}-learning.png`,
  ]);
  for (const end of [".md", ...pictures]) {
    await copyFile(`${root}/gumbel-table${end}`, `docs/results/gumbel-table${end}`);
  }
}
printJson({ seeds, cells });
