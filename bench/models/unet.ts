// A U-Net that predicts the noise of a diffusion on 32×32×3 images: 64 channels at 32², 128 at 16², 128 at 8²
// with attention, one residual block a level and way, two in the middle.
import {
  initUNet as init,
  unet as network,
  type UNetOptions,
  type UNetParams,
} from "../../src/nn/index.ts";
import { cast, cos, mean, reshape, sin } from "../../src/ops/index.ts";
import { adam } from "../../src/optim/index.ts";
import { gradientStep } from "../../src/step/index.ts";
import { dim, spec } from "../../src/tensor/index.ts";
import { type Key, normal, uniform, type Value } from "../../src/trace/index.ts";
import { denseImages, type Training } from "./samples.ts";

const [narrow, wide] = [64, 128];

/** One skip connection a level, kept after its block; the middle has an image of its own. */
const options: UNetOptions = {
  plan: {
    ...{ width: narrow, outputs: narrow },
    down: [
      { kind: "block", inputs: narrow, outputs: narrow },
      { kind: "keep", features: narrow },
      { kind: "down", inputs: narrow, outputs: narrow },
      { kind: "block", inputs: narrow, outputs: wide },
      { kind: "keep", features: wide },
      { kind: "down", inputs: wide, outputs: wide },
    ],
    middle: [
      { kind: "block", inputs: wide, outputs: wide },
      { kind: "attention", features: wide },
      { kind: "block", inputs: wide, outputs: wide },
    ],
    up: [
      { kind: "up", inputs: wide, outputs: wide },
      { kind: "join", backbone: wide, skip: wide, level: 1 },
      { kind: "block", inputs: 2 * wide, outputs: wide },
      { kind: "up", inputs: wide, outputs: narrow },
      { kind: "join", backbone: narrow, skip: narrow, level: 0 },
      { kind: "block", inputs: wide, outputs: narrow },
    ],
  },
  ...{ inputs: 3, outputs: 3, groups: 8, heads: 4, zeroInit: false },
};

export type UNet = UNetParams;

export const initUNet = (key: Key): UNet => init(key, options);

/** Noisy images [B, 3, 32, 32] at times [B] in (0, 1) → their noise [B, 3, 32, 32]. */
export const predictNoise = (m: UNet, x: Value, times: Value): Value =>
  network(m, x, times.mul(1000), options);

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
