import { eachLeaf, isLeaf, ReparamError, type Tree } from "../tensor/index.ts";
import { Value } from "../trace/index.ts";
import type { Optimizer, OptimizerStep } from "./optimizer.ts";

/** Chooses leaves by dotted path, such as `encoder.0.weight`. */
export type PathFilter = (path: string) => boolean;

/** Optimizers one after the other: the updates of one are the gradients of the next. */
export const chain = (...parts: readonly Optimizer[]): Optimizer => ({
  init: (params) => parts.map((part) => part.init(params)),
  update: (gradients, state, params) => {
    let updates = gradients;
    const next = parts.map((part, i) => {
      const done = part.update(updates, (state as readonly Tree<Value>[])[i] ?? {}, params);
      updates = done.updates;
      return done.state;
    });
    return { updates, state: next };
  },
});

/**
 * The optimizer for the parameters that the filter chooses. The others get no update and stay as they are,
 * bit for bit; their gradients need not be there. Throws if no parameter is chosen.
 */
export const onlyPaths = (filter: PathFilter, optimizer: Optimizer): Optimizer => ({
  init: (params) => optimizer.init(chosen(params, filter)),
  update: (gradients, state, params) =>
    optimizer.update(pickPaths(gradients, filter), state, chosen(params, filter)),
});

/**
 * Optimizers side by side on the same gradients, each with parameters of its own:
 * `parallel(onlyPaths(isEncoder, adam({ learningRate: 1e-4 })), onlyPaths(isDecoder, adam({ … })))`.
 * Throws if two of them update one parameter.
 */
export const parallel = (...parts: readonly Optimizer[]): Optimizer => ({
  init: (params) => parts.map((part) => part.init(params)),
  update: (gradients, state, params) => {
    const steps = parts.map((part, i) =>
      part.update(gradients, (state as readonly Tree<Value>[])[i] ?? {}, params),
    );
    return { updates: merged(gradients, steps), state: steps.map((step) => step.state) };
  },
});

function merged(gradients: Tree<Value>, steps: readonly OptimizerStep[]): Tree<Value> {
  const updates = new Map<string, Value>();
  for (const step of steps) {
    eachLeaf(step.updates, (update, path) => {
      if (updates.has(path)) {
        throw new ReparamError(
          `parallel: two optimizers update "${path}". Give each its own parameters with onlyPaths.`,
        );
      }
      updates.set(path, update);
    });
  }
  return keep(gradients, "", (_leaf, path) => updates.get(path)) ?? {};
}

function chosen(params: Tree<Value>, filter: PathFilter): Tree<Value> {
  const kept = pickPaths(params, filter);
  let example: string | undefined;
  let empty = true;
  eachLeaf(params, (_leaf, path) => {
    example ??= path;
    empty &&= !filter(path);
  });
  if (empty) {
    throw new ReparamError(
      `onlyPaths: the filter chooses no parameter. Paths look like "${example ?? ""}".`,
    );
  }
  return kept;
}

/** The part of a tree that a filter chooses. Places in arrays are kept, since they are part of paths. */
export const pickPaths = (tree: Tree<Value>, filter: PathFilter): Tree<Value> =>
  keep(tree, "", (leaf, path) => (filter(path) ? leaf : undefined)) ?? {};

function keep(
  tree: Tree<Value>,
  path: string,
  choose: (leaf: Value, path: string) => Value | undefined,
): Tree<Value> | undefined {
  if (isLeaf(tree)) return tree instanceof Value ? choose(tree, path) : undefined;
  const below = (name: string | number): string => (path === "" ? `${name}` : `${path}.${name}`);
  if (Array.isArray(tree)) {
    return (tree as readonly Tree<Value>[]).map((child, i) => keep(child, below(i), choose) ?? {});
  }
  const kept: Record<string, Tree<Value>> = {};
  for (const [name, child] of Object.entries(tree as Record<string, Tree<Value>>)) {
    const part = keep(child, below(name), choose);
    if (part !== undefined) kept[name] = part;
  }
  return Object.keys(kept).length === 0 ? undefined : kept;
}
