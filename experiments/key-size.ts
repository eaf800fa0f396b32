// Heads and the size of their keys at equal parameters: bits a character of language models whose feed-forward
// networks give up what larger keys take.
// npx tsx experiments/key-size.ts [--quick] [--full] [--json] [--markdown] [--threads N]
// Cells that are done are read from runs/experiments/key-size and not trained again; the picture is written
// there. --full trains seven times as long, with twice the width and four times the context.
import type { Series } from "reparam/report";
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

const root = rootOf("key-size");
const headCounts = quick ? [2, 4] : full ? [2, 4, 8, 16, 32] : [4, 16];
const keySizes = quick ? [4] : full ? [4, 8, 16, 32, 64] : [4, 8, 16];
const reference = smallGpt({ heads: 4 });
const width = reference.options.width as number;
/** Above this many numbers of all heads' keys the feed-forward networks would have nothing left. */
const most = 4 * width;

const data = await corpus({ context });
const settings = headCounts.flatMap((heads) =>
  keySizes.filter((keySize) => heads * keySize <= most).map((keySize) => ({ heads, keySize })),
);
const nameOf = (heads: number, keySize: number): string => `${heads} heads of ${keySize}`;

const cells: Record<string, Cell[]> = {};
const feedForward: Record<string, number> = {};
for (const { heads, keySize } of settings) {
  const name = nameOf(heads, keySize);
  feedForward[name] = await matchedWidth(data, smallGpt({ heads, keySize }), reference);
}
// Seeds outside: a part of the grid is whole seeds.
for (const seed of seeds) {
  for (const { heads, keySize } of settings) {
    const name = nameOf(heads, keySize);
    const own = smallGpt({ heads, keySize, feedForwardWidth: feedForward[name] as number });
    const done = await trainCell(root, name, seed, { data, recipe: own });
    cells[name] = [...(cells[name] ?? []), done];
  }
}

const bitsOf = (name: string): number[] => (cells[name] ?? []).map((c) => c.bitsPerCharacter);
console.log(
  table(
    ["heads", ...keySizes.map((keySize) => `key size ${keySize}`)],
    headCounts.map((heads) => [
      `${heads} (width/heads ${width / heads})`,
      ...keySizes.map((keySize) => {
        const bits = bitsOf(nameOf(heads, keySize));
        return bits.length === 0 ? "" : spreadOfSeveral(bits, 3);
      }),
    ]),
  ),
);
console.log(describeCells(Object.values(cells).flat(), reference));
const seriesOf = (heads: number): Series => {
  const own = keySizes.filter((keySize) => heads * keySize <= most);
  const values = own.map((keySize) => bitsOf(nameOf(heads, keySize)));
  return bandSeries(`${heads} heads`, own, values);
};
await drawLines(root, "bits", {
  title: `Test text after ${reference.steps} steps, equal parameters`,
  x: { label: "key size", scale: "log" },
  y: { label: "bits a character" },
  series: headCounts.map(seriesOf),
});
printJson({ seeds, steps: reference.steps, feedForward, cells });
