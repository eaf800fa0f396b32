// A codebook that starts as the k-means centres of encoded images: Lloyd's iteration from random vectors (Lloyd,
// "Least squares quantization in PCM", 1982). Tables that depend on each other, as those of residual stages do, are
// made one after the other.
import type { Scope } from "../../nn/index.ts";
import { countCodes, type Lookup, nearestCodes } from "../../nn/quantizers/index.ts";
import {
  and,
  argSort,
  broadcastTo,
  cast,
  constant,
  expandDims,
  full,
  gather,
  greater,
  greaterOrEqual,
  less,
  maximum,
  mean,
  range,
  scatterAlongAxis,
  sizeValue,
  sum,
  where,
} from "../../ops/index.ts";
import type { BatchSpec, Iteration, Phase, PhaseProgram } from "../../step/index.ts";
import { item, mapTree, scalar, type Tensor, type Tree } from "../../tensor/index.ts";
import { uniform, type Value } from "../../trace/index.ts";

/** The tables of a quantizer, all of one size. */
export interface Tables {
  readonly count: number;
  readonly codes: number;
  readonly dimension: number;
}

interface StartState {
  /** Of the training that follows. */
  readonly train: Tree<Value>;
  /** Of the vectors of each code, [codes, dimension], and how many, [codes]. */
  readonly sums: Value;
  readonly counts: Value;
}

const rounds = 5;
/** Vectors for each code in a round; fewer would leave codes without. */
const vectorsPerCode = 4;

/** Encodes a batch, and says what was looked up. */
type Encoded = (
  state: Tree<Value>,
  batch: Readonly<Record<string, Value>>,
  scope: Scope,
) => readonly Lookup[];

/** The phase before `training`, which begins where it ends. */
export function codebookStart(
  training: Phase,
  batch: BatchSpec,
  tables: Tables,
  encoded: Encoded,
): readonly Phase[] {
  const { codes, dimension, count } = tables;
  const indices = Array.from({ length: count }, (_, i) => i);
  const start: Phase = {
    name: "start",
    iterations: 1,
    programs: Object.fromEntries(
      indices.flatMap((i) => {
        // Of all lookups of a batch, those in table i.
        const own: Own = (state, given, scope) =>
          encoded(state, given as Readonly<Record<string, Value>>, scope)[i] as Lookup;
        return [
          [`seed${i}`, seedProgram(batch, own)],
          [`collect${i}`, collectProgram(batch, own, tables)],
          [`move${i}`, moveProgram(batch, own, tables)],
        ];
      }),
    ),
    init: (key, previous) => ({
      train: training.init(key, previous),
      sums: full([codes, dimension], 0),
      counts: full([codes], 0),
    }),
    iterate: async (iteration) => {
      let distortion = 0;
      for (const i of indices) distortion = await lloyd(iteration, i, codes);
      return { distortion };
    },
  };
  const begun = (previous: unknown): Tree<Value> => (previous as StartState).train;
  return [start, { ...training, init: (_key, previous) => begun(previous) }];
}

type Own = (state: Tree<Value>, batch: Tree<Value> | undefined, scope: Scope) => Lookup;

const stateOf = (state: Tree<Value>): StartState => state as unknown as StartState;

/** Puts the vectors of a batch, in random order, into the table from row `offset` on. */
const seedProgram = (batch: BatchSpec, own: Own): PhaseProgram => ({
  inputs: { batch, offset: { dtype: "int32", shape: [] } },
  build: ({ state, batch: given, offset }, scope) => {
    const before = stateOf(state);
    const { path, vectors } = own(before.train, given, scope);
    const order = argSort(uniform(scope.key.at("order"), [vectors.size(0)]));
    const old = tableAt(before.train, path);
    const table = placed(old, gather(vectors, order, 0), offset as Value);
    const train = withTable(before.train, path, table);
    return { state: { ...before, train } as unknown as Tree<Value>, rows: rowCount(vectors) };
  },
});

/** Adds the vectors of a batch to the sums of their codes. */
const collectProgram = (batch: BatchSpec, own: Own, { codes }: Tables): PhaseProgram => ({
  inputs: { batch },
  build: ({ state, batch: given }, scope) => {
    const before = stateOf(state);
    const { path, vectors, indices } = own(before.train, given, scope);
    const found = sumsOf(vectors, indices, codes);
    const sums = before.sums.add(found.sums);
    const counts = before.counts.add(found.counts);
    const chosen = gather(tableAt(before.train, path), indices, 0);
    const distortion = mean(sum(vectors.sub(chosen).square(), -1));
    const next = { ...before, sums, counts } as unknown as Tree<Value>;
    return { state: next, rows: rowCount(vectors), distortion };
  },
});

/** Moves the codes to the means, and begins new sums. The batch only says where the table is. */
const moveProgram = (batch: BatchSpec, own: Own, { codes, dimension }: Tables): PhaseProgram => ({
  inputs: { batch },
  build: ({ state, batch: given }, scope) => {
    const before = stateOf(state);
    const { path } = own(before.train, given, scope);
    const table = lloydCentres(tableAt(before.train, path), before.sums, before.counts);
    const [sums, counts] = [full([codes, dimension], 0), full([codes], 0)];
    const train = withTable(before.train, path, table);
    return { state: { train, sums, counts } as unknown as Tree<Value> };
  },
});

interface Sums {
  /** [codes, dimension]. */
  readonly sums: Value;
  /** [codes]. */
  readonly counts: Value;
}

/** Of the vectors [N, D] of each code. */
const sumsOf = (vectors: Value, indices: Value, codes: number): Sums => ({
  sums: scatterAlongAxis(vectors, broadcastTo(expandDims(indices, -1), vectors.shape), 0, codes),
  counts: countCodes(indices, codes),
});

/** Half of a round: vectors [N, D] added up by the nearest row of the table [codes, D]. */
export const lloydSums = (vectors: Value, table: Value): Sums =>
  sumsOf(vectors, nearestCodes(vectors, table), table.size(0) as number);

/** The other half: each row becomes the mean of its vectors, or stays where it has none. */
export function lloydCentres(table: Value, sums: Value, counts: Value): Value {
  const number = expandDims(counts, -1);
  return where(greater(number, 0), sums.div(maximum(number, 1)), table);
}

/** Number of rows, as float32. */
const rowCount = (vectors: Value): Value => {
  const rows = sizeValue(vectors.size(0), vectors);
  return typeof rows === "number" ? constant(rows) : rows;
};

/** Runs the programs of one table; returns the mean squared distance to the centres in the last round. */
async function lloyd(iteration: Iteration, table: number, codes: number): Promise<number> {
  const run = async (program: string, inputs: Readonly<Record<string, Tree<Tensor>>>) => {
    const outputs = await iteration.run(`${program}${table}`, inputs);
    return (name: string): number => item(outputs[name] as Tensor);
  };
  for (let filled = 0; filled < codes; ) {
    const batch = iteration.next();
    filled += (await run("seed", { batch, offset: scalar(filled, "int32") }))("rows");
  }
  let distortion = 0;
  for (let round = 0; round < rounds; round++) {
    let batch = iteration.next();
    for (let seen = 0; ; batch = iteration.next()) {
      const read = await run("collect", { batch });
      distortion = read("distortion");
      seen += read("rows");
      if (seen >= vectorsPerCode * codes) break;
    }
    await run("move", { batch });
  }
  return distortion;
}

/** The table with `vectors` [N, D] from row `offset` on. */
function placed(table: Value, vectors: Value, offset: Value): Value {
  const rows = table.size(0) as number;
  const place = cast(range(rows), "int32").sub(offset);
  const number = cast(rowCount(vectors), "int32");
  const inside = and(greaterOrEqual(place, 0), less(place, number));
  const source = where(inside, place, full([rows], 0, "int32"));
  return where(expandDims(inside, -1), gather(vectors, source, 0), table);
}

const isTable = (at: string, path: string): boolean =>
  at === `params.quantizer.${path}` || at === `buffers.quantizer.${path}`;

function tableAt(state: Tree<Value>, path: string): Value {
  let found: Value | undefined;
  mapTree<Value, Value>(state, (leaf, at) => {
    if (isTable(at, path)) found = leaf;
    return leaf;
  });
  return found as Value;
}

/** The state with another table; a moving average begins anew, with one vector a code. */
function withTable(state: Tree<Value>, path: string, table: Value): Tree<Value> {
  const beside = path.slice(0, path.length - "codebook".length);
  return mapTree<Value, Value>(state, (leaf, at) => {
    if (isTable(at, path) || at === `buffers.quantizer.${beside}sums`) return table;
    return at === `buffers.quantizer.${beside}counts` ? full(leaf.shape, 1) : leaf;
  });
}
