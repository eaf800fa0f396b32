/** What is trained on a data set, and for how long. */
export interface Setting {
  readonly data: string;
  /** Of the classifier whose features measure images. */
  readonly features: string;
  readonly images: number;
  readonly tokenizer: Readonly<Record<string, unknown>>;
  readonly tokenizerEpochs: number;
  readonly prior: Readonly<Record<string, unknown>>;
  readonly convolution: { readonly width: number; readonly blocks: number };
  readonly priorEpochs: number;
  readonly seeds: readonly number[];
  /** Samples, and test images, for the Fréchet distance. */
  readonly drawn: number;
}

const tokenizer = { width: 32, blocks: 1, learningRate: 2e-3 };
/** About 0.24 million weights in either network. */
const prior = { layers: 2, width: 96, heads: 4, learningRate: 2e-3, warmupSteps: 50 };
const convolution = { width: 64, blocks: 1 };
const short = { images: 8000, tokenizerEpochs: 4, priorEpochs: 4, seeds: [0, 1, 2], drawn: 2000 };

const core: readonly Setting[] = [
  {
    ...{ data: "fashion-mnist", features: "fashion-mnist", ...short, prior, convolution },
    tokenizer: { ...tokenizer, levels: "8,6,5" },
  },
  {
    ...{ data: "cifar10", features: "cifar10", ...short, prior, convolution },
    tokenizer: { ...tokenizer, levels: "8,6,5", pixelVariance: 0.06 },
  },
];

/** Much longer, of wider networks, on all images. */
const full: readonly Setting[] = core.map((setting) => ({
  ...setting,
  ...{ images: 55_000, tokenizerEpochs: 20, priorEpochs: 20, drawn: 10_000 },
  tokenizer: { ...setting.tokenizer, width: 64, blocks: 2, levels: "8,5,5,5" },
  prior: { ...prior, layers: 6, width: 192 },
  convolution: { width: 128, blocks: 5 },
}));

const quick: Setting = {
  ...{ data: "mnist", features: "mnist", images: 128 },
  ...{ tokenizer: { width: 8, blocks: 0, levels: "5,3" }, tokenizerEpochs: 2 },
  prior: { layers: 1, width: 16, heads: 2, warmupSteps: 0 },
  ...{ convolution: { width: 8, blocks: 1 }, priorEpochs: 2, seeds: [0], drawn: 64 },
};

/** The grid; data sets by name, or quickly with any one. */
export function settingsOf(size: "quick" | "core" | "full", data?: string): readonly Setting[] {
  if (size === "quick") return [{ ...quick, data: data ?? quick.data }];
  const settings = size === "full" ? full : core;
  return settings.filter((setting) => data === undefined || setting.data === data);
}
