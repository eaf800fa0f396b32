import { rematerialize } from "../autodiff/index.ts";
import { isLeaf, mapTree, ReparamError, type Tree } from "../tensor/index.ts";
import { type Key, Value } from "../trace/index.ts";

/**
 * A leaf of a model that is carried from step to step but not differentiated: batch-norm statistics,
 * spectral-norm vectors, codebook counts. Layers read `value` and write through `scope.update`.
 */
export class ModelBuffer {
  readonly value: Value;
  readonly path: string;

  constructor(value: Value, path = "") {
    this.value = value;
    this.path = path;
  }
}

/** A model as its layers see it: nested records of parameters (values) and buffers. */
export type Model = Tree<Value | ModelBuffer>;

/** Marks an initial value as a buffer. */
export const buffer = (value: Value): ModelBuffer => new ModelBuffer(value);

export interface ScopeOptions {
  readonly key: Key;
  /** Training behaviour: dropout drops, batch norm uses the batch's statistics. */
  readonly train: boolean;
  /** Whether layers may write buffers. Exactly one forward pass of a step does. */
  readonly updates?: boolean;
  /** Which blocks, by name, are computed again in the backward pass rather than kept; none by default. */
  readonly rematerialize?: BlockFilter;
}

/** Chooses blocks by the name that `scope.block` gave them. */
export type BlockFilter = (block: string) => boolean;

/** What a layer is told beside its parameters and input: randomness, mode, and where buffers go. */
export class Scope {
  readonly key: Key;
  readonly train: boolean;
  readonly #written: Map<string, Value> | undefined;
  readonly #rematerialize: BlockFilter | undefined;

  constructor(
    { key, train, updates = false, rematerialize: chosen }: ScopeOptions,
    written?: Map<string, Value>,
  ) {
    this.key = key;
    this.train = train;
    this.#written = updates ? (written ?? new Map()) : undefined;
    this.#rematerialize = chosen;
  }

  /** The same scope, with a choice of the blocks that are computed again in the backward pass. */
  rematerializing(chosen: BlockFilter): Scope {
    return this.#derive(this.key, this.updates, chosen);
  }

  /**
   * A named part of a model, `build(scope.at(name), ...xs)`. Where the scope says so it is rematerialized: its
   * inner results are not kept for the backward pass but computed again from xs.
   */
  block(
    name: string,
    build: (scope: Scope, ...xs: Value[]) => Value,
    ...xs: readonly Value[]
  ): Value {
    const inner = this.at(name);
    if (this.#rematerialize?.(name) !== true) return build(inner, ...xs);
    return rematerialize((...given) => build(inner, ...given), ...xs);
  }

  #derive(key: Key, updates: boolean, chosen = this.#rematerialize): Scope {
    const options = { key, train: this.train, updates };
    const full = chosen === undefined ? options : { ...options, rematerialize: chosen };
    return new Scope(full, this.#written);
  }

  /** The scope of a part, with its own key. */
  at(name: string | number): Scope {
    return this.#derive(this.key.at(name), this.updates);
  }

  /** The same scope for a further pass of the same step, which only reads buffers. */
  reading(name: string): Scope {
    return this.#derive(this.key.at(name), false);
  }

  /** The scope of a model that is used as it is while another learns: not in training. */
  evaluating(): Scope {
    return new Scope({ key: this.key, train: false });
  }

  /** The scope of another model that is trained in the same step, with buffers of its own. */
  beside(name: string): Scope {
    const { key, train, updates } = this.at(name);
    const options = { key, train, updates };
    const chosen = this.#rematerialize;
    return new Scope(chosen === undefined ? options : { ...options, rematerialize: chosen });
  }

  get updates(): boolean {
    return this.#written !== undefined;
  }

  /** Sets a buffer's next value, if this pass is the one that writes. Throws on a second write. */
  update(target: ModelBuffer, next: Value): void {
    if (this.#written === undefined) return;
    if (this.#written.has(target.path)) {
      throw new ReparamError(
        `buffer "${target.path}" is written twice in one step. Use scope.reading("name") for further passes.`,
      );
    }
    this.#written.set(target.path, next);
  }

  /** The buffers after this pass: what was written, and the rest unchanged. */
  nextBuffers<T>(buffers: T): T {
    return mapTree<Value, Value, T>(buffers, (old, path) => this.#written?.get(path) ?? old) as T;
  }
}

/** A model's state: what is trained, and what is only carried. */
export type Variables = {
  readonly params: Tree<Value>;
  readonly buffers: Tree<Value>;
};

/** Splits a freshly initialized model into its state. Records without a leaf of a kind are left out. */
export const variablesOf = (model: Model): Variables => ({
  params: keep(model, (leaf) => (leaf instanceof Value ? leaf : undefined)) ?? {},
  buffers: keep(model, (leaf) => (leaf instanceof ModelBuffer ? leaf.value : undefined)) ?? {},
});

function keep(
  tree: Model,
  choose: (leaf: Value | ModelBuffer) => Value | undefined,
): Tree<Value> | undefined {
  if (isLeaf(tree)) return choose(tree as Value | ModelBuffer);
  // Positions in arrays are names too, so arrays keep every place.
  if (Array.isArray(tree)) return tree.map((child) => keep(child, choose) ?? {});
  const kept: Record<string, Tree<Value>> = {};
  for (const [name, child] of Object.entries(tree as Record<string, Model>)) {
    const value = keep(child, choose);
    if (value !== undefined) kept[name] = value;
  }
  return Object.keys(kept).length === 0 ? undefined : kept;
}

/** The model its layers see, put together from its state. The inverse of `variablesOf`. */
export function assemble<M>(variables: Variables): M {
  return join(variables.params, variables.buffers, "") as M;
}

function join(params: unknown, buffers: unknown, path: string): unknown {
  if (buffers instanceof Value) return new ModelBuffer(buffers, path);
  if (isLeaf(params) && params !== undefined) return params;
  const names = new Set([...Object.keys(params ?? {}), ...Object.keys(buffers ?? {})]);
  const child = (name: string): unknown =>
    join(
      (params as Record<string, unknown> | undefined)?.[name],
      (buffers as Record<string, unknown> | undefined)?.[name],
      path === "" ? name : `${path}.${name}`,
    );
  if (Array.isArray(params) || Array.isArray(buffers)) return [...names].map(child);
  return Object.fromEntries([...names].map((name) => [name, child(name)]));
}
