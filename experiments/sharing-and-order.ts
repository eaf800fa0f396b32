// Layers that share parameters, by what they share; and what sentence-order and next-sentence prediction teach, by
// linear probes for both tasks.
// npx tsx experiments/sharing-and-order.ts [--quick] [--full] [--json] [--markdown] [--threads N]
// Cells that are done are read from runs/experiments/sharing-and-order and not trained again; the picture is
// written there. --full trains longer, wider networks.

import { printJson, rootOf, seeds, table } from "./figures/command-line.ts";
import { drawBars } from "./figures/plots.ts";
import { meanOf, spreadOfSeveral } from "./figures/spread.ts";
import { corpus } from "./language-models/corpus.ts";
import {
  type Cell,
  context,
  describeCells,
  smallGpt,
  trainCell,
} from "./language-models/train-cell.ts";
import {
  describePairs,
  type PairCell,
  pairCell,
  pairContext,
  pairTasks,
} from "./sharing-and-order/pairs.ts";

const root = rootOf("sharing-and-order");

const cells: Record<string, (Cell | PairCell)[]> = {};
const keep = <C extends Cell | PairCell>(name: string, made: C): C => {
  cells[name] = [...(cells[name] ?? []), made];
  return made;
};

const shares = ["none", "attention", "feed-forward", "all"] as const;
const layers = 3;
const characters = await corpus({ context });
const shared: Record<string, Cell[]> = { none: [], attention: [], "feed-forward": [], all: [] };
for (const seed of seeds) {
  for (const share of shares) {
    const recipe = smallGpt({ layers, heads: 4, share });
    const made = await trainCell(root, `share ${share}`, seed, { data: characters, recipe });
    shared[share]?.push(keep(`share ${share}`, made));
  }
}
console.log(
  table(
    ["shared by all layers", "parameters", "bits a character"],
    shares.map((share) => [
      share,
      String(shared[share]?.[0]?.parameters),
      spreadOfSeveral(
        (shared[share] ?? []).map(({ bitsPerCharacter }) => bitsPerCharacter),
        3,
      ),
    ]),
  ),
);
console.log(`${layers} layers; ${describeCells(Object.values(shared).flat(), smallGpt({}))}`);

const pieces = await corpus({ context: pairContext, tokenizer: "bpe", vocabulary: 512 });
const pairs: Record<string, PairCell[]> = {};
for (const seed of seeds) {
  for (const task of pairTasks) {
    const made = await pairCell(root, task, seed, pieces);
    pairs[task] = [...(pairs[task] ?? []), keep(`pairs ${task}`, made)];
  }
}
const shareOf = (task: string, of: keyof PairCell): number[] =>
  (pairs[task] ?? []).map((made) => made[of]).filter((share) => share !== undefined);
const percent = (task: string, of: keyof PairCell): string => {
  const shares = shareOf(task, of).map((share) => 100 * share);
  return shares.length === 0 ? "" : spreadOfSeveral(shares, 1);
};
console.log(
  table(
    ["second task", "masked tokens found %", "own pairs %", "probe: order %", "probe: next %"],
    pairTasks.map((task) => [
      task,
      ...(["masked", "own", "order", "next"] as const).map((of) => percent(task, of)),
    ]),
  ),
);
console.log(describePairs(Object.values(pairs).flat()));
await drawBars(root, "probes", {
  title: "Pairs that a linear probe of [CLS] tells, %",
  x: { label: "% right, mean over seeds" },
  bars: pairTasks.flatMap((task) =>
    (["order", "next"] as const).map((of) => ({
      name: `${task}: ${of}`,
      value: 100 * meanOf(shareOf(task, of)),
    })),
  ),
});
printJson({ seeds, cells });
