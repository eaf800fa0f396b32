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
 * x [B, C, H, W] in [0, 1], z [B, latents]. By option: a discriminator of z against N(0, I) in place of KL (Hjelm
 * et al., equation 7; Makhzani et al. 2015); the prediction of a place, −log p(i, j | z, C_ij) (Hjelm et al.,
 * absolute coordinates); a term between two places, I(T₃(C_ij, C_kl)), and maps of several scales (Bachman, Hjelm, Buchwalter,
 * "Learning representations by maximizing mutual information across views", 2019).
 */
import type { Scope } from "../../nn/index.ts";
import { cast, exp, mean } from "../../ops/index.ts";
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
import { dim, ReparamError, staticShape } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { encode, type ImageShape } from "./infomax-network.ts";
import { checkOptions, type InfomaxOptions, infomaxOptions } from "./infomax-options.ts";
import {
  drawNumbers,
  type InfomaxModel,
  type InfomaxTerms,
  infomaxTerms,
  initInfomax,
} from "./infomax-terms.ts";

const B = dim("B");

/** Weighted, and what is logged beside it. */
export function weighted(
  terms: InfomaxTerms,
  o: InfomaxOptions,
  over: (rows: Value) => Value,
): LossTerms {
  const weights: Readonly<Record<keyof InfomaxTerms, number>> = {
    ...{ global: o.globalWeight, local: o.localWeight, localLocal: o.localLocalWeight },
    ...{ coordinates: o.coordinateWeight, prior: o.priorWeight, discriminator: 1 },
  };
  const shown: Record<string, Value> = {};
  const parts: Value[] = [];
  for (const [name, rows] of Object.entries(terms)) {
    if (rows === undefined) continue;
    const term = over(rows);
    shown[name] = term;
    const weight = weights[name as keyof InfomaxTerms];
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
  const image = imageShapeOf(data);
  checkOptions(o, image);
  const pixels = { dtype: "uint8", shape: [B, ...image], description: "bytes" } as const;
  const termsOf = (model: InfomaxModel, bytes: Value, scope: Scope) => {
    const drawn = drawNumbers(scope.key, o, bytes.size(0));
    return infomaxTerms(model, o, { x: pixelsOf(bytes), drawn, scope });
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
  options: infomaxOptions,
  training: { batchSize: 64, epochs: 5 },
  create,
});
