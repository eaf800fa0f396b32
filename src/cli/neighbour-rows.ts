// What `neighbours` finds where the data are no images: words by their vectors, and documents by theirs.
import type { Split } from "../data/index.ts";
import type { Neighbours, VectorDistance } from "../metrics/nearest-neighbours.ts";
import { formatDuration, formatNumber } from "../report/table.ts";
import { ReparamError, type Tensor } from "../tensor/index.ts";
import type { Tokenizer } from "../text/index.ts";
import type { openTrained } from "./runs.ts";
import type { Context } from "./terminal.ts";
import type { Figures } from "./verb.ts";

type Trained = Awaited<ReturnType<typeof openTrained>>;

/** Things with a name and a vector, and those of them, or others, that were asked for. */
interface NamedRows {
  readonly what: string;
  readonly names: readonly string[];
  /** [N, D] */
  readonly vectors: Tensor;
  readonly asked: { readonly names: readonly string[]; readonly vectors: Tensor };
}

/** Whether a run's encoder reads words or documents. */
export const readsText = ({ method }: Trained): boolean => {
  const inputs = method.functions.encode?.inputs ?? {};
  return "tokens" in inputs || "counts" in inputs;
};

/** What was asked for, and what is near it. */
export interface FoundRow {
  readonly name: string;
  readonly nearest: readonly { readonly name: string; readonly distance: number }[];
}

/** Results of a search by name, the nearest first. */
export function foundRows(
  asked: readonly string[],
  names: readonly string[],
  { indices, distances }: Neighbours,
): FoundRow[] {
  const count = indices.length / asked.length;
  return asked.map((name, row) => ({
    name,
    nearest: Array.from({ length: count }, (_, k) => ({
      name: names[indices[row * count + k] as number] as string,
      distance: distances[row * count + k] as number,
    })),
  }));
}

export function sayRows(rows: readonly FoundRow[], context: Context): void {
  for (const { name, nearest } of rows) {
    context.say(name);
    for (const each of nearest) {
      context.say(`  ${formatNumber(each.distance).padEnd(9)} ${each.name}`);
    }
  }
}

/** Words or documents near those that were asked for, said a line each. A word is not its own neighbour. */
export async function nearestNames(
  run: Trained,
  query: string,
  flags: Readonly<Record<string, unknown>>,
  context: Context,
): Promise<Figures> {
  const { vectorIndex } = await import("../metrics/nearest-neighbours.ts");
  const { what, names, vectors, asked } = await namedRows(run, query);
  const distance = flags.distance as VectorDistance;
  const neighbours = Math.min((flags.count as number) + 1, names.length);
  const index = await vectorIndex(vectors, {
    neighbours,
    distance,
    threads: flags.threads as number,
  });
  const start = performance.now();
  const found = await index.search(asked.vectors);
  const seconds = (performance.now() - start) / 1000;
  await index.release();
  const rows = foundRows(asked.names, names, found).map(({ name, nearest }) => ({
    name,
    nearest: nearest.filter((each) => each.name !== name).slice(0, flags.count as number),
  }));
  sayRows(rows, context);
  context.say(
    `${distance} neighbours among ${names.length} ${what}, found in ${formatDuration(seconds)}`,
  );
  return { rows, distance, searched: names.length, seconds };
}

/** `query` is words, or numbers of test documents, with commas between. */
async function namedRows(run: Trained, query: string): Promise<NamedRows> {
  const { tokenizer } = run.dataset;
  return tokenizer === undefined ? documents(run, query) : words(run, tokenizer, query);
}

async function words(run: Trained, tokenizer: Tokenizer, query: string): Promise<NamedRows> {
  const { compileFunction } = await import("../run/index.ts");
  const asked = query.split(",").map((word) => wordId(tokenizer, word.trim()));
  const count = tokenizer.special.end; // words come first
  const ids = Int32Array.from({ length: count }, (_, id) => id);
  const encode = await compileFunction(run.method, "encode", run.weights);
  const tokens: Tensor = { dtype: "int32", shape: [count, 1], data: ids };
  const { latent } = await encode.run({ tokens });
  await encode.release();
  const size = (latent?.data.length ?? 0) / count;
  const vectors: Tensor = { dtype: "float32", shape: [count, size], data: latent?.data as never };
  const names = Array.from(ids, (id) => tokenizer.decode([id]).trim());
  return {
    ...{ what: "words", names, vectors },
    asked: { names: asked.map((id) => names[id] as string), vectors: rowsAt(vectors, asked) },
  };
}

/** @throws ReparamError for what is no token of its own. */
function wordId(tokenizer: Tokenizer, word: string): number {
  // Pieces of words are others after a space.
  for (const text of [word, ` ${word}`]) {
    const [id, ...more] = tokenizer.encode(text);
    if (id !== undefined && more.length === 0 && id < tokenizer.special.end) return id;
  }
  throw new ReparamError(
    `"${word}" is not among the ${tokenizer.special.end} words of the run. Ask for another, or train with a larger --vocabulary.`,
  );
}

async function documents(run: Trained, query: string): Promise<NamedRows> {
  const { compileFunction, mapSplit } = await import("../run/index.ts");
  const { train, test, names } = run.dataset;
  const titles = ({ columns, length }: Split, split: string): string[] =>
    Array.from(
      { length },
      (_, row) => names?.document?.[Number(columns.document?.data[row])] ?? `${split} ${row}`,
    );
  const rows = query.split(",").map(Number);
  const wrong = rows.find((row) => !Number.isInteger(row) || row < 0 || row >= test.length);
  if (wrong !== undefined) {
    throw new ReparamError(
      `${query}: of documents give numbers of the test part, 0 to ${test.length - 1}, with commas between.`,
    );
  }
  const encode = await compileFunction(run.method, "encode", run.weights);
  const vectors = (await mapSplit(encode, train)).latent as Tensor;
  const others = (await mapSplit(encode, test)).latent as Tensor;
  await encode.release();
  return {
    ...{ what: "documents", vectors },
    names: titles(train, "train"),
    asked: {
      names: rows.map((row) => titles(test, "test")[row] as string),
      vectors: rowsAt(others, rows),
    },
  };
}

function rowsAt({ shape, data }: Tensor, rows: readonly number[]): Tensor {
  const size = shape[1] as number;
  const out = new Float32Array(rows.length * size);
  for (const [i, row] of rows.entries()) {
    out.set(data.subarray(row * size, (row + 1) * size) as Float32Array, i * size);
  }
  return { dtype: "float32", shape: [rows.length, size], data: out };
}
