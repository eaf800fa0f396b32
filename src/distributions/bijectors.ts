import {
  abs,
  broadcastShapes,
  expm1,
  exp as expOf,
  greater,
  log,
  log1p,
  power as powerOf,
  sigmoid as sigmoidOf,
  softplus as softplusOf,
  tanh as tanhOf,
} from "../ops/index.ts";
import { ShapeError } from "../tensor/index.ts";
import { type Operand, Value } from "../trace/index.ts";
import type { Bijector } from "./bijector.ts";
import { checkParameter } from "./domain.ts";
import { logOf, shapeOf, stretched } from "./operand.ts";

export interface AffineOptions {
  readonly shift?: Operand;
  readonly scale?: Operand;
}

/** y = shift + scale·x. @throws ShapeError for a known scale of 0. */
export function affine({ shift = 0, scale = 1 }: AffineOptions): Bijector {
  checkParameter("affine", "shift", shift, "real");
  checkParameter("affine", "scale", scale, "real");
  if (scale === 0) throw new ShapeError("affine", "scale must not be 0, which has no inverse.");
  const forward = (x: Value): Value => x.mul(scale).add(shift);
  const logAbsDetJacobian = (x: Value): Value => {
    const logScale = logOf(typeof scale === "number" ? Math.abs(scale) : abs(scale));
    return stretched(logScale, broadcastShapes("affine", x.shape, shapeOf(scale)), x.dtype);
  };
  return {
    name: "affine",
    parameters: [shift, scale],
    domain: {},
    range: {},
    increasing: scale instanceof Value ? greater(scale, 0) : scale > 0,
    forward,
    inverse: (y) => y.sub(shift).div(scale),
    logAbsDetJacobian,
    meanLogJacobian: (base) => logAbsDetJacobian(base.mean()),
    mean: (base) => forward(base.mean()),
    variance: (base) => base.variance().mul(scale).mul(scale),
  };
}

const plain = { parameters: [], domain: {}, increasing: true } as const;

/** y = eˣ. */
export const exp: Bijector = {
  ...plain,
  name: "exp",
  range: { low: 0 },
  forward: expOf,
  inverse: log,
  logAbsDetJacobian: (x) => x,
  meanLogJacobian: (base) => base.mean(),
};

/** y = 1/(1 + e⁻ˣ). */
export const sigmoid: Bijector = {
  ...plain,
  name: "sigmoid",
  range: { low: 0, high: 1 },
  forward: sigmoidOf,
  inverse: (y) => log(y).sub(log1p(y.neg())),
  logAbsDetJacobian: (x) => softplusOf(x).mul(-2).add(x),
};

/** y = tanh x; log(1 − y²) is written so that no digits cancel where y is near ±1. */
export const tanh: Bijector = {
  ...plain,
  name: "tanh",
  range: { low: -1, high: 1 },
  forward: tanhOf,
  inverse: (y) => log1p(y).sub(log1p(y.neg())).mul(0.5),
  logAbsDetJacobian: (x) =>
    x
      .add(softplusOf(x.mul(-2)))
      .sub(Math.LN2)
      .mul(-2),
};

/** y = log(1 + eˣ). */
export const softplus: Bijector = {
  ...plain,
  name: "softplus",
  range: { low: 0 },
  forward: softplusOf,
  inverse: (y) => y.add(log(expm1(y.neg()).neg())),
  logAbsDetJacobian: (x) => softplusOf(x.neg()).neg(),
};

/** y = xⁿ of positive x, n ≠ 0. @throws ShapeError for a power of 0. */
export function power(n: number): Bijector {
  if (!Number.isFinite(n) || n === 0) {
    throw new ShapeError("power", `the power must be finite and not 0, got ${n}.`);
  }
  return {
    name: "power",
    parameters: [n],
    domain: { low: 0 },
    range: { low: 0 },
    increasing: n > 0,
    forward: (x) => powerOf(x, n),
    inverse: (y) => powerOf(y, 1 / n),
    logAbsDetJacobian: (x) =>
      log(x)
        .mul(n - 1)
        .add(Math.log(Math.abs(n))),
  };
}
