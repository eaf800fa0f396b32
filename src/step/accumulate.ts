import { gradientTree } from "../autodiff/index.ts";
import type { Scope } from "../nn/index.ts";
import { barrier, sizeValue, slice } from "../ops/index.ts";
import {
  floorDivSize,
  leaves,
  mulSize,
  ReparamError,
  type Size,
  subSize,
  type Tree,
  zipTrees,
} from "../tensor/index.ts";
import type { Operand, Value } from "../trace/index.ts";
import type { LossTerms } from "./gradient-step.ts";

type Columns = Readonly<Record<string, Value>>;

export interface Accumulated {
  readonly terms: LossTerms;
  readonly gradient: Tree<Value>;
}

/**
 * Loss, terms and gradient of a batch, as the weighted mean of those of consecutive parts of its rows. Every
 * part waits for the gradient of the one before, so that their intermediate results are never there together.
 */
export function accumulate(
  loss: (columns: Columns, scope: Scope) => LossTerms,
  given: {
    readonly columns: Columns;
    readonly params: Tree<Value>;
    readonly parts: number;
    readonly scope: Scope;
  },
): Accumulated {
  const { columns, params, parts, scope } = given;
  if (!Number.isInteger(parts) || parts < 1) {
    throw new ReparamError(`gradientStep: accumulate must be a positive integer, got ${parts}.`);
  }
  if (parts === 1) {
    const terms = loss(columns, scope);
    return { terms, gradient: gradientTree(terms.loss, params) };
  }
  const like = leaves<Value>(params)[0] as Value;
  let sum: Accumulated | undefined;
  for (let i = 0; i < parts; i++) {
    const { rows, weight } = partOf(columns, i, parts, sum && last(sum.gradient), like);
    const part = loss(rows, i === 0 ? scope.at("part0") : scope.reading(`part${i}`));
    const terms = Object.fromEntries(
      Object.entries(part).map(([name, term]) => [name, term.mul(weight)]),
    ) as unknown as LossTerms;
    const gradient = gradientTree(terms.loss, params);
    sum =
      sum === undefined
        ? { terms, gradient }
        : { terms: addTrees(sum.terms, terms), gradient: addTrees(sum.gradient, gradient) };
  }
  return sum as Accumulated;
}

const addTrees = <T>(a: T, b: T): T =>
  zipTrees<Value, Value, T>(a, [b], ([x, y]) => (x as Value).add(y as Value)) as T;

/** The gradient that was traced last: it stands for the whole backward pass. */
const last = (gradient: Tree<Value>): Value =>
  leaves<Value>(gradient).reduce((a, b) => (a.node.id > b.node.id ? a : b));

/** Rows ⌊iB/n⌋ … ⌊(i + 1)B/n⌋ of every column, after `before`; and their share of the batch. */
function partOf(
  columns: Columns,
  i: number,
  parts: number,
  before: Value | undefined,
  like: Value,
): { rows: Columns; weight: Operand } {
  const [first] = Object.values(columns);
  if (first === undefined) throw new ReparamError("gradientStep: the batch has no column.");
  const size = first.size(0);
  if (typeof size === "number" && size < parts) {
    throw new ReparamError(`gradientStep: a batch of ${size} rows has no ${parts} parts.`);
  }
  const bound = (k: number): Size => floorDivSize(mulSize(size, k), parts);
  const [start, end] = [bound(i), bound(i + 1)];
  const rows = Object.fromEntries(
    Object.entries(columns).map(([name, column]) => {
      const cut = slice(column, 0, start, end);
      return [name, before === undefined ? cut : barrier(cut, before)];
    }),
  );
  return { rows, weight: share(subSize(end, start), size, like) };
}

function share(count: Size, of: Size, like: Value): Operand {
  if (typeof count === "number" && typeof of === "number") return count / of;
  return (sizeValue(count, like) as Value).div(sizeValue(of, like));
}
