// One trained model, and what is measured of it.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { compileFunction, findMethod, train } from "reparam";
import type { Dataset, Split } from "reparam/data";
import { topicTerms } from "reparam/methods/em";
import { dataShape, rowsOf } from "reparam/run";
import type { Method } from "reparam/step";
import type { Tensor, Tree } from "reparam/tensor";
import { flag, quick, rootOf } from "../figures/command-line.ts";

/** Images serve too: their pixels are the terms. */
const data = flag("data") ?? "state-of-the-union";
export const root = rootOf("topics");

export interface Cell {
  /** Of the words of the other half of each document. */
  readonly figures: Readonly<Record<"trainPerplexity" | "testPerplexity", number>>;
  /** Test perplexity by steps of fold-in. */
  readonly foldIn: Readonly<Record<number, number>>;
  /** The likeliest terms of every topic. */
  readonly topics: readonly (readonly string[])[];
  /** Shares of topics in the training documents, and their years where titles have them. */
  readonly shares: readonly (readonly number[])[];
  readonly years: readonly number[];
}

const foldInSteps = [1, 2, 5, 20, 100];

/** Trains, or takes the run that is there already. */
export async function run(topics: number, seed: number): Promise<Cell> {
  const folder = `${root}/${topics}-seed${seed}`;
  const file = `${folder}/cell.json`;
  if (existsSync(file)) return JSON.parse(await readFile(file, "utf8")) as Cell;
  console.error(`${topics} topics, seed ${seed} …`);
  await mkdir(folder, { recursive: true });
  const options = { topics, smoothing: 0.1, tolerance: 1e-5 };
  const length = quick ? { epochs: 5 } : { epochs: 300 };
  const model = await train("plsa", { ...length, data, options, seed, folder });
  const { dataset, method, weights } = model;
  const steps: [number, number][] = [];
  for (const foldIn of foldInSteps) {
    const other = await methodWith({ ...options, foldIn }, dataset);
    steps.push([foldIn, await perplexity(other, weights, dataset.test)]);
  }
  const topicsOf = (weights as unknown as { topics: Tensor }).topics;
  const { latent } = await model.call<"latent">("encode", documentsOf(dataset.train));
  const names = dataset.names?.counts ?? pixels(topicsOf.shape[1] as number);
  const places = Array.from((dataset.train.columns.document?.data ?? []) as ArrayLike<number>);
  const cell: Cell = {
    figures: {
      trainPerplexity: await perplexity(method, weights, dataset.train),
      testPerplexity: await perplexity(method, weights, dataset.test),
    },
    foldIn: Object.fromEntries(steps),
    topics: topicTerms(topicsOf, names, 8).map((row) => row.map(({ term }) => term)),
    shares: Array.from({ length: latent.shape[0] as number }, (_, d) => [
      ...(latent.data as Float64Array).subarray(d * topics, (d + 1) * topics),
    ]),
    years: places.map((place) => Number.parseInt(dataset.names?.document?.[place] ?? "", 10)),
  };
  await writeFile(file, JSON.stringify(cell));
  return cell;
}

const pixels = (size: number): string[] => Array.from({ length: size }, (_, i) => `pixel${i}`);

async function methodWith(
  options: Readonly<Record<string, unknown>>,
  dataset: Dataset,
): Promise<Method> {
  const definition = await findMethod("plsa");
  return definition.create(definition.options.parse(options), dataShape(dataset, 256));
}

/** The column of documents of a split. */
function documentsOf(split: Split): Record<string, Tensor> {
  const { counts, image } = rowsOf(split, 0, split.length);
  return counts === undefined ? { image: image as Tensor } : { counts };
}

/** exp(−Σ n(d, w) log p(w|d) / Σ n(d, w)), a document counting by its words. */
async function perplexity(method: Method, weights: Tree<Tensor>, split: Split): Promise<number> {
  const evaluate = await compileFunction(method, "evaluate", weights, { threads: 1 });
  const documents = documentsOf(split);
  const { negativeLogLikelihood } = await evaluate.run(documents);
  await evaluate.release();
  const counts = Object.values(documents)[0] as Tensor;
  const size = counts.data.length / split.length;
  let [nats, words] = [0, 0];
  for (const [d, loss] of ((negativeLogLikelihood as Tensor).data as Float64Array).entries()) {
    const row = counts.data.subarray(d * size, (d + 1) * size) as Float64Array;
    const length = row.reduce((sum, n) => sum + n, 0);
    nats += length * loss;
    words += length;
  }
  return Math.exp(nats / words);
}
