// Tables of attention fitted to given stochastic tables, many independent problems side by side.
import { gradientTree } from "reparam/autodiff";
import { compile } from "reparam/onnx";
import { einsum, log, logSoftmax, logSumExp, matmul, mean, reshape, sum } from "reparam/ops";
import { adam, applyUpdates, schedules } from "reparam/optim";
import { fillNormal, fillUniform, type Tensor, type Tree, tensor } from "reparam/tensor";
import { evaluate, trace, type Value } from "reparam/trace";
import { hold } from "../../src/onnx/program.ts";

/** What heads are mixed: nothing, logits by a matrix, tables by a stochastic matrix, or both. */
export type Mixing = "none" | "logits" | "tables" | "both";

export interface Setting {
  /** Rows and columns of a table. */
  readonly n: number;
  readonly heads: number;
  /** Size of a head's queries and keys. */
  readonly keySize: number;
  readonly mixing: Mixing;
  /** Tables that the heads are to give: one a head, or one of them all. */
  readonly tables: number;
}

/** Numbers that are free: queries and keys, and what mixes them. */
export function parameterCount({ n, heads, keySize, mixing, tables }: Setting): number {
  const logits = mixing === "logits" ? tables * heads : mixing === "both" ? heads * heads : 0;
  const weights = mixing === "tables" || mixing === "both" ? tables * heads : 0;
  return 2 * n * heads * keySize + logits + weights;
}

/** A table [n, n] whose rows are uniform on the simplex: normalized exponential variates. */
export function randomTable(n: number, seed: number, path: string): Float64Array {
  const table = new Float64Array(n * n);
  fillUniform(table, { seed, step: 0, path });
  for (let row = 0; row < n; row++) {
    const cells = table.subarray(row * n, (row + 1) * n).map((u) => -Math.log(u));
    const total = cells.reduce((a, b) => a + b);
    table.set(
      cells.map((cell) => cell / total),
      row * n,
    );
  }
  return table;
}

type Params = Readonly<Record<string, Value>>;

/** log of the tables [B, tables, n, n] by queries and keys [B, heads, n, k] and the mixing. */
function logTables({ queries, keys, logitMix, tableMix }: Params, keySize: number): Value {
  const raw = matmul(queries as Value, keys as Value, { transposeB: true }).mul(keySize ** -0.5);
  const logits = logitMix === undefined ? raw : einsum("boh,bhij->boij", logitMix, raw);
  const heads = logSoftmax(logits);
  if (tableMix === undefined) return heads;
  const [B, o, h] = tableMix.shape as [number, number, number];
  const [n] = heads.shape.slice(-1) as [number];
  const share = reshape(logSoftmax(tableMix), [B, o, h, 1, 1]);
  return logSumExp(share.add(reshape(heads, [B, 1, h, n, n])), 2);
}

/** KL(target ‖ tables), nats a row, of each problem: [B]. */
const divergence = (target: Value, logTable: Value): Value =>
  mean(sum(target.mul(log(target.add(1e-30)).sub(logTable)), -1), [1, 2]);

function initialParams({ n, heads, keySize, mixing, tables }: Setting, problems: number) {
  const draw = (shape: readonly number[], scale: number, path: string): Tensor => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    fillNormal(data, { seed: 0, step: 0, path });
    return tensor(
      data.map((z) => z * scale),
      shape,
    );
  };
  const params: Record<string, Tensor> = {
    queries: draw([problems, heads, n, keySize], 1, "queries"),
    keys: draw([problems, heads, n, keySize], 1, "keys"),
  };
  if (mixing === "logits") params.logitMix = near([problems, tables, heads], draw);
  if (mixing === "both") params.logitMix = near([problems, heads, heads], draw);
  if (mixing === "tables" || mixing === "both") {
    params.tableMix = near([problems, tables, heads], draw);
  }
  return params;
}

/** The identity where it is square, and some noise. */
function near(
  shape: readonly [number, number, number],
  draw: (shape: readonly number[], scale: number, path: string) => Tensor,
): Tensor {
  const noise = draw(shape, 0.3, `mix${shape.join()}`);
  const [, rows, columns] = shape;
  const data = noise.data as Float32Array;
  if (rows !== columns) return noise;
  return tensor(
    data.map((z, i) => z + (Math.floor(i / columns) % rows === i % columns ? 1 : 0)),
    shape,
  );
}

/**
 * The least divergences that gradient descent by Adam finds, of each seed the best of its `starts`, nats a row.
 * Every seed has tables of its own.
 */
export async function fitTables(
  setting: Setting,
  {
    seeds,
    starts,
    steps,
  }: { readonly seeds: number; readonly starts: number; readonly steps: number },
): Promise<number[]> {
  const { n, tables, keySize } = setting;
  const problems = seeds * starts;
  const target = new Float32Array(problems * tables * n * n);
  for (let problem = 0; problem < problems; problem++) {
    const seed = Math.floor(problem / starts);
    for (let table = 0; table < tables; table++) {
      target.set(randomTable(n, seed, `table${table}`), (problem * tables + table) * n * n);
    }
  }
  const optimizer = adam({
    learningRate: schedules.cosine({ start: 0.05, total: steps, floor: 1e-4 }),
  });
  const params = initialParams(setting, problems);
  const started = trace(
    ({ params: given }) => ({ optimizer: optimizer.init(given as Tree<Value>) }),
    { params },
  );
  const begin = {
    params,
    optimizer: evaluate(started, { params }).optimizer as Tree<Tensor>,
    target: tensor(target, [problems, tables, n, n]),
  };
  const program = await compile<{ state: typeof begin }, Record<string, Tree<Value>>>(
    ({ state }) => {
      const now = state as unknown as { params: Params; optimizer: Tree<Value>; target: Value };
      const each = divergence(now.target, logTables(now.params, keySize));
      const { updates, state: next } = optimizer.update(
        gradientTree(sum(each), now.params) as Tree<Value>,
        now.optimizer,
        now.params as Tree<Value>,
      );
      const moved = applyUpdates(now.params, updates);
      return {
        state: { params: moved, optimizer: next, target: now.target } as Tree<Value>,
        divergence: each,
      };
    },
    { state: begin },
    { threads: 1 },
  );
  let state = hold(begin as Tree<Tensor>);
  const best = new Array<number>(seeds).fill(Number.POSITIVE_INFINITY);
  const together = 100;
  for (let done = 0; done < steps; done += together) {
    const inputs = Array.from({ length: Math.min(together, steps - done) }, () => ({}));
    const result = await program.runSteps(state, inputs, { seed: 0, step: done });
    state = result.state;
    const last = result.steps.at(-1) as unknown as { divergence: Tensor };
    for (const [problem, value] of (last.divergence.data as Float32Array).entries()) {
      const seed = Math.floor(problem / starts);
      best[seed] = Math.min(best[seed] as number, value);
    }
  }
  await program.release();
  return best;
}
