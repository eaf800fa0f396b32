import {
  customGradient,
  full,
  layerNorm,
  maximum,
  mean,
  reciprocal,
  reshape,
  sizeValue,
  sqrt,
  sumTo,
} from "../ops/index.ts";
import {
  type DType,
  formatShape,
  ReparamError,
  type Shape,
  ShapeError,
  type Size,
  sizeOf,
} from "../tensor/index.ts";
import { type Operand, Value } from "../trace/index.ts";
import { checkCounts } from "./linear.ts";
import { buffer, type ModelBuffer, type Scope } from "./scope.ts";

/** scale and offset, both [features]. */
export type NormParams = { readonly scale: Value; readonly offset: Value };

/** All [features]; mean and variance are running averages over batches. */
export type BatchNormParams = NormParams & {
  readonly mean: ModelBuffer;
  readonly variance: ModelBuffer;
};

export interface NormOptions {
  /** Added to the variance before the root. */
  readonly epsilon?: number;
}

export interface BatchNormOptions extends NormOptions {
  /** Weight of the new batch in the running averages. */
  readonly momentum?: number;
}

export interface GroupNormOptions extends NormOptions {
  /** How many groups the channels form; must divide their number. */
  readonly groups: number;
}

const initNorm = (layer: string, features: number, dtype: DType = "float32"): NormParams => {
  checkCounts(layer, { features });
  return { scale: full([features], 1, dtype), offset: full([features], 0, dtype) };
};

export const initLayerNorm = (features: number, dtype?: DType): NormParams =>
  initNorm("initLayerNorm", features, dtype);

export const initGroupNorm = (features: number, dtype?: DType): NormParams =>
  initNorm("initGroupNorm", features, dtype);

export const initInstanceNorm = (features: number, dtype?: DType): NormParams =>
  initNorm("initInstanceNorm", features, dtype);

/** A scale only. */
export const initRmsNorm = (features: number, dtype?: DType): { readonly scale: Value } => ({
  scale: initNorm("initRmsNorm", features, dtype).scale,
});

export const initBatchNorm = (features: number): BatchNormParams => ({
  ...initNorm("initBatchNorm", features),
  mean: buffer(full([features], 0)),
  variance: buffer(full([features], 1)),
});

/** Layer normalization over the last axis (Ba, Kiros, Hinton 2016): x [..., features]. */
export function layerNormalization(
  { scale, offset }: NormParams,
  x: Value,
  { epsilon = 1e-5 }: NormOptions = {},
): Value {
  const features = scale.size(0);
  if (x.rank < 2 || x.size(-1) !== features) {
    throw new ShapeError(
      "layerNormalization",
      `x must be [..., ${features}], got ${formatShape(x.shape)}.`,
    );
  }
  return layerNorm(x, scale, offset, epsilon);
}

/**
 * Group normalization (Wu & He 2018): mean and variance over the channels of a group and all positions of
 * one example; x [B, features, ...].
 */
export function groupNorm(
  { scale, offset }: NormParams,
  x: Value,
  { groups, epsilon = 1e-5 }: GroupNormOptions,
): Value {
  const features = channels("groupNorm", scale, x);
  const members = features / groups;
  if (!Number.isInteger(members)) {
    throw new ReparamError(
      `groupNorm: ${features} features cannot form ${groups} groups. Use a divisor of ${features}.`,
    );
  }
  const grouped = reshape(x, [x.size(0), groups, members, sizeOf(x.shape.slice(2))]); // (B,G,C/G,HW)
  const perChannel = (p: Value): Value => reshape(p, [1, groups, members, 1]);
  const { y } = normalize(grouped, perChannel(scale), perChannel(offset), [2, 3], epsilon);
  return reshape(y, x.shape);
}

/**
 * Instance normalization (Ulyanov, Vedaldi, Lempitsky 2016): mean and variance over the positions of one
 * channel of one example; x [B, features, ...]. The same in training and after it.
 */
export function instanceNorm(params: NormParams, x: Value, options: NormOptions = {}): Value {
  const groups = channels("instanceNorm", params.scale, x);
  return groupNorm(params, x, { ...options, groups });
}

/**
 * Adaptive instance normalization (Huang, Belongie 2017; Karras, Laine, Aila, "A style-based generator architecture
 * for GANs", 2019, equation 1): instance normalization whose scale and offset [B, features] are each row's own;
 * x [B, features, ...].
 */
export function adaptiveInstanceNorm(
  { scale, offset }: NormParams,
  x: Value,
  { epsilon = 1e-5 }: NormOptions = {},
): Value {
  const features = scale.size(-1);
  if (x.rank < 3 || x.shape[1] !== features || scale.rank !== 2) {
    throw new ShapeError(
      "adaptiveInstanceNorm",
      `x must be [batch, features, ...] with scale [batch, features], got ${formatShape(x.shape)} with ${formatShape(scale.shape)}.`,
    );
  }
  const flat = reshape(x, [x.size(0), features, sizeOf(x.shape.slice(2))]); // (B,C,HW)
  const perRow = (p: Value): Value => reshape(p, [p.size(0), features, 1]);
  return reshape(normalize(flat, perRow(scale), perRow(offset), [2], epsilon).y, x.shape);
}

/**
 * Pixel norm: every position's vector of channels at a mean square of 1 (Karras, Aila, Laine, Lehtinen 2018,
 * section 4.2); x [B, C, ...].
 */
export const pixelNorm = (x: Value, { epsilon = 1e-8 }: NormOptions = {}): Value =>
  x.mul(reciprocal(sqrt(mean(x.square(), 1, { keepDims: true }).add(epsilon))));

/**
 * Root mean square normalization over the last axis (Zhang & Sennrich 2019, eq. 4):
 * x/√(mean(x²) + ε)·scale for x [..., features].
 */
export function rmsNorm(
  { scale }: Pick<NormParams, "scale">,
  x: Value,
  { epsilon = 1e-6 }: NormOptions = {},
): Value {
  const features = scale.size(0);
  if (x.size(-1) !== features) {
    throw new ShapeError("rmsNorm", `x must be [..., ${features}], got ${formatShape(x.shape)}.`);
  }
  const inverse = reciprocal(sqrt(mean(x.square(), -1, { keepDims: true }).add(epsilon)));
  const normal = x.mul(inverse);
  return customGradient(normal.mul(scale), [x, scale], (dy) => {
    const inner = dy.mul(scale);
    const along = mean(inner.mul(normal), -1, { keepDims: true });
    return [inner.sub(normal.mul(along)).mul(inverse), sumTo(dy.mul(normal), scale.shape)];
  });
}

/**
 * Batch normalization (Ioffe & Szegedy 2015) of x [B, features] or [B, features, ...]. In training it uses
 * the batch's mean and variance and moves the running averages towards them (by `momentum`, with the
 * unbiased variance); otherwise it uses the running averages. Throws if a batch has one value a feature.
 */
export function batchNorm(
  params: BatchNormParams,
  x: Value,
  scope: Scope,
  { momentum = 0.1, epsilon = 1e-5 }: BatchNormOptions = {},
): Value {
  const features = channels("batchNorm", params.scale, x);
  const perChannel = (p: Value): Value =>
    reshape(p, [1, features, ...x.shape.slice(2).map(() => 1)]);
  if (!scope.train) {
    // Folded to one multiplication and one addition an element.
    const factor = params.scale.div(sqrt(params.variance.value.add(epsilon)));
    const shift = params.offset.sub(params.mean.value.mul(factor));
    return x.mul(perChannel(factor)).add(perChannel(shift));
  }
  const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const count = sizeOf(axes.map((axis) => x.size(axis)));
  if (count === 1) {
    throw new ReparamError(
      "batchNorm: one value a feature has no variance. Train on larger batches, or use another norm.",
    );
  }
  const { scale, offset } = params;
  const result = normalize(x, perChannel(scale), perChannel(offset), axes, epsilon);
  const toFeatures = (statistic: Value): Value => reshape(statistic, [features]);
  const unbiased = toFeatures(result.variance).mul(bessel(count, x));
  const average = (old: Value, next: Value): Value => old.mul(1 - momentum).add(next.mul(momentum));
  scope.update(params.mean, average(params.mean.value, toFeatures(result.mean)));
  scope.update(params.variance, average(params.variance.value, unbiased));
  return result.y;
}

/** n/(n − 1), or 1 for the last short batch of a single value, whose variance is 0 anyway. */
function bessel(count: Size, like: Value): Operand {
  const n = sizeValue(count, like);
  return n instanceof Value ? n.div(maximum(n.sub(1), 1)) : n / (n - 1);
}

/** The number of channels on axis 1 of x. Throws if it is not that of the parameters. */
function channels(layer: string, scale: Value, x: Value): number {
  const features = scale.size(0);
  if (x.rank < 2 || x.shape[1] !== features) {
    const got = formatShape(x.shape);
    throw new ShapeError(
      layer,
      `x must be [batch, ${features}, ...], got ${got}. Channels are axis 1.`,
    );
  }
  return features as number;
}

interface Normalized {
  readonly y: Value;
  /** Statistics with the reduced axes kept as 1. */
  readonly mean: Value;
  readonly variance: Value;
}

/**
 * y = (x − mean)/√(variance + ε)·scale + offset over `axes`; scale and offset broadcast to x.
 *
 * The gradient is given in closed form, which takes fewer passes over x than differentiating the
 * statistics one by one (Ioffe & Szegedy 2015, section 3). With r = 1/√(variance + ε):
 *   ∂x = r·scale·∂y − r·mean(scale·∂y) − (x − mean)·r³·mean(scale·∂y·(x − mean)).
 * It is written in differentiable operations of x and scale, so that second derivatives are right.
 */
function normalize(
  x: Value,
  scale: Value,
  offset: Value,
  axes: readonly number[],
  epsilon: number,
): Normalized {
  const average = mean(x, axes, { keepDims: true });
  const centred = x.sub(average);
  const variance = mean(centred.square(), axes, { keepDims: true });
  const inverse = reciprocal(sqrt(variance.add(epsilon)));
  const factor = inverse.mul(scale);
  const count = sizeValue(sizeOf(axes.map((axis) => x.size(axis))), x);
  const y = customGradient(centred.mul(factor).add(offset), [x, scale, offset], (dy) => {
    const sums = sumTo(dy, factor.shape);
    const moments = sumTo(dy.mul(centred), factor.shape);
    const meanOf = (perChannel: Value): Value =>
      sumTo(perChannel.mul(scale), inverse.shape).div(count);
    const constantPart = meanOf(sums).mul(inverse);
    const linearPart = meanOf(moments).mul(inverse.square()).mul(inverse);
    const dx = dy.mul(factor).sub(centred.mul(linearPart)).sub(constantPart);
    return [dx, toShape(moments.mul(inverse), scale.shape), toShape(sums, offset.shape)];
  });
  return { y, mean: average, variance };
}

const toShape = (x: Value, shape: Shape): Value => reshape(sumTo(x, shape), shape);
