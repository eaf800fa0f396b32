// Talking heads at equal parameters: bits a character of language models whose heads' logits are mixed before the
// softmax, and their weights after it, with few wide heads and with many narrow ones.
// npx tsx experiments/talking-heads.ts [--quick] [--full] [--json] [--markdown] [--threads N]
// Cells that are done are read from runs/experiments/talking-heads and not trained again; the picture is written
// there. --full trains seven times as long, with twice the width and four times the context and more numbers of heads.

import { full, printJson, quick, rootOf, seeds, table } from "./figures/command-line.ts";
import { bandSeries, drawLines } from "./figures/plots.ts";
import { spreadOfSeveral } from "./figures/spread.ts";
import { corpus } from "./language-models/corpus.ts";
import {
  type Cell,
  context,
  describeCells,
  matchedWidth,
  smallGpt,
  trainCell,
} from "./language-models/train-cell.ts";

const root = rootOf("talking-heads");
const headCounts = quick ? [2] : full ? [4, 8, 16, 32] : [4, 16];

interface Mixing {
  readonly name: string;
  readonly options: (heads: number) => Readonly<Record<string, unknown>>;
}

const mixings: readonly Mixing[] = [
  { name: "none", options: () => ({}) },
  { name: "logits", options: () => ({ talkingHeads: "logits" }) },
  { name: "logits and weights", options: () => ({ talkingHeads: "logits+weights" }) },
  {
    name: "both, 16 softmax heads",
    options: (heads) => ({
      talkingHeads: "logits+weights",
      softmaxHeads: quick ? 2 * heads : Math.max(16, heads),
    }),
  },
];
/** With as many heads as softmax heads the last two are the same. */
const settings = headCounts.flatMap((heads) =>
  mixings
    .filter(({ options }) => options(heads).softmaxHeads !== heads)
    .map(({ name, options }) => ({ name, heads, options: { heads, ...options(heads) } })),
);

const data = await corpus({ context });
const reference = smallGpt({ heads: 4 });
const cells: Record<string, Cell[]> = {};
// Seeds outside: a part of the grid is whole seeds.
for (const seed of seeds) {
  for (const { name, heads, options } of settings) {
    const feedForwardWidth = await matchedWidth(data, smallGpt(options), reference);
    const recipe = smallGpt({ ...options, feedForwardWidth });
    const key = `${heads} heads, ${name}`;
    const done = await trainCell(root, key, seed, { data, recipe });
    cells[key] = [...(cells[key] ?? []), done];
  }
}

const bitsOf = (heads: number, name: string): number[] =>
  (cells[`${heads} heads, ${name}`] ?? []).map(({ bitsPerCharacter }) => bitsPerCharacter);
console.log(
  table(
    ["mixed", ...headCounts.map((heads) => `${heads} heads`)],
    mixings.map(({ name }) => [
      name,
      ...headCounts.map((heads) => {
        const bits = bitsOf(heads, name);
        return bits.length === 0 ? "" : spreadOfSeveral(bits, 3);
      }),
    ]),
  ),
);
console.log(describeCells(Object.values(cells).flat(), reference));
await drawLines(root, "bits", {
  title: `Test text after ${reference.steps} steps, equal parameters`,
  x: { label: "heads" },
  y: { label: "bits a character" },
  series: mixings.map(({ name }) => {
    const own = headCounts.filter((heads) => bitsOf(heads, name).length > 0);
    const values = own.map((heads) => bitsOf(heads, name));
    return bandSeries(name, own, values);
  }),
});
printJson({ seeds, steps: reference.steps, cells });
