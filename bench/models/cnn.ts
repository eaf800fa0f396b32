// A classifier of 28×28 images: three 3×3 convolutions with ReLU and a linear layer, cross-entropy, Adam.
import { Categorical } from "../../src/distributions/index.ts";
import {
  type ConvolutionParams,
  convolution,
  initConv2d,
  initLinear,
  type LinearParams,
  linear,
} from "../../src/nn/index.ts";
import { cast, flatten, mean, relu } from "../../src/ops/index.ts";
import { adam } from "../../src/optim/index.ts";
import { gradientStep } from "../../src/step/index.ts";
import { dim, spec } from "../../src/tensor/index.ts";
import type { Key, Value } from "../../src/trace/index.ts";
import { integers, sparseImages, type Training } from "./samples.ts";

type Classifier = {
  readonly conv1: ConvolutionParams;
  readonly conv2: ConvolutionParams;
  readonly conv3: ConvolutionParams;
  readonly classes: LinearParams;
};

const init = (key: Key): Classifier => ({
  conv1: initConv2d(key.at("conv1"), { inputs: 1, outputs: 32, kernel: 3 }),
  conv2: initConv2d(key.at("conv2"), { inputs: 32, outputs: 64, kernel: 3 }),
  conv3: initConv2d(key.at("conv3"), { inputs: 64, outputs: 64, kernel: 3 }),
  classes: initLinear(key.at("classes"), 64 * 7 * 7, 10),
});

/** Images [B, 1, 28, 28] in [0, 1] → logits [B, 10]. */
function logitsOf(model: Classifier, x: Value): Value {
  const whole = relu(convolution(model.conv1, x, { padding: 1 })); // [B, 32, 28, 28]
  const half = relu(convolution(model.conv2, whole, { stride: 2, padding: 1 })); // [B, 64, 14, 14]
  const quarter = relu(convolution(model.conv3, half, { stride: 2, padding: 1 })); // [B, 64, 7, 7]
  return linear(model.classes, flatten(quarter));
}

export function cnn(batchSize = 64): Training {
  const B = dim("B");
  const length = 32 * batchSize;
  return {
    phase: gradientStep({
      batch: { image: spec("uint8", [B, 1, 28, 28]), label: spec("int32", [B]) },
      init,
      loss: (model, { image, label }) => {
        const logits = logitsOf(model, cast(image as Value, "float32").mul(1 / 255));
        return { loss: mean(Categorical({ logits }).logProb(label as Value)).neg() };
      },
      optimizer: adam({ learningRate: 1e-3 }),
    }),
    samples: {
      length,
      columns: { image: sparseImages(length, [1, 28, 28]), label: integers(length, [], 10) },
    },
    batchSize,
  };
}
