// A U-Net that predicts the noise of a diffusion on 32×32×3 images: 64 channels at 32², 128 at 16², 128 at 8²
// with attention, one residual block a level and way, two in the middle.
import {
  type AttentionParams,
  type ConvolutionParams,
  convolution,
  groupNorm,
  initConv2d,
  initGroupNorm,
  initLinear,
  initMultiHeadAttention,
  type LinearParams,
  linear,
  multiHeadAttention,
  type NormParams,
  sinusoidal,
} from "../../src/nn/index.ts";
import {
  cast,
  concat,
  cos,
  mean,
  reshape,
  silu,
  sin,
  transpose,
  upsampleNearest2d,
} from "../../src/ops/index.ts";
import { adam } from "../../src/optim/index.ts";
import { gradientStep } from "../../src/step/index.ts";
import { dim, spec } from "../../src/tensor/index.ts";
import { type Key, normal, uniform, type Value } from "../../src/trace/index.ts";
import { denseImages, type Training } from "./samples.ts";

const [width, timeFeatures, groups, heads] = [64, 256, 8, 4];

type Block = {
  readonly norm1: NormParams;
  readonly conv1: ConvolutionParams;
  readonly time: LinearParams;
  readonly norm2: NormParams;
  readonly conv2: ConvolutionParams;
  /** Where the number of channels changes. */
  readonly shortcut?: ConvolutionParams;
};

const initBlock = (key: Key, inputs: number, outputs: number): Block => ({
  norm1: initGroupNorm(inputs),
  conv1: initConv2d(key.at("conv1"), { inputs, outputs, kernel: 3 }),
  time: initLinear(key.at("time"), timeFeatures, outputs),
  norm2: initGroupNorm(outputs),
  conv2: initConv2d(key.at("conv2"), { inputs: outputs, outputs, kernel: 3 }),
  ...(inputs !== outputs && {
    shortcut: initConv2d(key.at("shortcut"), { inputs, outputs, kernel: 1 }),
  }),
});

/** x [B, C, H, W] and time features [B, F], SiLU applied → [B, C′, H, W]. */
function applyBlock(block: Block, x: Value, time: Value): Value {
  const same = { padding: 1 };
  const inner = convolution(block.conv1, silu(groupNorm(block.norm1, x, { groups })), same);
  const shift = reshape(linear(block.time, time), [x.size(0), -1, 1, 1]);
  const normed = groupNorm(block.norm2, inner.add(shift), { groups });
  const y = convolution(block.conv2, silu(normed), same);
  return y.add(block.shortcut === undefined ? x : convolution(block.shortcut, x));
}

type Attention = { readonly norm: NormParams; readonly attention: AttentionParams };

const initAttention = (key: Key, features: number): Attention => ({
  norm: initGroupNorm(features),
  attention: initMultiHeadAttention(key, { features, heads }),
});

/** Pixels attend to each other: x [B, C, H, W]. */
function applyAttention({ norm, attention }: Attention, x: Value): Value {
  const [batch, channels] = [x.size(0), x.size(1)];
  const rows = reshape(groupNorm(norm, x, { groups }), [batch, channels, -1]);
  const y = multiHeadAttention(attention, transpose(rows, [0, 2, 1]), { heads });
  return x.add(reshape(transpose(y, [0, 2, 1]), x.shape));
}

export type UNet = {
  readonly time1: LinearParams;
  readonly time2: LinearParams;
  readonly image: ConvolutionParams;
  readonly down32: Block;
  readonly to16: ConvolutionParams;
  readonly down16: Block;
  readonly to8: ConvolutionParams;
  readonly middle1: Block;
  readonly attention: Attention;
  readonly middle2: Block;
  readonly from8: ConvolutionParams;
  readonly up16: Block;
  readonly from16: ConvolutionParams;
  readonly up32: Block;
  readonly norm: NormParams;
  readonly noise: ConvolutionParams;
};

export function initUNet(key: Key): UNet {
  const wide = 2 * width;
  const conv = (name: string, inputs: number, outputs: number): ConvolutionParams =>
    initConv2d(key.at(name), { inputs, outputs, kernel: 3 });
  return {
    time1: initLinear(key.at("time1"), width, timeFeatures),
    time2: initLinear(key.at("time2"), timeFeatures, timeFeatures),
    image: conv("image", 3, width),
    down32: initBlock(key.at("down32"), width, width),
    to16: conv("to16", width, width),
    down16: initBlock(key.at("down16"), width, wide),
    to8: conv("to8", wide, wide),
    middle1: initBlock(key.at("middle1"), wide, wide),
    attention: initAttention(key.at("attention"), wide),
    middle2: initBlock(key.at("middle2"), wide, wide),
    from8: conv("from8", wide, wide),
    up16: initBlock(key.at("up16"), 2 * wide, wide),
    from16: conv("from16", wide, width),
    up32: initBlock(key.at("up32"), wide, width),
    norm: initGroupNorm(width),
    noise: conv("noise", width, 3),
  };
}

/** Noisy images [B, 3, 32, 32] at times [B] in (0, 1) → their noise [B, 3, 32, 32]. */
export function predictNoise(m: UNet, x: Value, times: Value): Value {
  const features = linear(m.time1, sinusoidal(times.mul(1000), width));
  const time = silu(linear(m.time2, silu(features)));
  const up = (layer: ConvolutionParams, y: Value): Value =>
    convolution(layer, upsampleNearest2d(y, 2), { padding: 1 });
  const halve = { stride: 2, padding: 1 };
  const skip32 = applyBlock(m.down32, convolution(m.image, x, { padding: 1 }), time);
  const skip16 = applyBlock(m.down16, convolution(m.to16, skip32, halve), time);
  const inner = applyBlock(m.middle1, convolution(m.to8, skip16, halve), time);
  const middle = applyBlock(m.middle2, applyAttention(m.attention, inner), time);
  const at16 = applyBlock(m.up16, concat([up(m.from8, middle), skip16], 1), time);
  const at32 = applyBlock(m.up32, concat([up(m.from16, at16), skip32], 1), time);
  return convolution(m.noise, silu(groupNorm(m.norm, at32, { groups })), { padding: 1 });
}

export function unet(batchSize = 32): Training {
  const length = 8 * batchSize;
  return {
    phase: gradientStep({
      batch: { image: spec("uint8", [dim("B"), 3, 32, 32]) },
      init: initUNet,
      loss: (model, { image }, scope) => {
        const x = cast(image as Value, "float32")
          .mul(2 / 255)
          .sub(1);
        const times = uniform(scope.key.at("time"), [x.size(0)]);
        const noise = normal(scope.key.at("noise"), x.shape);
        // Variance preserved: cos² + sin² = 1.
        const angle = reshape(times.mul(Math.PI / 2), [-1, 1, 1, 1]);
        const noisy = x.mul(cos(angle)).add(noise.mul(sin(angle)));
        return { loss: mean(predictNoise(model, noisy, times).sub(noise).square()) };
      },
      optimizer: adam({ learningRate: 2e-4 }),
    }),
    samples: { length, columns: { image: denseImages(length, [3, 32, 32]) } },
    batchSize,
  };
}
