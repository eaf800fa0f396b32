// Models that were read from ONNX files, trained on: a classifier of digits for clothes, all of it against a new last
// layer alone; a character transformer of speeches for technical prose, by low-rank adapters.
// npx tsx experiments/imported-models.ts [--quick] [--full] [--json] [--markdown] [--data FOLDER] [--threads N]
// Cells that are done are read from runs/experiments/imported-models and not trained again. --full takes all images and
// longer trainings.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { train } from "reparam";
import { exportModel } from "reparam/onnx";
import { fromOnnx, type ImportedModel } from "reparam/onnx-import";
import { dim } from "reparam/tensor";
import { causalLogits, gpt } from "../src/methods/transformer/gpt.ts";
import { sizesOf } from "../src/methods/transformer/options.ts";
import { textOf } from "../src/methods/transformer/text-data.ts";
import { dataShape } from "../src/run/index.ts";
import { modelOf } from "../src/step/index.ts";
import { kept } from "./figures/cells.ts";
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
import { spreadOfSeveral } from "./figures/spread.ts";

const repository = fileURLToPath(new URL("..", import.meta.url));
const root = rootOf("imported-models");

interface Cell {
  readonly part: string;
  readonly variant: string;
  readonly seed: number;
  readonly figures: Readonly<Record<string, number>>;
}

/** Trains one cell, or reads it where it was trained before. */
const cell = (
  part: string,
  variant: string,
  seed: number,
  work: () => Promise<Cell["figures"]>,
): Promise<Cell> =>
  kept(`${root}/${part}-${variant.replaceAll(/\W+/g, "-")}-seed${seed}.json`, async () => ({
    ...{ part, variant, seed },
    figures: await work(),
  }));

const countOf = ({ weights }: ImportedModel): number =>
  Object.values(weights.params).reduce((sum, { data }) => sum + data.length, 0);

// Images: assets/features/mnist.onnx, whose 64 features were learned from digits.

const classifier = fromOnnx(await readFile(`${repository}assets/features/mnist.onnx`));
const clothes = quick ? (flag("data") ?? "mnist") : "fashion-mnist";

const imageVariants: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ["new layer alone", { train: "none" }],
  ["all weights", { learningRate: 1e-3 }],
  ["last block and new layer", { train: "*blocks.2.*", learningRate: 1e-3 }],
];

const imageCell = (variant: string, options: object, seed: number): Promise<Cell> =>
  cell("images", variant, seed, async () => {
    const length = quick ? { steps: 4 } : { epochs: full ? 10 : 3 };
    const load = full ? {} : { limit: quick ? 200 : 10_000 };
    const model = await train("finetune", {
      ...{ data: clothes, model: classifier, load, seed, threads, ...length },
      options: { output: "features", newHead: true, ...options },
    });
    const { metrics } = await model.evaluate("test");
    return { loss: metrics.loss as number, accuracy: metrics.accuracy as number };
  });

// Text: a transformer of bytes that has read speeches, exported with the scores of all positions.

const speeches = quick ? `${repository}docs/guide` : "state-of-the-union";
const prose = `${repository}docs/methods`;
const textLoad = { tokenizer: "bytes", context: 64 } as const;
const sizes = quick ? { width: 8, layers: 1, heads: 2 } : { width: 96, layers: 2, heads: 4 };

async function speechModel(): Promise<ImportedModel> {
  const file = `${root}/speeches.onnx`;
  if (!existsSync(file)) {
    console.error(`a transformer of ${speeches} …`);
    const steps = quick ? 3 : full ? 6000 : 1200;
    const model = await train("gpt", {
      ...{ data: speeches, load: textLoad, seed: 0, threads, steps, batchSize: 32 },
      options: { ...sizes, learningRate: 2e-3 },
    });
    const shape = dataShape(model.dataset, 32);
    const network = sizesOf(gpt.options.parse(sizes), textOf("gpt", shape));
    const { bytes } = exportModel(
      ({ weights, tokens }) => ({ logits: causalLogits(modelOf(weights), tokens, network) }),
      {
        weights: model.weights,
        tokens: { dtype: "int32", shape: [dim("B"), dim("T")] },
      } as never,
      { name: "speeches" },
    );
    await mkdir(root, { recursive: true });
    await writeFile(file, bytes);
  }
  return fromOnnx(await readFile(file));
}

const textVariants: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ["as it is", {}],
  ["adapters of rank 1", { lora: "*weight", loraRank: 1, learningRate: 3e-3 }],
  ["all weights", { learningRate: 1e-3 }],
];

const textCell = (
  base: ImportedModel,
  variant: string,
  options: Readonly<Record<string, unknown>>,
  seed: number,
): Promise<Cell> =>
  cell("text", variant, seed, async () => {
    const untouched = variant === "as it is";
    const settings = { data: prose, load: textLoad, model: base, seed, threads, batchSize: 32 };
    const model = await train("finetune", {
      ...settings,
      steps: untouched ? 1 : quick ? 3 : 250,
      options: untouched ? { learningRate: 1e-12 } : options,
    });
    const { metrics } = await model.evaluate("test");
    const loss = metrics.loss as number;
    const rank = (options.loraRank as number | undefined) ?? 0;
    const adapters = Object.values(base.weights.params)
      .filter(({ shape }) => rank > 0 && shape.length === 2)
      .reduce((sum, { shape }) => sum + rank * ((shape[0] ?? 0) + (shape[1] ?? 0)), 0);
    const trained = untouched ? 0 : rank > 0 ? adapters : countOf(base);
    return { loss, perplexity: Math.exp(loss), trained: trained / countOf(base) };
  });

const cells: Cell[] = [];
for (const seed of seeds) {
  for (const [variant, options] of imageVariants) {
    cells.push(await imageCell(variant, options, seed));
  }
}
const base = await speechModel();
for (const seed of seeds) {
  for (const [variant, options] of textVariants) {
    cells.push(await textCell(base, variant, options, seed));
  }
}

const figure = (part: string, variant: string, name: string, digits: number, times = 1): string =>
  spreadOfSeveral(
    cells
      .filter((each) => each.part === part && each.variant === variant)
      .map(({ figures }) => times * (figures[name] as number)),
    digits,
  );
console.log(
  table(
    ["images: what is trained", "test accuracy, %", "test loss, nats"],
    imageVariants.map(([variant]) => [
      variant,
      figure("images", variant, "accuracy", 2, 100),
      figure("images", variant, "loss", 4),
    ]),
  ),
);
console.log(
  table(
    ["text: what is trained", "of the weights, %", "test perplexity a byte", "nats"],
    textVariants.map(([variant]) => [
      variant,
      figure("text", variant, "trained", 2, 100),
      figure("text", variant, "perplexity", 3),
      figure("text", variant, "loss", 4),
    ]),
  ),
);
printJson({ seeds, cells });
