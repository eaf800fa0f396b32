// The page of results.
import { markdownTable } from "reparam/report";
import { meanOf, spreadOfSeveral } from "../figures/spread.ts";
import { comparePairs, known, type Row, ranking } from "./compare.ts";
import { type Setting, scoreSamples } from "./setting.ts";

export interface Results {
  readonly setting: Setting;
  readonly rows: readonly Row[];
  readonly seeds: readonly number[];
}

export interface Conditions {
  readonly command: string;
  readonly seeds: readonly number[];
  readonly rates: readonly number[];
  readonly steps: number;
  /** Of the longer training of the first seed. */
  readonly longer: number;
  readonly batchSize: number;
  /** Of the processor, for all trainings. */
  readonly hours: number;
  readonly images: Readonly<Record<"train" | "validation" | "test", number>>;
}

/** A figure with its rank among those of the column. */
function ranked(row: Row, order: readonly string[], figure: number | undefined, digits: number) {
  if (figure === undefined) return "";
  return `${figure.toFixed(digits)} (${order.indexOf(row.estimator) + 1})`;
}

function figuresTable({ setting, rows }: Results, { longer, steps }: Conditions): string {
  const order = ranking(rows, (row) => meanOf(row[setting.compared]));
  const theirs = known(rows, ({ paper }) => paper);
  const later = known(rows, (row) => row.longer);
  const lines = order.map((name) => {
    const row = rows.find(({ estimator }) => estimator === name) as Row;
    return [
      ...[
        row.estimator,
        String(row.rate),
        spreadOfSeveral(row.single, 2),
        spreadOfSeveral(row.bound, 2),
      ],
      ...(later.length === 0 ? [] : [ranked(row, later, row.longer, 2)]),
      ...[ranked(row, theirs, row.paper, 1), meanOf(row.seconds).toFixed(0)],
    ];
  });
  const columns = ["estimator", "rate", "one sample", `${setting.boundSamples} samples`];
  const long = later.length === 0 ? [] : [`${longer / steps}× the steps`];
  return markdownTable([...columns, ...long, "paper", "seconds"], lines);
}

const searchTable = ({ rows }: Results, rates: readonly number[]): string =>
  markdownTable(
    ["estimator", ...rates.map(String)],
    rows.map(({ estimator, search }) => [
      estimator,
      ...rates.map((rate) => search[String(rate)]?.toFixed(2) ?? ""),
    ]),
  );

/** Which of the paper's orderings are found again, in words. */
function ordering({ setting, rows }: Results): string {
  const { compared, boundSamples } = setting;
  const { kept, reversed, close } = comparePairs(rows, compared);
  const by = compared === "single" ? "one sample" : `${boundSamples} samples`;
  const all = kept + reversed.length + close.length;
  const parts = [
    `Of ${all} pairs that the paper tells apart, by ${by}, ${kept} have its order here`,
  ];
  if (reversed.length > 0) {
    parts.push(`the opposite order in ${reversed.length}: ${reversed.join(", ")}`);
  }
  if (close.length > 0)
    parts.push(`nearer than their spread in ${close.length}: ${close.join(", ")}`);
  return `${parts.join(";\n")}.`;
}

const section = (results: Results, conditions: Conditions): string => {
  const { rates } = conditions;
  const { name, title } = results.setting;
  const part = results.seeds.length < conditions.seeds.length;
  const note = part ? `\nSeed ${results.seeds.join(", ")} only: no spread.\n` : "";
  const search =
    rates.length < 2
      ? ""
      : `\nThe search for rates: validation images, one sample, seed 0.\n\n${searchTable(results, rates)}\n`;
  return `## ${name}: ${title}
${note}
${figuresTable(results, conditions)}

${ordering(results)}

![bounds of every seed](gumbel-table-${name}.png)

![bounds over the training](gumbel-table-${name}-learning.png)
${search}`;
};

/** How the rates were found. */
function ofRates({ rates, images, seeds }: Conditions): string {
  if (rates.length < 2)
    return `Adam has the learning rate ${rates[0]} throughout; no rates were searched.`;
  return `The learning rate of Adam is the best of ${rates.join(", ")} for each estimator and model, by one
  sample on ${grouped(images.validation)} validation images at the end of the training of seed ${seeds[0]}; the other seeds have the same rate.`;
}

const grouped = (count: number): string => count.toLocaleString("en");

/** The whole page; `finding` is what its numbers say, in words. */
export function page(all: readonly Results[], conditions: Conditions, finding: string): string {
  const { command, seeds, steps, longer, batchSize, images, hours } = conditions;
  const epochs = ((steps * batchSize) / images.train).toFixed(1);
  return `# Gradient estimators of discrete latents: a small Gumbel-softmax table

\`\`\`
${command}
\`\`\`

Table 1 of Jang, Gu, Poole, "Categorical Reparameterization with Gumbel-Softmax" (2017), in miniature: its
models with discrete latents but for the categorical network, the autoencoders with one linear layer each way, trained
by six [estimators](../methods/gradient-estimators.md) of the gradient.

- **Budget.** ${grouped(steps)} steps of ${batchSize} images (${epochs} epochs) for every cell, seeds ${seeds.join(", ")}, ± the standard deviation over
  seeds; ${hours.toFixed(1)} hours of one processor core in all.
- **Data.** MNIST, made black and white once by our own seeded draw (\`binarize: fixed\`), which is not the published
  one: figures of others are comparable in distribution, not pixel by pixel.
- **Rates.** ${ofRates(conditions)}
- **Estimators.** The score function has ${scoreSamples} samples a row with leave-one-out, so that on the autoencoders it computes f
  as often as REBAR and MuProp (with a moving average) do. The τ of the relaxations falls from 1 to ½ over the first
  half of a training. REBAR learns its τ and its scale.

The tables have nats an image on ${grouped(images.test)} test images, with exact discrete samples whatever the estimator: the negative
bound by *one sample*, which the paper reports of autoencoders, and the importance-weighted bound by *many samples*,
nearer to the likelihood that it reports of the binary network. In parentheses stand ranks. *${longer / steps}× the steps* is seed
${seeds[0]} once more with the same rate, by one sample. *Seconds* are those of the processor for one training with one
thread. *Paper* is its figure after its own training and tuning: compare orders, not numbers. It has no REBAR.

## What it shows

${finding}

${all.map((results) => section(results, conditions)).join("\n")}`;
}
