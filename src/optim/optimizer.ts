import { cast, concat, full, reshape, slice } from "../ops/index.ts";
import {
  addSize,
  eachLeaf,
  mapTree,
  ReparamError,
  type Size,
  sizeOf,
  type Tree,
  zipTrees,
} from "../tensor/index.ts";
import { currentTrace, type Operand, type Value } from "../trace/index.ts";

/** What an optimizer makes of a step's gradients. */
export interface OptimizerStep {
  /** To be added to the parameters, by `applyUpdates`. A parameter without an update stays as it is. */
  readonly updates: Tree<Value>;
  readonly state: Tree<Value>;
}

/**
 * A rule that turns gradients into updates: two pure functions with the state between them, traced into
 * the program of the training step. Gradients and updates are trees like the parameters, of which they may
 * leave out parts. Optimizers form chains: the updates of one are the gradients of the next.
 */
export interface Optimizer {
  readonly init: (params: Tree<Value>) => Tree<Value>;
  readonly update: (
    gradients: Tree<Value>,
    state: Tree<Value>,
    params: Tree<Value>,
  ) => OptimizerStep;
}

/**
 * A value that may change from step to step: a function of the number of steps done, which counts from 0
 * and comes as a floating-point scalar of the parameters' dtype.
 */
export type Schedule = (step: Value) => Value;

/** The rate at a step: the number itself, or the schedule's value. */
export const rateAt = (rate: number | Schedule, step: Value): Operand =>
  typeof rate === "number" ? rate : rate(step);

/** params + updates. Parameters without an update are passed on bit for bit. */
export function applyUpdates<P>(params: P, updates: Tree<Value>): P {
  const byPath = new Map<string, Value>();
  eachLeaf(updates, (update, path) => byPath.set(path, update));
  const next = mapTree<Value, Value, P>(params, (param, path) => {
    const update = byPath.get(path);
    byPath.delete(path);
    return update === undefined ? param : param.add(update);
  });
  for (const path of byPath.keys()) {
    throw new ReparamError(`applyUpdates: there is an update for "${path}" but no such parameter.`);
  }
  return next as P;
}

/** All elements in one dimension. */
export const flat = (x: Value): Value => reshape(x, [-1]);

/** Elements below which a parameter is worked on together with the other small ones. */
const smallLimit = 16384;

const isSmall = (x: Value): boolean => {
  const size = sizeOf(x.shape);
  return typeof size === "number" && size < smallLimit;
};

/**
 * The form in which elementwise rules work here: every large leaf in one dimension by its path, and all
 * small ones one after the other. The runtime is up to 19 times slower at a scalar against a shape that
 * ends in 1, 1, as that of a 1×1 convolution does; and an operation on a bias costs as much time as its
 * call, so all biases together cost what one does.
 */
export function pack(tree: Tree<Value>): Readonly<Record<string, Value>> {
  const packed: Record<string, Value> = {};
  const small: Value[] = [];
  eachLeaf(tree, (leaf, path) => {
    if (isSmall(leaf)) small.push(flat(leaf));
    else packed[path] = flat(leaf);
  });
  return small.length === 0 ? packed : { ...packed, small: concat(small, 0) };
}

/** Leaves of the shapes of `like` from their packed form. */
export function unpack(packed: Tree<Value>, like: Tree<Value>): Tree<Value> {
  const byName = packed as Readonly<Record<string, Value>>;
  let at: Size = 0;
  return mapLeaves(like, (leaf, path) => {
    const whole = byName[path];
    if (whole !== undefined) return reshape(whole, leaf.shape);
    const from = at;
    at = addSize(at, sizeOf(leaf.shape));
    return reshape(slice(byName.small as Value, 0, from, at), leaf.shape);
  });
}

/** Zeros in the packed form of the parameters: how moments start. */
export const packedZeros = (params: Tree<Value>): Tree<Value> =>
  mapLeaves(pack(params), (leaf) => full(leaf.shape, 0, leaf.dtype));

/** The tree with other leaves. */
export const mapLeaves = (
  tree: Tree<Value>,
  replace: (leaf: Value, path: string) => Value,
): Tree<Value> => mapTree<Value, Value, unknown>(tree, replace) as Tree<Value>;

/** Leaves of equal path combined; the first tree gives the structure, others may have more. */
export const combineLeaves = (
  first: Tree<Value>,
  others: readonly Tree<Value>[],
  combine: (...leaves: [Value, Value, Value]) => Value,
): Tree<Value> =>
  zipTrees<Value, Value, unknown>(first, others, (leaves) =>
    combine(...(leaves as [Value, Value, Value])),
  ) as Tree<Value>;

/** The number of steps done, as int32: float32 would stop counting at 2²⁴. */
export const initialCount = (): Value =>
  currentTrace().constant({ dtype: "int32", shape: [], data: new Int32Array(1) });

/** The count as a floating-point scalar of the dtype of the first leaf. */
export function countLike(count: Value, tree: Tree<Value>): Value {
  let dtype: Value["dtype"] | undefined;
  eachLeaf(tree, (leaf) => {
    dtype ??= leaf.dtype;
  });
  return cast(count, dtype ?? "float32");
}
