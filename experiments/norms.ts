// Where trainings of deep language models stop working: norms before and after the branches, layer norm and root
// mean square norm, against depth and learning rate, without warm-up and with one.
// npx tsx experiments/norms.ts [--quick] [--full] [--json] [--markdown] [--threads N]
// Cells that are done are read from runs/experiments/norms and not trained again; the pictures are written there.
// --full trains five times as long, and deeper networks.

import { full, printJson, quick, rootOf, seeds, table } from "./figures/command-line.ts";
import { bandSeries, drawLines } from "./figures/plots.ts";
import { spreadOfSeveral } from "./figures/spread.ts";
import { corpus, unigramBits } from "./language-models/corpus.ts";
import { type Cell, describeCells, type Recipe, trainCell } from "./language-models/train-cell.ts";

const root = rootOf("norms");
const steps = quick ? 4 : full ? 1500 : 300;
const depths = quick ? [1] : full ? [2, 8, 24] : [2, 8];
const rates = quick ? [1e-3] : [3e-4, 1e-3, 3e-3, 1e-2];

interface Variant {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

const variants: readonly Variant[] = [
  { name: "pre, layer", options: { normPlacement: "pre", norm: "layer" } },
  { name: "pre, rms", options: { normPlacement: "pre", norm: "rms" } },
  { name: "post, layer", options: { normPlacement: "post", norm: "layer" } },
  { name: "post, rms", options: { normPlacement: "post", norm: "rms" } },
  {
    name: "post, layer, warm-up",
    options: { normPlacement: "post", norm: "layer", warmupSteps: Math.floor(steps / 3) },
  },
];

/** Gradients are not clipped, which would hide what the norms do. */
const recipe = (layers: number, learningRate: number, options: Variant["options"]): Recipe => ({
  ...{ batchSize: quick ? 4 : 16, steps },
  options: {
    ...{ layers, width: quick ? 16 : 32, heads: 2, positions: "rotary" },
    ...{ learningRate, warmupSteps: 0, clip: 0 },
    ...options,
  },
});

const data = await corpus({ context: quick ? 16 : 32 });
const nothing = unigramBits(data);
const cells: Record<string, Cell[]> = {};
const keyOf = (name: string, layers: number, rate: number): string =>
  `${name}, ${layers} layers, rate ${rate}`;
// Seeds outside: a part of the grid is whole seeds.
for (const seed of seeds) {
  for (const layers of depths) {
    for (const { name, options } of variants) {
      for (const rate of rates) {
        const key = keyOf(name, layers, rate);
        const own = { data, recipe: recipe(layers, rate, options) };
        cells[key] = [...(cells[key] ?? []), await trainCell(root, key, seed, own)];
      }
    }
  }
}

const bitsOf = (name: string, layers: number, rate: number): number[] =>
  (cells[keyOf(name, layers, rate)] ?? []).map(({ bitsPerCharacter }) => bitsPerCharacter);

/** Mean and deviation, and how many trainings know no more than how frequent characters are. */
function textOf(bits: readonly number[]): string {
  const stuck = bits.filter((b) => b > nothing - 0.1).length;
  return `${spreadOfSeveral(bits, 2)}${stuck > 0 ? ` (${stuck} of ${bits.length} stuck)` : ""}`;
}

for (const layers of depths) {
  console.log(
    table(
      [`${layers} layers`, ...rates.map((rate) => `rate ${rate}`)],
      variants.map(({ name }) => [
        name,
        ...rates.map((rate) => textOf(bitsOf(name, layers, rate))),
      ]),
    ),
  );
  await drawLines(root, `${layers}-layers`, {
    title: `Test text after ${steps} steps, ${layers} layers`,
    x: { label: "learning rate", scale: "log" },
    y: { label: "bits a character" },
    series: variants.map(({ name }) =>
      bandSeries(
        name,
        rates,
        rates.map((rate) => bitsOf(name, layers, rate)),
      ),
    ),
  });
}
const all = Object.values(cells).flat();
console.log(
  `${describeCells(all, { steps })}; frequencies of characters alone ${nothing.toFixed(3)}`,
);
printJson({ seeds, steps, frequencies: nothing, cells });
