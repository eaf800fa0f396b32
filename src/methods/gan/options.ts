import { z } from "zod";
import { ReparamError } from "../../tensor/index.ts";
import { augmentations } from "./augment.ts";
import { lossNames } from "./losses.ts";
import { penaltyNames } from "./penalties.ts";
import { checkRegularization } from "./regularization.ts";

const positive = z.number().positive("must be above 0");
const weight = z.number().min(0);

export const options = z.object({
  loss: z.enum(lossNames).default("non-saturating").describe("objective of the two players"),
  potentialScale: positive
    .default(10)
    .describe("λ of the loss quadratic-potential: slopes of up to λ times a distance"),
  penalty: z
    .enum(["none", ...penaltyNames])
    .default("r1")
    .describe("term that keeps the discriminator smooth"),
  penaltyWeight: weight
    .optional()
    .describe("its weight; without one, that of its paper (10 of most)"),
  secondPenalty: z
    .enum(["none", ...penaltyNames])
    .default("none")
    .describe("another one beside it: ct beside gp is CT-GAN (Wei et al. 2018)"),
  secondPenaltyWeight: weight.optional().describe("its weight; without one, that of its paper"),
  penaltyPower: positive.default(6).describe("p of the penalty div, E‖∇D‖ᵖ"),
  consistencyMargin: weight
    .default(0)
    .describe("M′ of the penalty ct: so much difference of two passes is free"),
  penaltyEvery: z
    .int()
    .min(1)
    .default(1)
    .describe(
      "computed every so many steps of the discriminator, with as much more weight (Karras et al. 2020)",
    ),
  penaltyDecay: positive
    .max(1)
    .default(1)
    .describe("the penalty's weight is multiplied by this at every step of the generator"),
  clip: weight
    .default(0)
    .describe(
      "parameters of the discriminator stay within ± this (Arjovsky et al. 2017); 0 does not clip",
    ),
  normalization: z
    .enum(["none", "spectral", "batch", "instance"])
    .default("none")
    .describe("in the discriminator"),
  generatorNormalization: z
    .enum(["none", "batch", "instance"])
    .default("batch")
    .describe("in the generator, of images; with scales and offsets by class where it is told one"),
  architecture: z
    .enum(["auto", "mlp", "dcgan", "resnet", "progressive", "style"])
    .default("auto")
    .describe("of both networks; auto is dcgan for images and mlp for points"),
  width: z
    .int()
    .min(1)
    .default(64)
    .describe(
      "channels of the first layer of dcgan, of all layers of resnet, at the last size of progressive and style, features of mlp",
    ),
  layers: z.int().min(1).default(3).describe("hidden layers of mlp"),
  latents: z.int().min(1).default(64).describe("size of the latent vector z ~ N(0, I)"),
  conditional: z.boolean().default(false).describe("tell both networks the class"),
  classes: z
    .int()
    .min(2)
    .default(10)
    .describe("number of classes, where the data set does not name them"),
  growing: z
    .boolean()
    .default(true)
    .describe("progressive and style grow from 4×4 pixels on; without, they have their last size"),
  sizeSteps: z
    .int()
    .min(1)
    .default(1000)
    .describe("steps of the generator at each size before the last, which has those of the run"),
  fadeSteps: z
    .int()
    .min(1)
    .optional()
    .describe("of them, those in which the new layers fade in; half of them without one"),
  mappingLayers: z.int().min(1).default(4).describe("of style: layers from z to w; the paper's 8"),
  styleMixing: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .describe("of style: share of rows that take their styles from two latents in training"),
  selfAttention: z
    .boolean()
    .default(false)
    .describe("of resnet: attention at half the image's side in both networks (Zhang et al. 2019)"),
  classEmbedding: z
    .int()
    .min(0)
    .default(0)
    .describe(
      "of resnet: size of a class vector that conditions all normalizations of the generator (Brock et al. 2019); 0 for a table in each",
    ),
  hierarchical: z
    .boolean()
    .default(false)
    .describe("of resnet: every block of the generator is given a part of z (Brock et al. 2019)"),
  initializer: z
    .enum(["auto", "orthogonal"])
    .default("auto")
    .describe("of the weights of mlp, dcgan and resnet; auto is that of the architecture"),
  standingStatistics: z
    .int()
    .min(0)
    .default(0)
    .describe(
      "passes of the averaged generator after training, from which batch normalization takes its statistics (Brock et al. 2019)",
    ),
  dropout: z.number().min(0).lt(1).default(0).describe("rate in the discriminator"),
  bottleneck: z
    .int()
    .min(0)
    .default(0)
    .describe("size of a stochastic code in the discriminator (Peng et al. 2019); 0 for none"),
  informationBound: positive
    .default(0.1)
    .describe("most nats that the code may tell of a row on average, held by dual ascent"),
  informationStep: positive.default(1e-5).describe("step size of the dual ascent"),
  consistency: weight
    .default(0)
    .describe(
      "weight of the consistency between a real row and its augmentation (Zhang et al. 2020); the paper's is 10",
    ),
  augment: z
    .enum(augmentations)
    .default("none")
    .describe("of what the discriminator sees, gradients flow through it (Zhao et al. 2020)"),
  orthogonal: weight
    .default(0)
    .describe(
      "weight of the modified orthogonal penalty on the generator (Brock et al. 2019); the paper's is 1e-4",
    ),
  discriminatorSteps: z
    .int()
    .min(1)
    .default(1)
    .describe("steps of the discriminator for one of the generator"),
  accumulate: z
    .int()
    .min(1)
    .default(1)
    .describe(
      "batches whose gradients are averaged for one step of either player: a larger batch in the memory of a small one",
    ),
  simultaneous: z
    .boolean()
    .default(false)
    .describe("both players move at once, from the same state; alternating otherwise"),
  learningRate: positive
    .optional()
    .describe(
      "of the generator, by Adam; without one 2e-4, and 1e-3 of progressive and style (equalized layers)",
    ),
  discriminatorLearningRate: positive
    .optional()
    .describe("of the discriminator (Heusel et al. 2017); the generator's without one"),
  beta1: z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe(
      "of Adam: decay of the mean gradient; without one 0.5, and 0 of progressive and style",
    ),
  beta2: z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe(
      "of Adam: decay of the mean squared gradient; without one 0.999, and 0.99 of progressive and style",
    ),
  average: z
    .number()
    .min(0)
    .lt(1)
    .default(0.999)
    .describe(
      "decay of the moving average of the generator that draws samples; 0 draws with the generator itself",
    ),
});

export type Options = z.infer<typeof options>;

/** Of Radford, Metz, Chintala (2016), and of Karras, Aila, Laine, Lehtinen (2018, appendix A.1). */
const adamDefaults = {
  usual: { learningRate: 2e-4, beta1: 0.5, beta2: 0.999 },
  equalized: { learningRate: 1e-3, beta1: 0, beta2: 0.99 },
} as const;

/** Adam's settings of the generator: what the options name, and for the rest what the architecture's paper has. */
export function adamOf({ architecture, learningRate, beta1, beta2 }: Options) {
  const equalized = architecture === "progressive" || architecture === "style";
  const own = adamDefaults[equalized ? "equalized" : "usual"];
  return {
    learningRate: learningRate ?? own.learningRate,
    beta1: beta1 ?? own.beta1,
    beta2: beta2 ?? own.beta2,
  };
}

const refuse = (text: string): never => {
  throw new ReparamError(`gan: ${text}`);
};

/** @throws ReparamError for combinations that cannot work, with the reason. */
export function checkOptions(o: Options, images: boolean): void {
  checkRegularization(o);
  if (o.simultaneous && o.discriminatorSteps > 1) {
    refuse("--simultaneous moves both players once; it cannot go with --discriminator-steps.");
  }
  if (o.simultaneous && o.penaltyEvery > 1) {
    refuse("--simultaneous has one program for both players; it cannot go with --penalty-every.");
  }
  if (o.simultaneous && o.accumulate > 1) {
    refuse("--simultaneous has one program for both players; it cannot go with --accumulate.");
  }
  if (!images && o.augment !== "none") refuse("--augment is for images.");
  if (!images && o.consistency > 0) refuse("--consistency is for images.");
  if (!images && (o.architecture === "dcgan" || o.architecture === "resnet")) {
    refuse(`--architecture ${o.architecture} is for images. Use mlp.`);
  }
  checkArchitecture(o, images);
}

/** What belongs to some architectures only. */
function checkArchitecture(o: Options, images: boolean): void {
  const name = o.architecture;
  if (name === "progressive" || name === "style") {
    if (!images) refuse(`--architecture ${name} is for images. Use mlp.`);
    if (o.normalization !== "none" || o.initializer !== "auto") {
      refuse(
        `--architecture ${name} has equalized weights of its own. Leave --normalization and --initializer out.`,
      );
    }
    if (o.dropout > 0) refuse(`--architecture ${name} has no dropout. Leave --dropout out.`);
    if (o.fadeSteps !== undefined && o.fadeSteps > o.sizeSteps) {
      refuse("--fade-steps must be at most --size-steps: layers come in before the next ones do.");
    }
  }
  const residual = { "self-attention": o.selfAttention, "class-embedding": o.classEmbedding > 0 };
  for (const [flag, given] of Object.entries({ ...residual, hierarchical: o.hierarchical })) {
    if (given && name !== "resnet") refuse(`--${flag} is a part of --architecture resnet.`);
  }
  if (o.classEmbedding > 0 && !o.conditional) {
    refuse("--class-embedding is a vector of the class. Add --conditional.");
  }
  const plain = o.generatorNormalization === "none";
  if (plain && (o.classEmbedding > 0 || o.hierarchical)) {
    refuse(
      "--class-embedding and --hierarchical condition the generator's normalization. Use --generator-normalization batch.",
    );
  }
  const batch = images && o.generatorNormalization === "batch";
  if (
    o.standingStatistics > 0 &&
    (!batch || name === "mlp" || name === "progressive" || name === "style")
  ) {
    refuse("--standing-statistics are those of batch normalization, and this generator has none.");
  }
}
