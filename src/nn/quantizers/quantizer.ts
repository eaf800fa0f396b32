import { reshape, where } from "../../ops/index.ts";
import { formatShape, mapTree, ReparamError, ShapeError, type Tree } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import { checkCounts } from "../linear.ts";
import type { Model, Scope } from "../scope.ts";

/** Vectors quantized: what every quantizer returns. */
export interface Quantized {
  /** Vectors of the codes [..., dimension], with the gradient that goes back to the input. */
  readonly values: Value;
  /** int32 [..., indices]: the code chosen from each codebook. */
  readonly indices: Value;
  /** Weighted scalars by name, which belong to the loss. */
  readonly losses: Readonly<Record<string, Value>>;
  /**
   * Scalars to watch in training: `codebookUse`, the share of codes chosen within the last `window` updates,
   * and `perplexity`, exp of the entropy of the batch's codes. None of codebooks too large to count.
   */
  readonly statistics: Readonly<Record<string, Value>>;
  /** What was looked up in which table of vectors; none where codes are computed. */
  readonly lookups: readonly Lookup[];
}

/** Vectors and their nearest codes in one table. */
export interface Lookup {
  /** Of the table, inside of the quantizer's parameters: "stages.1.codebook". */
  readonly path: string;
  /** As they were compared, [N, D]. */
  readonly vectors: Value;
  /** int32 [N]. */
  readonly indices: Value;
  /** Of a table that gradients train: its dead codes, bool [K, 1], and what to put there, [K, D]. */
  readonly revival?: { readonly dead: Value; readonly vectors: Value };
}

/** A layer from vectors to one or several integers each, and back. */
export interface Quantizer {
  readonly name: string;
  /** Numbers in a vector. */
  readonly dimension: number;
  /** Number of codes behind every index of a vector; an index goes from 0 to that less one. */
  readonly codebooks: readonly number[];
  /** Parameters and buffers. */
  readonly init: (key: Key) => Model;
  /** z [..., dimension] to codes. `params` is what `init` made. */
  readonly quantize: (params: Model, z: Value, scope: Scope) => Quantized;
  /** Vectors [..., dimension] of int32 indices [..., codebooks.length], which must be inside of the codebooks. */
  readonly lookup: (params: Model, indices: Value) => Value;
}

interface Typed<P extends Model> extends Omit<Quantizer, "init" | "quantize" | "lookup"> {
  readonly init: (key: Key) => P;
  readonly quantize: (params: P, z: Value, scope: Scope) => Quantized;
  readonly lookup: (params: P, indices: Value) => Value;
}

/** A quantizer with the structure of its parameters forgotten, and its arguments checked. */
export function defineQuantizer<P extends Model>(typed: Typed<P>): Quantizer {
  const { name, dimension, codebooks } = typed;
  checkCounts(name, { dimension });
  return {
    ...{ name, dimension, codebooks, init: typed.init },
    quantize: (params, z, scope) => {
      if (z.rank < 2 || z.size(-1) !== dimension) {
        const got = formatShape(z.shape);
        throw new ShapeError(name, `z must be [..., ${dimension}], got ${got}.`);
      }
      return typed.quantize(params as P, z, scope);
    },
    lookup: (params, indices) => {
      if (indices.dtype !== "int32" || indices.size(-1) !== codebooks.length) {
        const wanted = `int32[..., ${codebooks.length}]`;
        throw new ShapeError(name, `indices must be ${wanted}, got ${indices}.`);
      }
      return typed.lookup(params as P, indices);
    },
  };
}

/** A gigabyte of float32, of which training holds four copies. */
const mostNumbers = 2 ** 28;

/** Indices are int32. */
export const mostCodes = 2 ** 31;

/** Throws unless there is room for a table of vectors. */
export function checkTable(name: string, codes: number, dimension: number): void {
  checkCounts(name, { codes, dimension });
  if (codes * dimension <= mostNumbers) return;
  const size = `${((4 * codes * dimension) / 2 ** 30).toFixed(1)} GiB`;
  throw new ReparamError(
    `${name}: ${codes} codes of ${dimension} numbers take ${size}, and at most 1 GiB is possible. Use fewer codes or dimensions, several heads or stages, or codes that need no table (fsq, lfq).`,
  );
}

/** Rows of vectors: [..., D] → [N, D]. */
export const rowsOf = (z: Value): Value => reshape(z, [-1, z.size(-1)]);

/** Parameters in which dead codes are replaced; `prefix` is where the quantizer's are in the tree. */
export function revive<P extends Tree<Value>>(
  params: P,
  prefix: string,
  lookups: readonly Lookup[],
): P {
  const revivals = new Map(lookups.map(({ path, revival }) => [`${prefix}.${path}`, revival]));
  return mapTree<Value, Value, P>(params, (old, path) => {
    const revival = revivals.get(path);
    return revival === undefined ? old : where(revival.dead, revival.vectors, old);
  }) as P;
}
