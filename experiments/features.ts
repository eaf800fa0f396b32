// Trains the small classifiers whose features serve the Fréchet distance, and writes assets/features: a model for
// each of MNIST, Fashion-MNIST and CIFAR-10, and a README with accuracies and checksums.
// npx tsx experiments/features.ts [--only mnist] [--quick] [--threads 1] [--data FOLDER] [--json]
// A model that is there is measured, not trained again; remove its file to train it.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import {
  createSession,
  type Dataset,
  exportModel,
  fit,
  loadDataset,
  type Split,
  weightsOf,
} from "reparam";
import { markdownTable } from "reparam/report";
import {
  type ClassifierSize,
  createClassifier,
  exampleOf,
  featuresOf,
} from "./features/classifier.ts";
import { flag, printJson, quick, threads } from "./figures/command-line.ts";

const only = flag("only");
const folder = quick ? "runs/experiments/features-quick" : "assets/features";
const seed = 0;
const batchSize = 100;

interface Setting extends ClassifierSize {
  readonly data: string;
  readonly epochs: number;
}

const settings: readonly Setting[] = [
  { data: "mnist", width: 16, flips: false, epochs: 2 },
  { data: "fashion-mnist", width: 16, flips: true, epochs: 4 },
  { data: "cifar10", width: 32, flips: true, epochs: 8 },
];

/** Trains on all training images, and writes the classifier as one ONNX file. */
async function trainModel(setting: Setting, dataset: Dataset, file: string): Promise<void> {
  const steps = quick ? 4 : Math.ceil(dataset.train.length / batchSize) * setting.epochs;
  const image = dataset.train.columns.image?.shape as [number, number, number];
  const method = createClassifier(image, setting, steps);
  // A training that was killed goes on from here.
  const run = `runs/experiments/features-${setting.data}${quick ? "-quick" : ""}`;
  await mkdir(run, { recursive: true });
  const { state } = await fit({
    ...{ method, train: dataset.train, batchSize, seed, steps, threads, folder: run },
    onProgress: ({ step, metrics }) => {
      if (step % 100 === 0) console.error(setting.data, step, steps, metrics);
    },
  });
  const weights = weightsOf(method, state);
  const model = exportModel((given) => featuresOf(given as never), exampleOf(image, weights), {
    name: `features-${setting.data}`,
    metadata: {
      data: setting.data,
      outputs: "features [B, D], the last layer's input; logits [B, 10]",
      preprocessing: "image: bytes 0 … 255, [batch, channels, height, width]",
      settings: JSON.stringify({ ...setting, seed, batchSize }),
    },
  });
  await mkdir(folder, { recursive: true });
  await writeFile(file, model.bytes);
}

interface Measured {
  readonly accuracy: number;
  readonly features: number;
}

/** Share of test images that the file puts into their class. */
async function measure(file: string, test: Split): Promise<Measured> {
  const session = await createSession(await readFile(file), { threads });
  const { image, label } = test.columns as Required<typeof test.columns>;
  const size = image?.shape.reduce((n, d) => n * d, 1) as number;
  let [right, features] = [0, 0];
  for (let at = 0; at < test.length; at += batchSize) {
    const to = Math.min(at + batchSize, test.length);
    const data = image?.data.subarray(at * size, to * size) as Uint8Array<ArrayBuffer>;
    const rows = { dtype: "uint8", shape: [to - at, ...(image?.shape ?? [])], data } as const;
    const outputs = await session.run(new Map([["image", rows]]));
    const logits = outputs.get("logits")?.data as Float32Array;
    features = outputs.get("features")?.shape[1] as number;
    for (let i = at; i < to; i++) {
      const row = logits.subarray((i - at) * 10, (i - at + 1) * 10);
      right += Number(row.indexOf(Math.max(...row)) === Number(label?.data[i]));
    }
  }
  await session.release();
  return { accuracy: right / test.length, features };
}

const readme = (rows: string[][]): string => `# Feature extractors

Small convolutional classifiers, each trained by this library on the training images of one data set. Their
features, the input of the last layer, serve the Fréchet distance between sets of images of the same size and
number of channels. Distances by one extractor compare with each other only: quote the checksum with every figure.

${markdownTable(["file", "features", "test accuracy", "bytes", "SHA-256"], rows)}

Input \`image\`: bytes [batch, channels, height, width]. Outputs \`features\` and \`logits\`.

\`\`\`
npx tsx experiments/features.ts
\`\`\`

trains what is missing here (a quarter of an hour on two cores), with seed ${seed}; numbers of another machine or
number of threads differ in the last digits.
`;

const rows: string[][] = [];
const cells: Record<string, readonly Record<string, number>[]> = {};
const checksums: Record<string, string> = {};
for (const setting of settings.filter(({ data }) => only === undefined || data === only)) {
  const name = flag("data") ?? setting.data;
  const file = `${folder}/${setting.data}.onnx`;
  const dataset = await loadDataset(name, { validation: 0, ...(quick ? { limit: 300 } : {}) });
  if (!existsSync(file)) await trainModel(setting, dataset, file);
  const { accuracy, features } = await measure(file, dataset.test);
  const bytes = await readFile(file);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const known = [`${setting.data}.onnx`, String(features), `${(100 * accuracy).toFixed(2)} %`];
  rows.push([...known, String(bytes.length), sha256]);
  cells[setting.data] = [{ accuracy, features, bytes: bytes.length }];
  checksums[setting.data] = sha256;
}
if (only === undefined && !quick) await writeFile(`${folder}/README.md`, readme(rows));
console.log(markdownTable(["file", "features", "test accuracy", "bytes", "SHA-256"], rows));
printJson({ seed, cells, checksums });
