// The method made of an encoder, a quantizer and a decoder: images to a grid of integers, and back.
import { z } from "zod";
import { assemble, type Model, type Scope, variablesOf } from "../../nn/index.ts";
import { type Lookup, type Quantizer, revive } from "../../nn/quantizers/index.ts";
import { constant, flatten, log, maximum, mean, reshape, transpose } from "../../ops/index.ts";
import { adam, type Optimizer } from "../../optim/index.ts";
import {
  applyGradient,
  type DataShape,
  type GradientState,
  gradientWeights,
  type LossTerms,
  type Method,
  type ModelFunction,
  modelOf,
  type Phase,
  type Player,
} from "../../step/index.ts";
import type { Tree } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import { type Adversary, adversaryOf } from "./adversary.ts";
import { B, type Images, imagesOf, picture } from "./images.ts";
import {
  type DecoderParams,
  decode,
  type EncoderParams,
  encode,
  initDecoder,
  initEncoder,
} from "./networks.ts";
import { codebookStart, type Tables } from "./start.ts";

/** Options of every tokenizer's networks and training. */
export const tokenizerOptions = {
  halvings: z
    .int()
    .min(1)
    .max(6)
    .default(2)
    .describe("halvings of the image's sides: 28×28 pixels become 7×7 tokens by 2"),
  width: z.int().min(1).default(64).describe("channels of the convolutions"),
  blocks: z.int().min(0).default(2).describe("residual blocks on each side of the tokens"),
  padding: z
    .boolean()
    .default(false)
    .describe("enlarge images whose sides the stride does not divide, and cut them again"),
  pixelVariance: z
    .number()
    .positive()
    .default(0.1)
    .describe("of pixels in [0, 1]: the squared error is divided by it; CIFAR-10 has 0.06"),
  learningRate: z.number().positive().default(1e-3).describe("of Adam"),
  adversarial: z
    .number()
    .min(0)
    .default(0)
    .describe("weight of what a discriminator of patches says of reconstructions; 0: no such"),
  adversarialAfter: z
    .int()
    .min(0)
    .default(1000)
    .describe("updates before the discriminator's term"),
};

export type TokenizerOptions = z.infer<z.ZodObject<typeof tokenizerOptions>>;

type TokenizerModel = {
  readonly encoder: EncoderParams;
  readonly quantizer: Model;
  readonly decoder: DecoderParams;
};

/** A tokenizer as its functions see it. */
interface Tokenizer {
  readonly images: Images;
  /** Height and width of the grid. */
  readonly grid: readonly [height: number, width: number];
  readonly quantizer: Quantizer;
  /** Pixels in [0, 1] to vectors [B, h, w, dimension]. */
  readonly vectors: (model: TokenizerModel, pixels: Value) => Value;
  /** Vectors [B, h, w, dimension] to pixels, not limited to [0, 1]. */
  readonly pixels: (model: TokenizerModel, vectors: Value) => Value;
}

function tokenizerOf(quantizer: Quantizer, o: TokenizerOptions, data: DataShape): Tokenizer {
  const stride = 2 ** o.halvings;
  const images = imagesOf(data, stride, o.padding);
  const [, height, width] = images.padded;
  return {
    ...{ images, quantizer, grid: [height / stride, width / stride] },
    vectors: ({ encoder }, pixels) => transpose(encode(encoder, pixels.sub(0.5)), [0, 2, 3, 1]), // [B, h, w, D]
    pixels: ({ decoder }, vectors) => decode(decoder, transpose(vectors, [0, 3, 1, 2])).add(0.5),
  };
}

interface TokenizerKind {
  readonly name: string;
  readonly quantizer: Quantizer;
  /** Codebooks that start by k-means of encoded images; otherwise as their quantizer makes them. */
  readonly started?: Tables | undefined;
}

/** The method for images of this data. */
export function createTokenizer(
  { name, quantizer, started }: TokenizerKind,
  o: TokenizerOptions,
  data: DataShape,
): Method {
  const t = tokenizerOf(quantizer, o, data);
  const [channels] = t.images.shape;
  const optimizer = adam({ learningRate: o.learningRate });
  const init = (key: Key): TokenizerModel => ({
    encoder: initEncoder(key.at("encoder"), channels, quantizer.dimension, o),
    quantizer: quantizer.init(key.at("quantizer")),
    decoder: initDecoder(key.at("decoder"), channels, quantizer.dimension, o),
  });
  const adversary = adversaryOf(o, channels);
  const training = trainingPhase(t, o, { init, optimizer, adversary });
  const encoded = (
    state: Tree<Value>,
    { image }: Readonly<Record<string, Value>>,
    scope: Scope,
  ): readonly Lookup[] => {
    const model = assemble<TokenizerModel>(state as unknown as GradientState);
    const vectors = t.vectors(model, t.images.pixels(image as Value));
    return quantizer.quantize(model.quantizer, vectors, scope.at("quantizer")).lookups;
  };
  return {
    name,
    phases:
      started === undefined
        ? [training]
        : codebookStart(training, t.images.batch, started, encoded),
    weights: gradientWeights,
    functions: tokenizerFunctions(t),
    latents: tokenizerLatents(t),
    preprocessing:
      "image: bytes 0 … 255, [batch, channels, height, width]; divided by 255 in the graph",
  };
}

/** The tokenizer's training, and the discriminator where there is one. */
type TrainingState = GradientState & { readonly discriminator?: Player };

interface TrainingParts {
  readonly init: (key: Key) => TokenizerModel;
  readonly optimizer: Optimizer;
  readonly adversary: Adversary | undefined;
}

/** One program: a step of gradient descent, after which dead codes are replaced; and one of the discriminator. */
function trainingPhase(
  t: Tokenizer,
  o: TokenizerOptions,
  { init, optimizer, adversary }: TrainingParts,
): Phase {
  return {
    name: "train",
    init: (key) => {
      const variables = variablesOf(init(key));
      return {
        ...{ ...variables, optimizer: optimizer.init(variables.params), step: constant(0) },
        ...(adversary && { discriminator: adversary.init(key.at("discriminator")) }),
      } as unknown as Tree<Value>;
    },
    programs: {
      step: {
        inputs: { batch: t.images.batch },
        build: ({ state, batch }, scope) => {
          const before = state as unknown as TrainingState;
          const model = assemble<TokenizerModel>(before);
          const { image } = batch as Readonly<Record<string, Value>>;
          const { terms, lookups, images } = trainingTerms(t, model, image as Value, scope, o);
          const at = { step: before.step, scope: scope.beside("discriminator") };
          const game = before.discriminator && adversary?.play(before.discriminator, images, at);
          const loss = game === undefined ? terms.loss : terms.loss.add(game.term);
          const next = applyGradient(before, loss, optimizer);
          const params = revive(next.params, "quantizer", lookups);
          const buffers = scope.nextBuffers(before.buffers ?? {});
          const step = before.step.add(1);
          return {
            state: {
              ...{ ...next, params, buffers, step },
              ...(game && { discriminator: game.next }),
            } as unknown as Tree<Value>,
            metrics: { ...terms, loss, ...game?.losses } as unknown as Tree<Value>,
          };
        },
      },
    },
  };
}

/** mean (x − x̂)²/variance of the pixels, and the quantizer's own losses. */
function trainingTerms(
  t: Tokenizer,
  model: TokenizerModel,
  image: Value,
  scope: Scope,
  o: TokenizerOptions,
): {
  terms: LossTerms;
  lookups: readonly Lookup[];
  images: { readonly real: Value; readonly made: Value };
} {
  const x = t.images.pixels(image);
  const coded = t.quantizer.quantize(model.quantizer, t.vectors(model, x), scope.at("quantizer"));
  const made = t.pixels(model, coded.values);
  const squaredError = mean(made.sub(x).square());
  const losses = Object.values(coded.losses);
  const loss = losses.reduce((a, b) => a.add(b), squaredError.mul(1 / o.pixelVariance));
  return {
    terms: { loss, squaredError, ...coded.losses, ...coded.statistics },
    lookups: coded.lookups,
    images: { real: x, made },
  };
}

/** Everything that a trained tokenizer can do. */
function tokenizerFunctions(t: Tokenizer): Method["functions"] {
  const { shape } = t.images;
  const { codebooks } = t.quantizer;
  const [h, w] = t.grid;
  const image = { dtype: "uint8", shape: [B, ...shape], description: "bytes" } as const;
  // One index a place is no axis of its own.
  const several = codebooks.length > 1 ? [codebooks.length] : [];
  const largest = codebooks.map((codes) => codes - 1);
  const tokens = {
    dtype: "int32",
    shape: [B, h, w, ...several],
    description: `integers from 0 to ${largest.every((n) => n === largest[0]) ? largest[0] : largest.join(", ")}`,
    below: codebooks,
  } as const;
  const decoded = (model: TokenizerModel, vectors: Value): Value =>
    picture(t.images.cropped(t.pixels(model, vectors)));
  const reconstructed = (weights: Tree<Value>, bytes: Value, scope: Scope): Value => {
    const model = modelOf<TokenizerModel>(weights);
    const vectors = t.vectors(model, t.images.pixels(bytes));
    return decoded(model, t.quantizer.quantize(model.quantizer, vectors, scope).values);
  };
  return {
    encode: {
      summary: "images to tokens",
      inputs: { image },
      exported: true,
      build: (weights, inputs, scope) => {
        const model = modelOf<TokenizerModel>(weights);
        const vectors = t.vectors(model, t.images.pixels(inputs.image as Value));
        const { indices } = t.quantizer.quantize(model.quantizer, vectors, scope);
        return { tokens: reshape(indices, [-1, h, w, ...several]) };
      },
    },
    decode: {
      summary: "tokens to images in [0, 1]",
      inputs: { tokens },
      exported: true,
      build: (weights, inputs) => {
        const model = modelOf<TokenizerModel>(weights);
        const indices = reshape(inputs.tokens as Value, [-1, h, w, codebooks.length]);
        return { image: decoded(model, t.quantizer.lookup(model.quantizer, indices)) };
      },
    },
    reconstruct: {
      summary: "images through their tokens and back",
      inputs: { image },
      exported: true,
      build: (weights, inputs, scope) => ({
        image: reconstructed(weights, inputs.image as Value, scope),
      }),
    },
    evaluate: evaluateFunction(t, decoded),
  };
}

/**
 * Vectors before they are quantized, [B, dimension, h, w], and back: what is quantized belongs to the decoder then
 * (Rombach et al., "High-resolution image synthesis with latent diffusion models", 2022, section 3.1).
 */
function tokenizerLatents(t: Tokenizer): NonNullable<Method["latents"]> {
  const { images, quantizer, grid } = t;
  return {
    encode: {
      summary: "images to vectors that are not quantized yet",
      inputs: { image: { dtype: "uint8", shape: [B, ...images.shape], description: "bytes" } },
      exported: true,
      build: (weights, { image }) => {
        const vectors = t.vectors(modelOf<TokenizerModel>(weights), images.pixels(image as Value));
        return { latent: transpose(vectors, [0, 3, 1, 2]) };
      },
    },
    decode: {
      summary: "vectors, which are quantized, to images in [0, 1]",
      inputs: { latent: { dtype: "float32", shape: [B, quantizer.dimension, ...grid] } },
      exported: true,
      build: (weights, { latent }, scope) => {
        const model = modelOf<TokenizerModel>(weights);
        const vectors = transpose(latent as Value, [0, 2, 3, 1]);
        const { values } = quantizer.quantize(model.quantizer, vectors, scope);
        return { image: picture(images.cropped(t.pixels(model, values))) };
      },
    },
  };
}

/**
 * Squared error a pixel and its ratio to the peak in decibels, of each image, by bytes/255 limited to [0, 1]; and the
 * tokens, for the use of one codebook by all images.
 */
const evaluateFunction = (
  t: Tokenizer,
  decoded: (model: TokenizerModel, vectors: Value) => Value,
): ModelFunction => {
  const [codes = 0, ...others] = t.quantizer.codebooks;
  return {
    summary: "squared error a pixel and peak signal-to-noise ratio in decibels of each image",
    inputs: { image: { dtype: "uint8", shape: [B, ...t.images.shape], description: "bytes" } },
    outputBelow: { tokens: codes },
    exported: false,
    build: (weights, inputs, scope) => {
      const model = modelOf<TokenizerModel>(weights);
      const pixels = t.images.pixels(inputs.image as Value);
      const vectors = t.vectors(model, pixels);
      const { values, indices } = t.quantizer.quantize(model.quantizer, vectors, scope);
      const error = decoded(model, values).sub(t.images.cropped(pixels)).square();
      const squaredError = mean(flatten(error), -1); // [B]
      const psnr = log(maximum(squaredError, 1e-10)).mul(-10 / Math.LN10);
      return { squaredError, psnr, ...(others.length === 0 ? { tokens: indices } : {}) };
    },
  };
};
