/**
 * A transformer over the tokens of images, row by row: van den Oord, Vinyals, Kavukcuoglu, "Neural discrete
 * representation learning" (2017), section 3.3, with the network of Radford et al., "Language models are unsupervised
 * multitask learners" (2019), as Esser, Rombach, Ommer, "Taming transformers for high-resolution image synthesis"
 * (2021), section 3.2, have it.
 *
 *   loss = −E[log p(k_1 … k_n | c)]/n,   p(k_i | k_<i, c) = softmax(h_i·Eᵀ),   h = causal transformer of (c, k_1 … k_{n−1})
 *
 * k [B, h, w] integers below the codebook's size, n = h·w of them in an image, in raster order; c the class, or one
 * token that begins all images; nats a token. What the tokens are made of is the tokenizer's, which is carried along
 * unchanged, so that what is sampled is an image.
 */
import { z } from "zod";
import {
  buffer,
  type EmbeddingParams,
  initEmbedding,
  initializers,
  type Model,
  type ModelBuffer,
  type Scope,
  type Variables,
} from "../../nn/index.ts";
import { concat, constant, expandDims, mean, reshape, slice } from "../../ops/index.ts";
import {
  type Autoencoder,
  type DataShape,
  defineMethod,
  type FunctionInput,
  functionOf,
  gradientStep,
  gradientWeights,
  type Method,
  type ModelFunction,
  modelOf,
} from "../../step/index.ts";
import {
  dim,
  mapTree,
  ReparamError,
  staticShape,
  type Tensor,
  type Tree,
} from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import { type NextStep, nextFunction } from "../transformer/generation.ts";
import { cacheSizes, causalLogits, causalStep, longestOf } from "../transformer/gpt.ts";
import { initNetwork, type Network } from "../transformer/network.ts";
import { type NetworkSizes, sizesOf, transformerOptions } from "../transformer/options.ts";
import { leftToRightFigures, tokenLogProb } from "../transformer/text-data.ts";
import { textOptimizer } from "../transformer/training.ts";
import { sampleFunction, startTokens } from "./prior-sampling.ts";

const options = z.object({
  ...transformerOptions({ positions: "learned", normPlacement: "pre", dropout: 0 }),
  positions: z
    .enum(["grid", "learned", "rotary"])
    .default("grid")
    .describe(
      "how places are told: a learned vector a row and one a column, added; one of each place; or turns in the attention, by the place in raster order",
    ),
  conditional: z
    .boolean()
    .default(false)
    .describe("one distribution a class, by the token that begins an image; wants labels"),
  classes: z
    .int()
    .min(2)
    .default(10)
    .describe("number of classes, where the data set does not name them"),
});

type Options = z.infer<typeof options>;

const B = dim("B");

/** Images as tokens. */
interface Grid {
  readonly height: number;
  readonly width: number;
  /** Tokens are below this. */
  readonly codes: number;
  /** Classes to tell apart; undefined where the method is not conditional. */
  readonly classes: number | undefined;
  readonly tokenizer: Autoencoder;
}

/** The tokens that a method is to be made for. Throws if the data are none, or of several integers a place. */
function gridOf(o: Options, data: DataShape): Grid {
  const { autoencoder: tokenizer, columns, classes } = data;
  const [height, width, ...several] = staticShape(columns.tokens?.shape.slice(1) ?? []) ?? [];
  if (tokenizer === undefined || height === undefined || width === undefined) {
    throw new ReparamError(
      "token-prior wants images as tokens: a data set that a trained tokenizer reads. Train one, such as fsq, and name its run: --tokenizer runs/fsq-mnist-1.",
    );
  }
  if (several.length > 0) {
    throw new ReparamError(
      `token-prior wants one integer a place, and this tokenizer gives ${several.join("×")}. Train it without --stages and --heads.`,
    );
  }
  if (o.conditional && columns.label === undefined) {
    throw new ReparamError("--conditional needs data with classes: a column label.");
  }
  const { below } = functionOf(tokenizer.method, "decode").inputs.tokens as FunctionInput;
  const [codes = 0] = [below].flat() as number[];
  const count = o.conditional ? (classes?.length ?? o.classes) : undefined;
  return { height, width, codes, tokenizer, classes: count };
}

/** Its buffers are the tokenizer's weights; `rows` and `columns` are there where positions are of a grid. */
type PriorModel = {
  readonly network: Network;
  readonly rows?: EmbeddingParams;
  readonly columns?: EmbeddingParams;
  readonly tokenizer: Model;
};

function initPrior(key: Key, grid: Grid, sizes: NetworkSizes, o: Options): PriorModel {
  const { positions, ...network } = initNetwork(key.at("network"), sizes);
  const small = { initializer: initializers.normal(0.02) };
  const tokenizer = mapTree<Tensor, ModelBuffer>(grid.tokenizer.weights, (weight) =>
    buffer(constant(weight)),
  ) as Model;
  if (o.positions !== "grid") {
    return { network: { ...network, ...(positions && { positions }) }, tokenizer };
  }
  return {
    network,
    rows: initEmbedding(key.at("rows"), grid.height, sizes.width, small),
    columns: initEmbedding(key.at("columns"), grid.width, sizes.width, small),
    tokenizer,
  };
}

/** The network of a model, with a position [h·w, width] for each place. */
function networkOf({ network, rows, columns }: PriorModel): Network {
  if (rows === undefined || columns === undefined) return network;
  const sums = expandDims(rows.weight, 1).add(expandDims(columns.weight, 0)); // [h, w, width]
  return { ...network, positions: { weight: reshape(sums, [-1, sums.size(2)]) } };
}

function create(o: Options, data: DataShape): Method {
  const grid = gridOf(o, data);
  const { codes, classes, height, width, tokenizer } = grid;
  const places = height * width;
  const positions = o.positions === "grid" ? "learned" : o.positions;
  const vocabulary = codes + (classes ?? 1);
  const sizes = sizesOf({ ...o, positions }, { vocabulary, context: places });
  const batch: Readonly<Record<string, FunctionInput>> = {
    tokens: {
      ...{ dtype: "int32", shape: [B, height, width], below: codes },
      description: `integers from 0 to ${codes - 1}`,
    },
    ...(classes !== undefined && { label: { dtype: "int32", shape: [B] } as const }),
  };
  const logProbs = (network: Network, columns: Columns, scope?: Scope): Value => {
    const tokens = reshape(columns.tokens as Value, [-1, places]);
    const start = startTokens(codes, tokens, columns.label);
    const before = concat([start, slice(tokens, 1, 0, places - 1)], 1);
    const logits = causalLogits(network, before, sizes, scope);
    return tokenLogProb(slice(logits, -1, 0, codes), tokens);
  };
  const networkIn = (weights: Tree<Value>): Network => networkOf(modelOf<PriorModel>(weights));
  const step = causalStep(sizes, networkIn);
  const ofCodes: NextStep = (...given) => {
    const { logits, caches } = step(...given);
    return { logits: slice(logits, -1, 0, codes), caches };
  };
  return {
    name: "token-prior",
    phases: [
      gradientStep<PriorModel>({
        batch,
        init: (key) => initPrior(key, grid, sizes, o),
        loss: (model, columns, scope) => ({
          loss: mean(logProbs(networkOf(model), columns, scope)).neg(),
        }),
        optimizer: textOptimizer(o),
      }),
    ],
    weights: gradientWeights,
    functions: {
      sample: sampleFunction({
        ...{ sizes, codes, classes, grid: [height, width], networkOf: networkIn },
        decode: (weights, tokens, scope) => decoded(tokenizer, weights, tokens, scope),
      }),
      next: nextFunction(ofCodes, cacheSizes(sizes), longestOf(sizes)),
      decode: decodeFunction(tokenizer),
      evaluate: {
        summary: "negative log-likelihood of the tokens of each image, a token",
        inputs: batch,
        exported: false,
        rowsAtOnce: Math.max(1, Math.min(256, Math.floor(2 ** 25 / (places * vocabulary)))),
        build: (weights, columns) => leftToRightFigures(logProbs(networkIn(weights), columns)),
      },
    },
    preprocessing: `token: int32 [batch, length]: the tokens so far in raster order, after ${
      classes === undefined ? codes : `${codes} + class`
    }, which begins an image`,
  };
}

type Columns = Readonly<Record<string, Value>>;

/** The tokenizer's weights are the buffers of the prior's. */
const tokenizerWeights = (weights: Tree<Value>): Tree<Value> =>
  ((weights as unknown as Variables).buffers as { readonly tokenizer: Tree<Value> }).tokenizer;

const decoded = (
  { method }: Autoencoder,
  weights: Tree<Value>,
  tokens: Value,
  scope: Scope,
): Value =>
  functionOf(method, "decode").build(tokenizerWeights(weights), { tokens }, scope).image as Value;

/** That of the tokenizer. */
function decodeFunction({ method }: Autoencoder): ModelFunction {
  const decode = functionOf(method, "decode");
  return {
    ...decode,
    build: (weights, inputs, scope) => decode.build(tokenizerWeights(weights), inputs, scope),
  };
}

export const tokenPrior = defineMethod({
  name: "token-prior",
  summary: "Transformer that draws images token by token",
  paper:
    "van den Oord, Vinyals, Kavukcuoglu, Neural Discrete Representation Learning (2017), section 3.3",
  options,
  training: { batchSize: 64, epochs: 10 },
  create,
});
