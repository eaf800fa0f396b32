// Topics of the State of the Union addresses by pLSA: held-out perplexity, fold-in, the likeliest words, and when
// each topic was spoken of.
// npx tsx experiments/topics.ts [--quick] [--json] [--data NAME]
// Cells that are done are read from runs/experiments/topics and not trained again. Without --quick and --data it
// writes docs/results/topics.md and its picture.
import { writeFile } from "node:fs/promises";
import { linePlot, markdownTable, svgToPng, textTable } from "reparam/report";
import { flag, printJson, quick, seeds } from "./figures/command-line.ts";
import { spread } from "./figures/spread.ts";
import { type Cell, root, run } from "./topics/model.ts";

const sizes = quick ? [2, 4] : [1, 5, 10, 20];
const page = !quick && flag("data") === undefined;
const folder = page ? "docs/results" : root;

const cells: Record<string, Cell[]> = {};
for (const topics of sizes) {
  const done: Cell[] = [];
  for (const seed of seeds) done.push(await run(topics, seed));
  cells[topics] = done;
}

const columns = ["topics", "train perplexity", "test perplexity"];
const rows = sizes.map((topics) => [
  String(topics),
  ...(["trainPerplexity", "testPerplexity"] as const).map((name) =>
    spread(
      (cells[topics] as Cell[]).map(({ figures }) => figures[name]),
      0,
    ),
  ),
]);
console.log(textTable(columns, rows));
console.log(
  `mean ± standard deviation over ${seeds.length} seeds; the other half of each document`,
);

const shownSize = quick ? 4 : 10;
const shown = cells[shownSize] as Cell[];
const first = shown[0] as Cell;
const foldInColumns = ["steps", "test perplexity"];
const foldInRows = Object.keys(first.foldIn).map((steps) => [
  steps,
  spread(
    shown.map(({ foldIn }) => foldIn[Number(steps)] as number),
    0,
  ),
]);
console.log(`\n${textTable(foldInColumns, foldInRows)}`);
const topicLines = first.topics.map((terms, i) => `${i}: ${terms.join(" ")}`);
console.log(`\n${topicLines.join("\n")}`);

/** Mean share of each topic by decade, at its middle. */
function drawYears({ shares, years, topics }: Cell): string {
  const decades = [...new Set(years.map((year) => Math.floor(year / 10)))].sort((a, b) => a - b);
  const series = topics.map((terms, topic) => ({
    name: `${topic} ${terms.slice(0, 2).join(" ")}`,
    x: decades.map((decade) => 10 * decade + 5),
    y: decades.map((decade) => {
      const rows = shares.filter((_, d) => Math.floor((years[d] as number) / 10) === decade);
      return rows.reduce((sum, row) => sum + (row[topic] as number), 0) / rows.length;
    }),
  }));
  return linePlot({
    x: { label: "year" },
    y: { label: "share of the words of an address, mean of a decade" },
    series,
    ...{ width: 900, height: 480 },
  });
}
const drawn = first.years.length > 0;
if (drawn) await writeFile(`${folder}/topics-years.png`, await svgToPng(drawYears(first)));

if (page) {
  const text = [
    "# Topics of the State of the Union addresses",
    "```\nreparam experiment topics\n```",
    "[plsa](../methods/plsa.md) on the addresses of 1790 to 2021, 2000 terms, smoothing 0.1, until an iteration changes less than 10⁻⁵ nats a word. Mean ± standard deviation over seeds 0, 1, 2; three minutes on two cores.",
    "## Perplexity",
    "exp(−Σ n(d, w) log p(w|d) / Σ n(d, w)) of one half of the words of each document, its topics found from the other half; the test split has 19 addresses that no topic was fitted to.",
    markdownTable(columns, rows),
    "One topic is the unigram model. Gains shrink as topics are added, while train and test drift apart.",
    "## Fold-in of unseen documents",
    "Ten topics as above; the shares p(z|d) of the test documents by so many steps of EM from the uniform distribution, the topics held fixed. The default is 20.",
    markdownTable(foldInColumns, foldInRows),
    "## Topics",
    `The likeliest terms of ten topics, seed 0:\n\n${topicLines.map((line) => `- ${line}`).join("\n")}`,
    "When each was spoken of, in the training documents; the model does not see the years:",
    "![share of each topic by decade](topics-years.png)",
  ];
  await writeFile(`${folder}/topics.md`, `${text.join("\n\n")}\n`);
}
const figures = Object.entries(cells).map(([topics, done]) => [
  `${topics} topics`,
  done.map((cell) => ({ ...cell.figures, foldIn: cell.foldIn })),
]);
printJson({ cells: Object.fromEntries(figures) });
