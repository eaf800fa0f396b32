/**
 * Variational autoencoder of images of which a few have labels: Kingma, Rezende, Mohamed, Welling,
 * "Semi-supervised learning with deep generative models" (2014), model M2.
 *
 *   y ~ uniform over K classes,  z ~ N(0, I),  x ~ p(x | y, z);    q(y | x) the classifier, q(z | x, y) of the style
 *   L(x, y) = −E_q(z | x, y)[log p(x | y, z)] − log p(y) + KL(q(z | x, y) ‖ N(0, I)) ≥ −log p(x, y)     (equation 6)
 *   U(x) = Σ_y q(y | x) L(x, y) − H(q(y | x)) ≥ −log p(x)                                              (equation 7)
 *   loss = n/N·mean L + (1 − n/N)·mean U − α·mean log q(y | x)                                         (equation 9)
 *
 * with n labels among N images, means over labelled, unlabelled and labelled images; it is equation 9 divided
 * by N, the paper's α being 0.1·N. A larger one lets the labels say
 * what the classes are before the other images do. The sum over classes in U is exact, or an expectation that an estimator takes
 * samples for, such as Gumbel-softmax (Jang, Gu, Poole 2017, section 4.3).
 * x [B, C, H, W] in [0, 1], y [B, K] one-hot, z [B, latents]; nats an image.
 */
import { z } from "zod";
import { OneHotCategorical } from "../../distributions/index.ts";
import { full } from "../../ops/index.ts";
import { adam } from "../../optim/index.ts";
import {
  type DataShape,
  defineMethod,
  type GradientState,
  gradientStep,
  type Method,
  type Phase,
} from "../../step/index.ts";
import { dim, elementCount, ReparamError, staticShape, type Tree } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import {
  type EstimatorModel,
  estimatorOptions,
  type StochasticNode,
  stochasticNode,
} from "../estimation.ts";
import { temperatureOf, temperatureOptions } from "../relaxation.ts";
import { semiSupervisedFunctions } from "./functions.ts";
import { chooseLabelled, drawLabelled, type LabelledSize, labelledBuffers } from "./labelled.ts";
import { initNetworks, type Networks } from "./networks.ts";
import { labelledTerms, lossOf, unlabelledBound } from "./objective.ts";

const options = z.object({
  labels: z
    .int()
    .min(1)
    .default(100)
    .describe("training images whose labels are used, as many of each class"),
  unlabelled: z
    .boolean()
    .default(true)
    .describe("learn from images without labels; without them it is a supervised classifier"),
  classes: z
    .int()
    .min(2)
    .optional()
    .describe("number of classes where the data does not name them; default: 10"),
  latents: z.int().min(1).default(50).describe("size of the style"),
  hidden: z.int().min(1).default(500).describe("features of the hidden layer of each network"),
  alpha: z
    .number()
    .min(0)
    .default(50)
    .describe("weight of the labels' cross-entropy beside the bounds, as means over the data"),
  ...estimatorOptions("exact"),
  ...temperatureOptions({ floor: 0.5, decay: 0.9999 }),
  dynamicBinarization: z
    .boolean()
    .default(true)
    .describe("draw each pixel anew as 0 or 1 with its grey value as probability"),
  learningRate: z.number().positive().default(1e-3).describe("of Adam"),
});

type Options = z.infer<typeof options>;

type Model = {
  readonly networks: Networks;
  readonly estimator: EstimatorModel;
  readonly labelled: ReturnType<typeof labelledBuffers>;
};

/** What the data is. Throws unless it has images and labels. */
function sizeOf({ labels, classes }: Options, data: DataShape): LabelledSize {
  const { image, label } = data.columns;
  const shape = image === undefined ? undefined : staticShape(image.shape.slice(1));
  if (image?.dtype !== "uint8" || shape?.length !== 3 || label?.dtype !== "int32") {
    throw new ReparamError(
      "this method wants images of classes: a data set with a column image of bytes [channels, height, width] and a column label.",
    );
  }
  const count = classes ?? data.classes?.length ?? 10;
  if (labels < count) {
    throw new ReparamError(
      `--labels ${labels}: ${count} classes want at least one label each. Use --labels ${count}, or more.`,
    );
  }
  if (labels > data.trainSize) {
    throw new ReparamError(
      `--labels ${labels}: the training data has only ${data.trainSize} images. Use fewer labels.`,
    );
  }
  return { image: shape as unknown as LabelledSize["image"], classes: count, labels };
}

function create(o: Options, data: DataShape): Method {
  const size = sizeOf(o, data);
  const { classes, labels, image } = size;
  const inputs = elementCount(image);
  const node = stochasticNode(o, {
    ...{ input: inputs, latent: classes },
    q: () => OneHotCategorical({ logits: full([1, classes], 0) }),
  });
  const { dynamicBinarization, latents } = o;
  const init = (key: Key): Model => ({
    networks: initNetworks(key.at("networks"), { ...o, inputs, classes }),
    estimator: node.init(key.at("estimator")),
    labelled: labelledBuffers(size),
  });
  return {
    name: "semi-supervised-vae",
    phases: [
      chooseLabelled(size),
      withLabelled(trainingPhase(o, { init, node, image, data, share: labels / data.trainSize })),
    ],
    weights: (state) => ({
      params: { networks: (state as unknown as State).params.networks as unknown as Tree<Value> },
    }),
    functions: semiSupervisedFunctions({ image, classes, latents, dynamicBinarization }),
    preprocessing:
      "image: bytes 0 … 255, [batch, channels, height, width]; divided by 255 in the graph",
  };
}

type State = GradientState & {
  readonly params: { readonly networks: Networks };
  readonly buffers: Readonly<Record<string, Tree<Value>>>;
};

interface PhaseParts {
  readonly init: (key: Key) => Model;
  readonly node: StochasticNode;
  readonly image: LabelledSize["image"];
  readonly data: DataShape;
  /** Of the labelled among all images. */
  readonly share: number;
}

function trainingPhase(o: Options, { init, node, image, data, share }: PhaseParts): Phase {
  const relaxed = temperatureOf(o);
  const tau = o.unlabelled ? relaxed : undefined;
  return gradientStep({
    batch: { image: { dtype: "uint8", shape: [dim("B"), ...image] } },
    init,
    loss: ({ networks, estimator, labelled }, batch, scope, step) => {
      const rows = drawLabelled(labelled, data.batchSize, scope.key.at("rows"));
      const given = { ...o, networks, estimator };
      const ofLabels = labelledTerms({ ...given, scope: scope.at("labelled") }, rows);
      if (!o.unlabelled) return lossOf(ofLabels, { ...o, share });
      const now = tau?.(step);
      const others = { ...given, scope: scope.at("unlabelled") };
      const unlabelled = unlabelledBound(node, others, batch.image as Value, now);
      const terms = lossOf({ ...ofLabels, unlabelled }, { ...o, share });
      return now === undefined ? terms : { ...terms, temperature: now };
    },
    optimizer: adam({ learningRate: o.learningRate }),
  });
}

/** The phase with the samples that the phase before chose in the place kept for them. */
const withLabelled = (phase: Phase): Phase => ({
  ...phase,
  init: (key, labelled) => {
    const state = phase.init(key, undefined) as unknown as State;
    return { ...state, buffers: { ...state.buffers, labelled } } as unknown as Tree<Value>;
  },
});

export const semiSupervisedVae = defineMethod({
  name: "semi-supervised-vae",
  summary: "Classes from a few labels and many images without",
  paper:
    "Kingma, Rezende, Mohamed, Welling, Semi-supervised learning with deep generative models (2014), equations 6, 7, 9",
  options,
  training: { batchSize: 100, epochs: 20 },
  create,
});
