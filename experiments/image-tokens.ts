// Images as tokens, and a transformer over the tokens: its bits a token against simpler models of them, and the images
// that it draws.
// npx tsx experiments/image-tokens.ts [--quick] [--full] [--data fashion-mnist] [--json] [--markdown] [--threads 1]
// Parts that are done are read from runs/experiments/image-tokens and not trained again; one that was killed goes on.
// The pictures are written there. --full trains wider networks much longer, on all images.
import { mkdir } from "node:fs/promises";
import { basename } from "node:path";
import {
  compileFunction,
  type EncodedDataset,
  encodeDataset,
  evaluateSplit,
  fit,
  train,
  weightsOf,
} from "reparam";
import { kept } from "./figures/cells.ts";
import { flag, printJson, rootOf, sized, table, threads } from "./figures/command-line.ts";
import { spreadOfSeveral } from "./figures/spread.ts";
import { imageFigures } from "./image-tokens/images.ts";
import { maskedConvolution } from "./image-tokens/masked-convolution.ts";
import { type Setting, settingsOf } from "./image-tokens/setting.ts";
import { fitUnigram, unigramBits } from "./image-tokens/unigram.ts";

const size = sized("quick", "core", "full");
const root = rootOf("image-tokens");
const batchSize = 64;

type Figures = Readonly<Record<string, number>>;

const codesOf = ({ autoencoder }: EncodedDataset): number =>
  [autoencoder.method.functions.decode?.inputs.tokens?.below].flat()[0] as number;

/** Bits a token of the convolutional baseline on the test images, and their standard error. */
async function convolutionBits(
  { convolution, priorEpochs: epochs }: Setting,
  data: EncodedDataset,
  seed: number,
  folder: string,
): Promise<Figures> {
  const grid = data.train.columns.tokens?.shape as [number, number];
  const method = maskedConvolution({
    ...convolution,
    grid,
    codes: codesOf(data),
    learningRate: 2e-3,
  });
  await mkdir(folder, { recursive: true });
  const { state } = await fit({
    ...{ method, train: data.train, batchSize, seed, epochs, threads, folder },
  });
  const evaluate = await compileFunction(method, "evaluate", weightsOf(method, state), { threads });
  const { metrics, standardErrors } = await evaluateSplit(evaluate, data.test);
  await evaluate.release();
  return { bits: metrics.bitsPerToken as number, error: standardErrors.bitsPerToken as number };
}

interface Result {
  readonly tokens: Figures;
  readonly transformer: readonly Figures[];
  readonly convolution: readonly Figures[];
  readonly images: Figures;
}

/** All parts of one data set. */
async function run(setting: Setting): Promise<Result> {
  const { data: name, images, seeds, priorEpochs: epochs } = setting;
  const folder = `${root}/${basename(name)}`;
  for (const part of ["tokenizer", ...seeds.map((seed) => `transformer-seed${seed}`)]) {
    await mkdir(`${folder}/${part}`, { recursive: true });
  }
  const tokenizer = await train("fsq", {
    ...{ data: name, seed: 0, threads, batchSize, epochs: setting.tokenizerEpochs },
    ...{ folder: `${folder}/tokenizer`, options: setting.tokenizer },
    load: { validation: 0, limit: images },
  });
  const data = await encodeDataset(tokenizer, tokenizer.dataset, { threads });
  const unigram = fitUnigram(data.train, codesOf(data));
  const tokens = await kept(`${folder}/tokens.json`, async () => {
    const { metrics } = await tokenizer.evaluate("test");
    return { codes: codesOf(data), ...metrics, unigram: unigramBits(unigram, data.test) };
  });
  const transformer: Figures[] = [];
  const convolution: Figures[] = [];
  let drawn: Figures = {};
  for (const seed of seeds) {
    const prior = await train("token-prior", {
      ...{ data, seed, threads, batchSize, epochs, options: setting.prior },
      folder: `${folder}/transformer-seed${seed}`,
    });
    transformer.push(
      await kept(`${folder}/transformer-seed${seed}.json`, async () => {
        const { metrics, standardErrors } = await prior.evaluate("test");
        return {
          bits: metrics.bitsPerToken as number,
          error: standardErrors.bitsPerToken as number,
        };
      }),
    );
    const part = `${folder}/convolution-seed${seed}`;
    convolution.push(await kept(`${part}.json`, () => convolutionBits(setting, data, seed, part)));
    if (seed > 0) continue;
    drawn = await kept(`${folder}/images.json`, () =>
      imageFigures({ setting, tokenizer, prior, unigram, folder, threads }),
    );
  }
  return { tokens, transformer, convolution, images: drawn };
}

const cells: Record<string, Result> = {};
for (const setting of settingsOf(size, flag("data"))) {
  cells[basename(setting.data)] = await run(setting);
}

const bits = (figures: readonly Figures[]): string =>
  spreadOfSeveral(
    figures.map(({ bits: value }) => value as number),
    3,
  );
console.log(
  table(
    ["bits a token, test", "uniform", "unigram", "masked convolutions", "transformer", "seeds"],
    Object.entries(cells).map(([name, { tokens, transformer, convolution }]) => [
      ...[
        name,
        Math.log2(tokens.codes as number).toFixed(3),
        (tokens.unigram as number).toFixed(3),
      ],
      ...[bits(convolution), bits(transformer), String(transformer.length)],
    ]),
  ),
);
const distances = [
  "training images",
  "reconstructions",
  "transformer",
  "transformer, temperature 0.8",
];
console.log(
  table(
    ["Fréchet distance to test images", ...distances, "unigram"],
    Object.entries(cells).map(([name, { images }]) => [
      name,
      ...["train", "reconstructed", "sampled", "cool", "unigram"].map((key) =>
        (images[key] as number).toFixed(2),
      ),
    ]),
  ),
);
for (const [name, { tokens, transformer, convolution, images }] of Object.entries(cells)) {
  const errors = [...transformer, ...convolution].map(({ error }) => error as number);
  console.log(
    `${name}: reconstruction ${(tokens.psnr as number).toFixed(2)} dB; ${(100 * (tokens.codebookUse as number)).toFixed(1)} % of ${tokens.codes} codes occur in the test set, perplexity ${(tokens.perplexity as number).toFixed(0)}; standard error of bits over test images at most ${Math.max(...errors).toFixed(4)}; ${images.perSecond?.toFixed(0)} images a second drawn`,
  );
}
console.log(`pictures in ${root}`);
printJson({ cells });
