// A small convolutional classifier, and the features before its last layer.
import {
  dim,
  gradientStep,
  gradientWeights,
  type Method,
  modelOf,
  type Tensor,
  type Tree,
} from "reparam";
import {
  type BatchNormParams,
  batchNorm,
  type ConvolutionParams,
  convolution,
  initBatchNorm,
  initConv2d,
  initializers,
  initLinear,
  type LinearParams,
  linear,
  Scope,
} from "reparam/nn";
import {
  cast,
  flip,
  globalAveragePool2d,
  less,
  logSoftmax,
  maxPool2d,
  mean,
  oneHot,
  relu,
  sum,
  where,
} from "reparam/ops";
import { adam, schedules } from "reparam/optim";
import { spec } from "reparam/tensor";
import { Key, uniform, type Value } from "reparam/trace";

const B = dim("B");
const classes = 10;

export interface ClassifierSize {
  /** Channels of the first convolution; twice and four times as many in the next. */
  readonly width: number;
  /** Mirrors training images left to right, half of them. */
  readonly flips: boolean;
}

type Block = { readonly conv: ConvolutionParams; readonly norm: BatchNormParams };
type Classifier = { readonly blocks: readonly Block[]; readonly last: LinearParams };
type ImageShape = readonly [channels: number, height: number, width: number];

const initBlock = (key: Key, inputs: number, outputs: number): Block => ({
  conv: initConv2d(key, {
    ...{ inputs, outputs, kernel: 3, bias: false },
    initializer: initializers.heNormal,
  }),
  norm: initBatchNorm(outputs),
});

const initClassifier = (key: Key, channels: number, width: number): Classifier => ({
  blocks: [
    initBlock(key.at("block0"), channels, width),
    initBlock(key.at("block1"), width, 2 * width),
    initBlock(key.at("block2"), 2 * width, 4 * width),
  ],
  last: initLinear(key.at("last"), 4 * width, classes),
});

/** Bytes [B, C, H, W] → [B, 4·width]: 3×3 convolutions, norm and ReLU, halved between them, their mean over pixels. */
function features({ blocks }: Classifier, x: Value, scope: Scope): Value {
  const maps = blocks.reduce((y, { conv, norm }, i) => {
    const at = i === 0 ? y : maxPool2d(y, { size: 2 });
    return relu(batchNorm(norm, convolution(conv, at, { padding: 1 }), scope));
  }, x);
  return globalAveragePool2d(maps);
}

const pixels = (image: Value): Value =>
  cast(image, "float32")
    .mul(1 / 127.5)
    .sub(1);

/** Cross-entropy by Adam, whose rate falls along a cosine over `steps`. */
export function createClassifier(
  [channels, height, width]: ImageShape,
  size: ClassifierSize,
  steps: number,
): Method {
  const image = { dtype: "uint8", shape: [B, channels, height, width] } as const;
  return {
    name: "classifier",
    phases: [
      gradientStep({
        batch: { image, label: { dtype: "int32", shape: [B] } },
        init: (key) => initClassifier(key, channels, size.width),
        loss: (model, batch, scope) => {
          const given = pixels(batch.image as Value);
          const coin = less(uniform(scope.key.at("flip"), [B, 1, 1, 1]), 0.5);
          const x = size.flips ? where(coin, flip(given, 3), given) : given;
          const logits = linear(model.last, features(model, x, scope));
          const target = oneHot(batch.label as Value, classes);
          return { loss: mean(sum(logSoftmax(logits).mul(target), -1)).neg() };
        },
        optimizer: adam({ learningRate: schedules.cosine({ start: 4e-3, total: steps }) }),
      }),
    ],
    weights: gradientWeights,
    functions: {},
  };
}

/** The exported function of a trained classifier. */
export function featuresOf({
  weights,
  image,
}: {
  readonly weights: Tree<Value>;
  readonly image: Value;
}): { features: Value; logits: Value } {
  const model = modelOf<Classifier>(weights);
  const scope = new Scope({ key: new Key("features"), train: false });
  const found = features(model, pixels(image), scope);
  return { features: found, logits: linear(model.last, found) };
}

/** What to trace `featuresOf` with. */
export const exampleOf = (image: ImageShape, weights: Tree<Tensor>) => ({
  weights,
  image: spec("uint8", [B, ...image]),
});
