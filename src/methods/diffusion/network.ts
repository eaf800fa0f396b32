// The networks of a diffusion, each as what the method asks of one.
import type { Model, Scope } from "../../nn/index.ts";
import type { Key, Operand, Value } from "../../trace/index.ts";

/** Factors of FreeU, [2] each: of the innermost level and the one before it. */
export interface FreeUFactors {
  readonly backbone: Value;
  readonly skip: Value;
}

export interface NetworkCall {
  /** Class of each row, int32 [B]; the number of classes stands for none. */
  readonly label?: Value | undefined;
  /** Factor of part `index` of `count` of what the network lets be tuned, one for all rows or one a row [B]. */
  readonly rho?:
    | ((part: { readonly index: number; readonly count: number }) => Operand)
    | undefined;
  readonly freeU?: FreeUFactors | undefined;
  readonly scope?: Scope | undefined;
}

/** Parts of a network that factors can act on after the training, numbered from 0. */
export interface Tunable {
  /** Skip connections from the innermost on, or residual branches of blocks from the first on. */
  readonly parts: "skips" | "residuals";
  readonly count: number;
}

/** F(x, conditioning): x [B, …row] of variance 1 and conditioning [B] on the scale 0 … 1000 → [B, …row]. */
export interface Network {
  readonly init: (key: Key) => Model;
  readonly apply: (model: Model, x: Value, conditioning: Value, call: NetworkCall) => Value;
  readonly tunable?: Tunable;
  /** What a person who tunes it should know. */
  readonly note?: string;
}

export interface NetworkSizes {
  /** Sizes of a row of data: [C, H, W] of images, [D] of points. */
  readonly row: readonly number[];
  readonly classes: number | undefined;
}
