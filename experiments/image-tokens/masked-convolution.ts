/**
 * The convolutional baseline: an autoregressive network of masked convolutions over a grid of tokens, van den Oord,
 * Kalchbrenner, Kavukcuoglu, "Pixel recurrent neural networks" (2016), section 3.5, as van den Oord, Vinyals,
 * Kavukcuoglu, "Neural discrete representation learning" (2017), section 3.3, fit over their tokens (with gates, which
 * are left out here).
 *
 *   loss = −E[log p(k)]/n,   p(k_i | k_<i) by 5×5 kernels whose weights at i (of the first layer) and after it are 0
 */
import { type Method, modelOf } from "reparam";
import {
  type ConvolutionParams,
  convolution,
  type EmbeddingParams,
  embedding,
  initConv2d,
  initEmbedding,
  initLinear,
  type LinearParams,
  linear,
} from "reparam/nn";
import {
  constant,
  logSoftmax,
  mean,
  relu,
  reshape,
  squeeze,
  takeAlongAxis,
  transpose,
} from "reparam/ops";
import { adam } from "reparam/optim";
import { gradientStep, gradientWeights } from "reparam/step";
import { dim, tensor } from "reparam/tensor";
import type { Key, Value } from "reparam/trace";

export interface MaskedConvolutionSizes {
  readonly grid: readonly [height: number, width: number];
  readonly codes: number;
  readonly width: number;
  readonly blocks: number;
  readonly learningRate: number;
}

type Block = { readonly wide: ConvolutionParams; readonly thin: ConvolutionParams };
type Network = {
  readonly tokens: EmbeddingParams;
  readonly first: ConvolutionParams;
  readonly blocks: readonly Block[];
  readonly output: LinearParams;
};

const kernel = 5;
const padding = (kernel - 1) / 2;

function init(key: Key, { codes, width, blocks }: MaskedConvolutionSizes): Network {
  const square = { inputs: width, outputs: width };
  return {
    tokens: initEmbedding(key.at("tokens"), codes, width),
    first: initConv2d(key.at("first"), { ...square, kernel }),
    blocks: Array.from({ length: blocks }, (_, i) => ({
      wide: initConv2d(key.at("blocks").at(i).at("wide"), { ...square, kernel }),
      thin: initConv2d(key.at("blocks").at(i).at("thin"), { ...square, kernel: 1 }),
    })),
    output: initLinear(key.at("output"), width, codes),
  };
}

/** 1 at the places before the middle of a kernel in raster order, and at the middle itself where it may be seen. */
function maskOf(middle: 0 | 1): Value {
  const centre = (kernel * kernel - 1) / 2;
  const seen = Float32Array.from({ length: kernel * kernel }, (_, i) =>
    i < centre ? 1 : i === centre ? middle : 0,
  );
  return constant(tensor(seen, [1, 1, kernel, kernel]));
}

const masked = ({ weight, bias }: ConvolutionParams, x: Value, middle: 0 | 1): Value =>
  convolution({ weight: weight.mul(maskOf(middle)), ...(bias && { bias }) }, x, { padding });

/** log p of tokens [B, h, w] in nats, [B, h, w]. */
export function maskedLogProb({ tokens, first, blocks, output }: Network, grid: Value): Value {
  const vectors = transpose(embedding(tokens, grid), [0, 3, 1, 2]); // [B, width, h, w]
  const hidden = blocks.reduce(
    (x, { wide, thin }) => x.add(convolution(thin, relu(masked(wide, relu(x), 1)))),
    masked(first, vectors, 0),
  );
  const logits = linear(output, transpose(relu(hidden), [0, 2, 3, 1])); // [B, h, w, codes]
  const at = reshape(grid, [...grid.shape, 1]);
  return squeeze(takeAlongAxis(logSoftmax(logits), at, -1), -1);
}

export function maskedConvolution(sizes: MaskedConvolutionSizes): Method {
  const [height, width] = sizes.grid;
  const batch = { tokens: { dtype: "int32", shape: [dim("B"), height, width] } } as const;
  return {
    name: "masked-convolution",
    phases: [
      gradientStep({
        batch,
        init: (key) => init(key, sizes),
        loss: (network: Network, { tokens }) => ({
          loss: mean(maskedLogProb(network, tokens as Value)).neg(),
        }),
        optimizer: adam({ learningRate: sizes.learningRate }),
      }),
    ],
    weights: gradientWeights,
    functions: {
      evaluate: {
        summary: "bits a token of each image",
        inputs: batch,
        exported: false,
        build: (weights, { tokens }) => ({
          bitsPerToken: mean(maskedLogProb(modelOf<Network>(weights), tokens as Value), [1, 2]).mul(
            -Math.LOG2E,
          ),
        }),
      },
    },
  };
}
