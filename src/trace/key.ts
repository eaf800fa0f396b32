import type { DType, Shape } from "../tensor/index.ts";
import { currentTrace } from "./trace.ts";
import type { Value } from "./value.ts";

/**
 * A name for random numbers. Keys split by name; drawing twice from one key is an error. The numbers
 * themselves come from the host when the program runs, addressed by seed, step and the key's path.
 */
export class Key {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** The key of that name below this one. */
  at(name: string | number): Key {
    return new Key(`${this.path}.${name}`);
  }
}

/** Uniform numbers strictly between 0 and 1: (top 23 bits + ½)·2⁻²³. */
export const uniform = (key: Key, shape: Shape, dtype: DType = "float32"): Value =>
  currentTrace().draw({ kind: "uniform", path: key.path }, dtype, shape);

/** 1 with probability `keep`, else 0, as uint8: made for dropout, far faster than uniform numbers. */
export const mask = (key: Key, shape: Shape, keep: number): Value =>
  currentTrace().draw({ kind: "mask", path: key.path, keep }, "uint8", shape);

/** Standard normal numbers. */
export const normal = (key: Key, shape: Shape, dtype: DType = "float32"): Value =>
  currentTrace().draw({ kind: "normal", path: key.path }, dtype, shape);
