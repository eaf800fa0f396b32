// The networks of a diffusion, each as what the method asks of one.
import type { Model, Scope, SkipHook } from "../../nn/index.ts";
import type { Key, Value } from "../../trace/index.ts";

export interface NetworkCall {
  /** Class of each row, int32 [B]; the number of classes stands for none. */
  readonly label?: Value | undefined;
  /** What becomes of skip connections. */
  readonly skips?: SkipHook | undefined;
  readonly scope?: Scope | undefined;
}

/** F(x, conditioning): x [B, …row] of variance 1 and conditioning [B] on the scale 0 … 1000 → [B, …row]. */
export interface Network {
  readonly init: (key: Key) => Model;
  readonly apply: (model: Model, x: Value, conditioning: Value, call: NetworkCall) => Value;
  /** Skip connections that factors can act on: 0 where there are none. */
  readonly skips: number;
}

export interface NetworkSizes {
  /** Sizes of a row of data: [C, H, W] of images, [D] of points. */
  readonly row: readonly number[];
  readonly classes: number | undefined;
}
