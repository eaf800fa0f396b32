// Deep InfoMax (Hjelm et al. 2019, eq. 8) on 32×32×3 images with a Gaussian encoder: Jensen-Shannon bounds of the
// information between image and latent, globally and at every place of the feature map.
import { kl, Normal } from "../../src/distributions/index.ts";
import {
  type BatchNormParams,
  batchNorm,
  type ConvolutionParams,
  convolution,
  initBatchNorm,
  initConv2d,
  initLinear,
  type LinearParams,
  linear,
  type Scope,
} from "../../src/nn/index.ts";
import {
  broadcastTo,
  cast,
  concat,
  globalMaxPool2d,
  leakyRelu,
  maxPool2d,
  mean,
  relu,
  reshape,
  slice,
  softplus,
} from "../../src/ops/index.ts";
import { adam } from "../../src/optim/index.ts";
import { gradientStep } from "../../src/step/index.ts";
import { dim, spec } from "../../src/tensor/index.ts";
import type { Key, Value } from "../../src/trace/index.ts";
import { denseImages, type Training } from "./samples.ts";

const size = 128;
const weights = { global: 0.5, local: 1.5, prior: 0.01 } as const;

type Block = { readonly conv: ConvolutionParams; readonly norm: BatchNormParams };
type Encoder = {
  readonly blocks: readonly Block[];
  readonly mean: LinearParams;
  readonly logVariance: LinearParams;
};
type InfoMax = {
  readonly encoder: Encoder;
  readonly global: readonly LinearParams[];
  readonly local: readonly ConvolutionParams[];
};

function init(key: Key): InfoMax {
  const channels = [3, size / 4, size / 2, size, size, size];
  const widths = [2 * size, size, size, size, 1];
  const pairs = (counts: readonly number[]): [number, number][] =>
    counts.slice(1).map((outputs, i) => [counts[i] as number, outputs]);
  const block = ([inputs, outputs]: [number, number], i: number): Block => ({
    conv: initConv2d(key.at(`conv${i}`), { inputs, outputs, kernel: 3, bias: false }),
    norm: initBatchNorm(outputs),
  });
  return {
    encoder: {
      blocks: pairs(channels).map(block),
      mean: initLinear(key.at("mean"), size, size),
      logVariance: initLinear(key.at("logVariance"), size, size),
    },
    global: pairs(widths).map(([a, b], i) => initLinear(key.at(`global${i}`), a, b)),
    local: pairs(widths).map(([inputs, outputs], i) =>
      initConv2d(key.at(`local${i}`), { inputs, outputs, kernel: 1 }),
    ),
  };
}

interface Code {
  readonly mean: Value;
  readonly logVariance: Value;
  /** [B, z, 4, 4] */
  readonly map: Value;
}

function encode({ blocks, ...heads }: Encoder, x: Value, scope: Scope): Code {
  let [h, map] = [x, x];
  for (const [i, { conv, norm }] of blocks.entries()) {
    h = leakyRelu(batchNorm(norm, convolution(conv, h, { padding: 1 }), scope), 0.2);
    if (i < 3) h = maxPool2d(h, { size: 2 });
    if (i === 2) map = h;
  }
  const features = reshape(globalMaxPool2d(h), [-1, size]);
  return {
    mean: linear(heads.mean, features),
    logVariance: linear(heads.logVariance, features),
    map,
  };
}

const globalScore = (layers: readonly LinearParams[], x: Value): Value =>
  layers.reduce((h, layer, i) => linear(layer, i === 0 ? h : relu(h)), x);

const localScore = (layers: readonly ConvolutionParams[], x: Value): Value =>
  layers.reduce((h, layer, i) => convolution(layer, i === 0 ? h : relu(h)), x);

/** Every row beside the next: no pair stays a true one. */
const rolled = (x: Value): Value => concat([slice(x, 0, 1), slice(x, 0, 0, 1)], 0);

/** −E₊[log σ(T)] − E₋[log(1 − σ(T))]. */
const jensenShannon = (positive: Value, negative: Value): Value =>
  mean(softplus(positive.neg())).add(mean(softplus(negative)));

export function infomax(batchSize = 64): Training {
  const length = 16 * batchSize;
  return {
    phase: gradientStep({
      batch: { image: spec("uint8", [dim("B"), 3, 32, 32]) },
      init,
      loss: (model, { image }, scope) => {
        const x = cast(image as Value, "float32").mul(1 / 255);
        const { map, ...code } = encode(model.encoder, x, scope);
        const q = Normal(code);
        const z = q.pathwiseSample(scope.key.at("latent"));
        const global = jensenShannon(
          globalScore(model.global, concat([z, z], 1)),
          globalScore(model.global, concat([z, rolled(z)], 1)),
        );
        const everywhere = broadcastTo(reshape(z, [-1, size, 1, 1]), map.shape);
        const local = jensenShannon(
          localScore(model.local, concat([everywhere, map], 1)),
          localScore(model.local, concat([everywhere, rolled(map)], 1)),
        );
        const prior = mean(kl(q, Normal({ mean: 0, std: 1 })));
        const loss = global
          .mul(weights.global)
          .add(local.mul(weights.local))
          .add(prior.mul(weights.prior));
        return { loss, global, local, prior };
      },
      optimizer: adam({ learningRate: 1e-3 }),
    }),
    samples: { length, columns: { image: denseImages(length, [3, 32, 32]) } },
    batchSize,
  };
}
