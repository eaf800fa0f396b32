import { ReparamError } from "./error.ts";

/** Nested records and arrays with leaves of type T: parameters, batches, optimizer states. */
export type Tree<T> = T | readonly Tree<T>[] | { readonly [name: string]: Tree<T> };

/** A tree of the same structure with other leaves. */
export type MapLeaves<S, From, To> = S extends From
  ? To
  : S extends readonly (infer E)[]
    ? readonly MapLeaves<E, From, To>[]
    : S extends object
      ? { readonly [K in keyof S]: MapLeaves<S[K], From, To> }
      : S;

/**
 * A leaf is anything that is not a plain object or array: class instances, numbers, strings. Tensors are
 * plain objects, so whatever has a `dtype` is a leaf too.
 */
export function isLeaf(node: unknown): boolean {
  if (node === null || typeof node !== "object") return true;
  if (Array.isArray(node)) return false;
  return Object.getPrototypeOf(node) !== Object.prototype || "dtype" in node;
}

/** Calls `visit` for every leaf with its dotted path (`encoder.0.weight`), in insertion order. */
export function eachLeaf<T>(
  tree: Tree<T>,
  visit: (leaf: T, path: string) => void,
  path = "",
): void {
  if (isLeaf(tree)) {
    if (tree !== undefined) visit(tree as T, path);
    return;
  }
  const prefix = path === "" ? "" : `${path}.`;
  for (const [name, child] of Object.entries(tree as Record<string, Tree<T>>)) {
    eachLeaf(child, visit, `${prefix}${name}`);
  }
}

/** All leaves in insertion order. */
export function leaves<T>(tree: Tree<T>): T[] {
  const found: T[] = [];
  eachLeaf(tree, (leaf) => found.push(leaf));
  return found;
}

/** Leaves by dotted path. */
export function leafMap<T>(tree: Tree<T>): Map<string, T> {
  const found = new Map<string, T>();
  eachLeaf(tree, (leaf, path) => found.set(path, leaf));
  return found;
}

/** The same tree with every leaf replaced. */
export function mapTree<T, U, S = Tree<T>>(
  tree: S,
  replace: (leaf: T, path: string) => U,
  path = "",
): MapLeaves<S, T, U> {
  if (isLeaf(tree))
    return (tree === undefined ? undefined : replace(tree as T, path)) as MapLeaves<S, T, U>;
  const prefix = path === "" ? "" : `${path}.`;
  if (Array.isArray(tree)) {
    return tree.map((child, i) => mapTree(child, replace, `${prefix}${i}`)) as MapLeaves<S, T, U>;
  }
  const mapped: Record<string, unknown> = {};
  for (const [name, child] of Object.entries(tree as Record<string, unknown>)) {
    mapped[name] = mapTree(child, replace, `${prefix}${name}`);
  }
  return mapped as MapLeaves<S, T, U>;
}

/** Combines trees of one structure leaf by leaf; the first tree gives the structure. */
export function zipTrees<T, U, S = Tree<T>>(
  first: S,
  others: readonly unknown[],
  combine: (leaves: readonly T[], path: string) => U,
): MapLeaves<S, T, U> {
  const maps = others.map((other) => leafMap(other as Tree<T>));
  return mapTree<T, U, S>(first, (leaf, path) => {
    const rest = maps.map((map, i) => {
      const found = map.get(path);
      if (found === undefined) {
        throw new ReparamError(`zipTrees: tree ${i + 2} has no leaf "${path}", but tree 1 has.`);
      }
      return found;
    });
    return combine([leaf, ...rest], path);
  });
}
