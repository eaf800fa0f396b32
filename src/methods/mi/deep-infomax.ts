/**
 * Deep InfoMax: Hjelm et al., "Learning deep representations by mutual information estimation and maximization"
 * (2019), equation 8, with the Gaussian encoder and prior of Su Jianlin, "Mutual information in deep learning:
 * unsupervised feature extraction" (2018, kexue.fm/archives/6024).
 *
 *   q(z | x) = N(μ(x), diag σ²(x)),   C(x) the map of local features
 *   loss = α·I(T₁(z, z)) + β·mean_ij I(T₂(z, C_ij)) + γ·KL
 *   I(T) = −E₊[log σ(T)] − E₋[log(1 − σ(T))],   + pairs of one image, − of two
 *   KL = mean over latents of KL(q(z | x) ‖ N(0, 1))
 *
 * x [B, C, H, W] in [0, 1], z [B, latents]. With the adversarial prior a discriminator of z against N(0, I)
 * takes the place of KL (Hjelm et al., equation 7; Makhzani et al. 2015).
 */
import { z } from "zod";
import { kl, Normal } from "../../distributions/index.ts";
import {
  type ConvolutionParams,
  initLinear,
  type LinearParams,
  type Scope,
} from "../../nn/index.ts";
import { cast, exp, mean, softplus, squeeze, stopGradient } from "../../ops/index.ts";
import { adam } from "../../optim/index.ts";
import {
  type DataShape,
  defineMethod,
  gradientStep,
  gradientWeights,
  type LossTerms,
  type Method,
  modelOf,
} from "../../step/index.ts";
import { dim, mapTree, ReparamError, staticShape } from "../../tensor/index.ts";
import { type Key, normal, type Value } from "../../trace/index.ts";
import {
  dotScores,
  globalScores,
  informationTerm,
  localScores,
  negativeKinds,
  objectives,
  type Scores,
} from "./infomax-loss.ts";
import {
  type Code,
  type DotCritic,
  denseLayers,
  type Encoder,
  encode,
  type ImageShape,
  initDotCritic,
  initEncoder,
  initGlobalCritic,
  initLocalCritic,
} from "./infomax-network.ts";

const options = z.object({
  latents: z
    .int()
    .min(1)
    .default(256)
    .describe("size of the latent vector, and channels of the map of local features"),
  globalWeight: z
    .number()
    .min(0)
    .default(0.5)
    .describe("α, of the term between latent and latent; 0 leaves it out"),
  localWeight: z
    .number()
    .min(0)
    .default(1.5)
    .describe("β, of the term between latent and local features; 0 leaves it out"),
  priorWeight: z.number().min(0).default(0.01).describe("γ, of the term that forms the latents"),
  objective: z
    .enum(objectives)
    .default("jsd")
    .describe("bound of the information: Jensen-Shannon, InfoNCE or Donsker-Varadhan"),
  critic: z
    .enum(["concat", "dot"])
    .default("concat")
    .describe(
      "one network of both, or the product of two; dot takes all other images as negatives",
    ),
  negatives: z
    .enum(negativeKinds)
    .default("derangement")
    .describe("other images of the batch for concat; a shuffle leaves about one in its own place"),
  negativeCount: z
    .int()
    .min(1)
    .default(1)
    .describe("negatives of each image for concat; InfoNCE is at most the log of one more"),
  prior: z
    .enum(["kl", "adversarial"])
    .default("kl")
    .describe("how latents are brought towards N(0, I)"),
  learningRate: z.number().positive().default(1e-3).describe("of Adam"),
});

export type InfomaxOptions = z.infer<typeof options>;

export type InfomaxModel = {
  readonly encoder: Encoder;
  readonly global?: readonly LinearParams[] | DotCritic;
  readonly local?: readonly ConvolutionParams[] | DotCritic;
  /** Discriminator of the adversarial prior. */
  readonly prior?: readonly LinearParams[];
};

const B = dim("B");

export function initInfomax(key: Key, image: ImageShape, o: InfomaxOptions): InfomaxModel {
  const { latents, critic, prior } = o;
  const dot = critic === "dot";
  const [forGlobal, forLocal] = [key.at("global"), key.at("local")];
  return {
    encoder: initEncoder(key.at("encoder"), image, latents),
    ...(o.globalWeight > 0 && {
      global: dot ? initDotCritic(forGlobal, latents) : initGlobalCritic(forGlobal, latents),
    }),
    ...(o.localWeight > 0 && {
      local: dot ? initDotCritic(forLocal, latents) : initLocalCritic(forLocal, latents),
    }),
    ...(prior === "adversarial" && {
      prior: [
        initLinear(key.at("prior").at(0), latents, latents),
        initLinear(key.at("prior").at(1), latents, 1),
      ],
    }),
  };
}

/** Terms of every image, [B] each, of images x [B, C, H, W] in [0, 1] and normal numbers [B, latents]. */
export function infomaxTerms(
  model: InfomaxModel,
  o: InfomaxOptions,
  { x, noise, scope }: { readonly x: Value; readonly noise: Value; readonly scope: Scope },
): Record<"global" | "local" | "prior" | "discriminator", Value | undefined> {
  const code = encode(model.encoder, x, scope);
  const z = code.mean.add(exp(code.logVariance.mul(0.5)).mul(noise));
  const negatives = (part: string) => ({
    ...{ kind: o.negatives, count: o.negativeCount, key: scope.key.at(part) },
  });
  const term = (scores: Scores | undefined): Value | undefined =>
    scores && informationTerm(o.objective, scores);
  const { global, local, prior } = model;
  const dot = o.critic === "dot";
  const globally = (critic: unknown): Scores =>
    dot
      ? dotScores(critic as DotCritic, z, z)
      : globalScores(critic as readonly LinearParams[], z, negatives("global"));
  const locally = (critic: unknown): Scores =>
    dot
      ? dotScores(critic as DotCritic, z, code.map)
      : localScores(critic as readonly ConvolutionParams[], z, code.map, negatives("local"));
  return {
    global: term(global && globally(global)),
    local: term(local && locally(local)),
    ...priorTerms(code, z, prior, scope),
  };
}

/** The divergence from N(0, I), or a discriminator's view of it and the discriminator's own loss. */
function priorTerms(
  { mean: centre, logVariance }: Code,
  z: Value,
  discriminator: readonly LinearParams[] | undefined,
  scope: Scope,
): { readonly prior: Value; readonly discriminator: Value | undefined } {
  if (discriminator === undefined) {
    const q = Normal({ mean: centre, logVariance });
    return { prior: mean(kl(q, Normal({ mean: 0, std: 1 })), 1), discriminator: undefined };
  }
  // The encoder is led by the discriminator as it is; the discriminator learns from latents as they are.
  const fixed = mapTree<Value, Value, readonly LinearParams[]>(discriminator, (p) =>
    stopGradient(p),
  ) as readonly LinearParams[];
  const score = (layers: readonly LinearParams[], x: Value): Value =>
    squeeze(denseLayers(layers, x), 1);
  const drawn = normal(scope.key.at("prior"), z.shape);
  const real = softplus(score(discriminator, drawn).neg());
  const made = softplus(score(discriminator, stopGradient(z)));
  return { prior: softplus(score(fixed, z).neg()), discriminator: real.add(made) };
}

/** Weighted, and what is logged beside it. */
function weighted(
  terms: ReturnType<typeof infomaxTerms>,
  o: InfomaxOptions,
  over: (rows: Value) => Value,
): LossTerms {
  const weights = { global: o.globalWeight, local: o.localWeight, prior: o.priorWeight };
  const shown: Record<string, Value> = {};
  const parts: Value[] = [];
  for (const [name, rows] of Object.entries(terms)) {
    if (rows === undefined) continue;
    const term = over(rows);
    shown[name] = term;
    const weight = name === "discriminator" ? 1 : weights[name as keyof typeof weights];
    parts.push(weight === 1 ? term : term.mul(weight));
  }
  return { loss: parts.reduce((sum, part) => sum.add(part)), ...shown };
}

/** Bytes as numbers in [0, 1]. */
const pixelsOf = (bytes: Value): Value => cast(bytes, "float32").mul(1 / 255);

function imageShapeOf({ columns }: DataShape): ImageShape {
  const { image } = columns;
  const shape = image === undefined ? undefined : staticShape(image.shape.slice(1));
  if (image?.dtype !== "uint8" || shape?.length !== 3) {
    throw new ReparamError(
      "deep-infomax wants images: a data set with a column image of bytes [channels, height, width].",
    );
  }
  const [, height = 0, width = 0] = shape;
  if (Math.min(height, width) < 8) {
    throw new ReparamError(
      `deep-infomax halves images three times and wants at least 8×8 pixels, got ${height}×${width}. Use --image-size with more.`,
    );
  }
  return shape as unknown as ImageShape;
}

function create(o: InfomaxOptions, data: DataShape): Method {
  if (o.globalWeight === 0 && o.localWeight === 0) {
    throw new ReparamError(
      "deep-infomax: globalWeight and localWeight are both 0, so that nothing is learned. Leave one above 0.",
    );
  }
  const image = imageShapeOf(data);
  const pixels = { dtype: "uint8", shape: [B, ...image], description: "bytes" } as const;
  const termsOf = (model: InfomaxModel, bytes: Value, scope: Scope) => {
    const noise = normal(scope.key.at("latent"), [bytes.size(0), o.latents]);
    return infomaxTerms(model, o, { x: pixelsOf(bytes), noise, scope });
  };
  return {
    name: "deep-infomax",
    phases: [
      gradientStep<InfomaxModel>({
        batch: { image: pixels },
        init: (key) => initInfomax(key, image, o),
        loss: (model, batch, scope) =>
          weighted(termsOf(model, batch.image as Value, scope), o, (rows) => mean(rows)),
        optimizer: adam({ learningRate: o.learningRate }),
      }),
    ],
    weights: gradientWeights,
    functions: {
      encode: {
        summary: "images to the means of their latents, and the variances",
        inputs: { image: pixels },
        exported: true,
        build: (weights, inputs, scope) => {
          const { encoder } = modelOf<InfomaxModel>(weights);
          const code = encode(encoder, pixelsOf(inputs.image as Value), scope);
          return { latent: code.mean, variance: exp(code.logVariance) };
        },
      },
      evaluate: {
        summary: "the terms of the loss of each image among the others of its chunk",
        inputs: { image: pixels },
        exported: false,
        build: (weights, inputs, scope) =>
          weighted(
            termsOf(modelOf<InfomaxModel>(weights), inputs.image as Value, scope),
            o,
            (rows) => rows,
          ),
      },
    },
    preprocessing:
      "image: bytes 0 … 255, [batch, channels, height, width]; divided by 255 in the graph",
  };
}

export const deepInfomax = defineMethod({
  name: "deep-infomax",
  summary: "Image features by maximised mutual information",
  paper:
    "Hjelm et al., Learning deep representations by mutual information estimation and maximization (2019), equation 8",
  options,
  training: { batchSize: 64, epochs: 5 },
  create,
});
