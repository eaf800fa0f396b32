import { gelu, relu, silu, split } from "../ops/index.ts";
import type { Key, Value } from "../trace/index.ts";
import type { Initializer } from "./initializers.ts";
import { initLinear, type LinearParams, linear } from "./linear.ts";

/** Activation of a position-wise network; the last two are gated linear units. */
export type FeedForwardKind = "gelu" | "relu" | "swiglu" | "geglu";

/** wide [features, hidden], or [features, 2·hidden] with values before gates; narrow [hidden, features]. */
export type FeedForwardParams = { readonly wide: LinearParams; readonly narrow: LinearParams };

export interface InitFeedForwardOptions {
  readonly features: number;
  readonly kind: FeedForwardKind;
  /** Width between the two layers; see `feedForwardWidth`. */
  readonly hidden?: number;
  readonly initializer?: Initializer;
  /** Of the second layer's weight; `initializer` by default. */
  readonly outInitializer?: Initializer;
  readonly biasInitializer?: Initializer;
}

const isGated = (kind: FeedForwardKind): boolean => kind === "swiglu" || kind === "geglu";

/**
 * 4 times the features; of gated units two thirds of that, rounded up to a multiple of 8, so that three
 * matrices have about the parameters of two (Shazeer 2020, section 3).
 */
export const feedForwardWidth = (features: number, kind: FeedForwardKind): number =>
  isGated(kind) ? 8 * Math.ceil(features / 3) : 4 * features;

export function initFeedForward(key: Key, options: InitFeedForwardOptions): FeedForwardParams {
  const { features, kind, hidden = feedForwardWidth(features, kind) } = options;
  const { initializer, outInitializer = initializer, biasInitializer } = options;
  const given = (of: Initializer | undefined) => ({
    ...(of && { initializer: of }),
    ...(biasInitializer && { biasInitializer }),
  });
  const columns = isGated(kind) ? 2 * hidden : hidden;
  return {
    wide: initLinear(key.at("wide"), features, columns, given(initializer)),
    narrow: initLinear(key.at("narrow"), hidden, features, given(outInitializer)),
  };
}

/**
 * narrow(a(wide(x))) for x [..., features] (Vaswani et al. 2017, eq. 2), or with gates
 * narrow(a(x·V)⊗(x·W)) (Shazeer, "GLU variants improve Transformer", 2020, eq. 6).
 */
export function feedForward(
  { wide, narrow }: FeedForwardParams,
  x: Value,
  kind: FeedForwardKind,
): Value {
  const hidden = linear(wide, x);
  if (!isGated(kind)) return linear(narrow, kind === "gelu" ? gelu(hidden) : relu(hidden));
  const [values, gates] = split(hidden, -1, 2) as [Value, Value];
  return linear(narrow, values.mul(kind === "swiglu" ? silu(gates) : gelu(gates)));
}
