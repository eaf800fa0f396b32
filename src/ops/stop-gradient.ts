import { ReparamError, type Tensor } from "../tensor/index.ts";
import { defineOp, likeFirst, type Value } from "../trace/index.ts";
import { sameShape } from "./broadcast.ts";

const stopGradientOp = defineOp({
  name: "stopGradient",
  infer: likeFirst,
  grad: () => [undefined],
  lower: (_to, [x]) => [x as string],
  evaluate: ([x]) => [x as Tensor],
  simplify: ([x]) => (x?.node.op.name === "stopGradient" ? [x] : undefined),
});

/** The same value, through which no gradient flows. */
export const stopGradient = (x: Value): Value => stopGradientOp.apply([x])[0] as Value;

/** Cotangents of `xs` from the cotangent of the value. */
export type GradientRule = (dy: Value) => readonly (Value | undefined)[];

const customGradientOp = defineOp<{ rule: GradientRule }>({
  name: "customGradient",
  infer: likeFirst,
  grad: ({ dy, xs, attributes: { rule } }) => {
    const gradients = rule(dy);
    for (const [i, g] of gradients.entries()) {
      const x = xs[i + 1];
      if (g !== undefined && (x === undefined || !sameShape(g.shape, x.shape))) {
        throw new ReparamError(
          `customGradient: gradient ${i} is ${g}, its value ${x ?? "missing"}.`,
        );
      }
    }
    return [undefined, ...gradients];
  },
  lower: (_to, [y]) => [y as string],
  evaluate: ([y]) => [y as Tensor],
});

/**
 * The value `y`, whose gradient is not that of its computation but goes to `xs` by `rule`.
 * Straight-through estimators (Bengio, Léonard, Courville 2013) are written with it.
 */
export const customGradient = (y: Value, xs: readonly Value[], rule: GradientRule): Value =>
  customGradientOp.apply([y, ...xs], { rule })[0] as Value;

/** The value `hard` with the gradient of `soft`, which has its shape. */
export const straightThrough = (hard: Value, soft: Value): Value =>
  customGradient(hard, [soft], (dy) => [dy]);
