import { full, matmul, maxPool2d, reshape, softmax } from "../ops/index.ts";
import { formatShape, ShapeError } from "../tensor/index.ts";
import type { Key, Value } from "../trace/index.ts";
import { type ConvolutionParams, convolution, initConv2d } from "./convolution.ts";
import { type Initializer, torchUniform } from "./initializers.ts";

/** 1×1 convolutions without bias, and the weight of what they add, a scalar that starts at 0. */
export type SelfAttentionParams = {
  readonly query: ConvolutionParams;
  readonly key: ConvolutionParams;
  readonly value: ConvolutionParams;
  readonly out: ConvolutionParams;
  readonly weight: Value;
};

export function initSelfAttention2d(
  key: Key,
  channels: number,
  { initializer = torchUniform }: { readonly initializer?: Initializer } = {},
): SelfAttentionParams {
  const [narrow, half] = [Math.max(1, channels >> 3), Math.max(1, channels >> 1)];
  const pointwise = (name: string, inputs: number, outputs: number): ConvolutionParams =>
    initConv2d(key.at(name), { inputs, outputs, kernel: 1, bias: false, initializer });
  return {
    query: pointwise("query", channels, narrow),
    key: pointwise("key", channels, narrow),
    value: pointwise("value", channels, half),
    out: pointwise("out", half, channels),
    weight: full([1], 0),
  };
}

/**
 * x + γ·out(softmax(qᵀk)·v) over the positions of an image, the keys and values at half the size: Zhang, Goodfellow,
 * Metaxas, Odena, "Self-attention generative adversarial networks" (2019), equations 1 to 3, in the form of Brock,
 * Donahue, Simonyan (2019). x [B, C, H, W], H and W even.
 */
export function selfAttention2d(params: SelfAttentionParams, x: Value): Value {
  const [, , height, width] = x.shape as readonly [unknown, unknown, number, number];
  if (x.rank !== 4 || height % 2 !== 0 || width % 2 !== 0) {
    throw new ShapeError(
      "selfAttention2d",
      `x must be [batch, channels, height, width] with even sides, got ${formatShape(x.shape)}.`,
    );
  }
  const positions = height * width;
  const flat = (y: Value, count: number): Value => reshape(y, [-1, y.size(1), count]);
  const pooled = (y: Value): Value => flat(maxPool2d(y, { size: 2 }), positions / 4);
  const q = flat(convolution(params.query, x), positions); // (B,C/8,HW)
  const k = pooled(convolution(params.key, x)); // (B,C/8,HW/4)
  const v = pooled(convolution(params.value, x)); // (B,C/2,HW/4)
  const attention = softmax(matmul(q, k, { transposeA: true }), -1); // (B,HW,HW/4)
  const seen = reshape(matmul(v, attention, { transposeB: true }), [-1, v.size(1), height, width]);
  return x.add(convolution(params.out, seen).mul(reshape(params.weight, [1, 1, 1, 1])));
}
