/**
 * Images as grids of integers, by a learned table of vectors: van den Oord, Vinyals, Kavukcuoglu, "Neural discrete
 * representation learning" (2017).
 *
 *   z = encoder(x) [B, h, w, D],   k = argmin ‖z − e_i‖ at each place,   x̂ = decoder(e_k),
 *   loss = ‖x − x̂‖²/σ² + codebookWeight·‖e_k − sg(z)‖² + commitmentWeight·‖z − sg(e_k)‖²
 *
 * (equation 3; each ‖·‖² a mean over numbers, σ² the variance of the pixels). The gradient passes from e_k to z as if
 * both were one. What chooses and trains the codes is exchangeable: see the options.
 */
import { z } from "zod";
import {
  gumbelQuantizer,
  product,
  projected,
  type Quantizer,
  residual,
  sharedHeads,
  vectorQuantizer,
} from "../../nn/quantizers/index.ts";
import { type DataShape, defineMethod, type Method } from "../../step/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import { imagesOf } from "./images.ts";
import type { Tables } from "./start.ts";
import { createTokenizer, tokenizerOptions } from "./tokenizer.ts";

const options = z.object({
  quantizer: z
    .enum(["vq", "simvq", "gumbel"])
    .default("vq")
    .describe(
      "vq: nearest codes; simvq: a fixed table times a trained matrix (Zhu et al. 2024); gumbel: Gumbel-softmax",
    ),
  codes: z.int().min(2).default(512).describe("size of a codebook"),
  dimension: z.int().min(1).default(16).describe("numbers at each place of the grid"),
  codebook: z
    .enum(["gradient", "moving-average"])
    .default("moving-average")
    .describe("how vq trains its codes; a moving average of the vectors that chose them"),
  decay: z.number().min(0).lt(1).default(0.99).describe("of moving averages"),
  codebookWeight: z
    .number()
    .min(0)
    .default(1)
    .describe("weight of the codebook's term of the loss"),
  commitmentWeight: z
    .number()
    .min(0)
    .default(0.25)
    .describe("weight of the commitment, β of the paper"),
  start: z
    .enum(["random", "k-means"])
    .default("random")
    .describe(
      "the first codebook of vq: k-means of encoded images puts the codes where vectors are",
    ),
  reviveAfter: z
    .int()
    .min(0)
    .default(0)
    .describe("updates after which codes that nobody chose become vectors of the batch; 0: never"),
  distance: z
    .enum(["euclidean", "cosine"])
    .default("euclidean")
    .describe("cosine compares directions only (Yu et al. 2022)"),
  gradient: z
    .enum(["straight-through", "rotation"])
    .default("straight-through")
    .describe("how it passes the codes; rotation: Fifty et al. 2024"),
  lookupDimension: z
    .int()
    .min(0)
    .default(0)
    .describe(
      "numbers of a code where they are fewer than dimension, by a linear layer; 0: the same",
    ),
  heads: z.int().min(1).default(1).describe("equal parts of each vector, an integer each"),
  sharedHeads: z.boolean().default(false).describe("one codebook for all heads"),
  stages: z
    .int()
    .min(1)
    .default(1)
    .describe("residual stages: each quantizes what is left, an integer each"),
  klWeight: z
    .number()
    .min(0)
    .default(5e-4)
    .describe("of gumbel: weight of the KL to uniform codes"),
  temperatureDecay: z
    .number()
    .positive()
    .max(1)
    .default(0.999)
    .describe("of gumbel: the temperature is multiplied by this at every update, down to 1/16"),
  ...tokenizerOptions,
});

type Options = z.infer<typeof options>;

/** Updates in an epoch, over which the use of codes is counted. */
const epochSteps = ({ trainSize, batchSize }: DataShape): number =>
  Math.max(1, Math.ceil(trainSize / batchSize));

/** The quantizer of one head and stage, of vectors of this dimension. */
function tableOf(o: Options, dimension: number, window: number): Quantizer {
  const size = { dimension, codes: o.codes, window };
  if (o.quantizer === "gumbel") {
    const { klWeight, temperatureDecay } = o;
    return gumbelQuantizer({ ...size, klWeight, temperatureDecay });
  }
  const { codebookWeight, commitmentWeight, decay, reviveAfter, distance, gradient } = o;
  return vectorQuantizer({
    ...size,
    codebook: o.quantizer === "simvq" ? "linear" : o.codebook,
    ...{ codebookWeight, commitmentWeight, decay, reviveAfter, distance, gradient },
  });
}

/** Heads of stages of the table, behind a projection. */
function quantizerOf(o: Options, window: number): { quantizer: Quantizer; tables: Tables } {
  const inside = o.lookupDimension === 0 ? o.dimension : o.lookupDimension;
  if (inside % o.heads !== 0) {
    throw new ReparamError(
      `vq-vae: ${inside} numbers cannot be cut into ${o.heads} equal heads. Use a divisor of ${inside}.`,
    );
  }
  const dimension = inside / o.heads;
  const tables = (count: number): Quantizer[] =>
    Array.from({ length: count }, () => tableOf(o, dimension, window));
  const head = (): Quantizer =>
    o.stages === 1 ? tableOf(o, dimension, window) : residual(tables(o.stages));
  const separate = o.sharedHeads ? 1 : o.heads;
  const whole =
    o.heads === 1
      ? head()
      : o.sharedHeads
        ? sharedHeads(head(), o.heads)
        : product(Array.from({ length: o.heads }, head));
  return {
    quantizer: o.lookupDimension === 0 ? whole : projected(whole, o.dimension),
    tables: { count: separate * o.stages, codes: o.codes, dimension },
  };
}

/** A gigabyte of logits, which the relaxed choice has several of. */
const mostLogits = 2 ** 28;

/** Throws where a batch has more logits than fit into memory: unlike distances, they are needed all at once. */
function checkLogits({ codes, halvings, padding, heads }: Options, data: DataShape): void {
  const [, height, width] = imagesOf(data, 2 ** halvings, padding).padded;
  const vectors = (data.batchSize * heads * height * width) / 4 ** halvings;
  if (vectors * codes <= mostLogits) return;
  const size = `${((4 * vectors * codes) / 2 ** 30).toFixed(1)} GiB`;
  throw new ReparamError(
    `vq-vae: the quantizer gumbel needs ${size} for the logits of ${codes} codes for ${vectors} vectors of a batch. Use fewer codes, a smaller batch, or the quantizer vq.`,
  );
}

function create(o: Options, data: DataShape): Method {
  const kMeans = o.start === "k-means";
  if (kMeans && o.quantizer !== "vq") {
    throw new ReparamError(
      `vq-vae: start k-means is for the quantizer vq, not ${o.quantizer}. Leave out --start.`,
    );
  }
  if (o.quantizer === "gumbel") checkLogits(o, data);
  const { quantizer, tables } = quantizerOf(o, epochSteps(data));
  const started = kMeans ? tables : undefined;
  return createTokenizer({ name: "vq-vae", quantizer, started }, o, data);
}

export const vqVae = defineMethod({
  name: "vq-vae",
  summary: "Image tokenizer with a learned codebook",
  paper:
    "van den Oord, Vinyals, Kavukcuoglu, Neural Discrete Representation Learning (2017), equation 3",
  options,
  training: { batchSize: 64, epochs: 10, data: "mnist" },
  create,
});
