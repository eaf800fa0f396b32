import { z } from "zod";
import { ReparamError } from "../../tensor/index.ts";
import { type Prediction, predictionNames } from "./prediction.ts";
import { type NoiseProcess, noiseProcess, type ProcessName, processNames } from "./process.ts";
import { type TimeLawName, timeLawNames, type WeightingName, weightingNames } from "./weighting.ts";

const positive = z.number().positive("must be above 0");
const share = z.number().min(0).max(1);

/** Numbers in a text, such as `1,2,2`. */
const numberList = (text: string): number[] => text.split(",").map((part) => Number(part.trim()));

const numbersAbove = (least: number, what: string) =>
  z.string().refine((text) => numberList(text).every((n) => n >= least && Number.isFinite(n)), {
    message: `must be ${what} with commas between, such as 1,2`,
  });

export const options = z.object({
  prediction: z
    .enum(predictionNames)
    .default("edm")
    .describe("what the network predicts: the noise, the data, or a mix of both"),
  process: z
    .enum(["auto", ...processNames])
    .default("auto")
    .describe(
      "how much signal and noise there is at a time; auto is edm, flow or vp-cosine, as the prediction has it",
    ),
  weighting: z
    .enum(["auto", ...weightingNames])
    .default("auto")
    .describe("of squared errors at each noise level; auto is edm for edm, else simple"),
  minSnr: positive.default(5).describe("γ of the weighting min-snr (Hang et al. 2023)"),
  times: z
    .enum(["auto", ...timeLawNames])
    .default("auto")
    .describe("law of the times of a batch; auto is log-normal, logit-normal or stratified"),
  timeMean: z.number().optional().describe("mean of log-normal (-1.2) and logit-normal times (0)"),
  timeStd: positive.optional().describe("their standard deviation (1.2, and 1)"),
  sigmaData: positive
    .optional()
    .describe("standard deviation of the data; 0.5 of images in −1 … 1, 1 of points"),
  backbone: z
    .enum(["auto", "unet", "dit", "u-vit", "mlp"])
    .default("auto")
    .describe("network; auto is unet for images and mlp for points"),
  width: z
    .int()
    .min(2)
    .default(48)
    .describe("channels of the first level of unet, features of the others"),
  multipliers: numbersAbove(1, "whole numbers of at least 1")
    .default("1,2")
    .describe("channels of each level of unet as multiples of the width; levels halve the image"),
  blocks: z
    .int()
    .min(1)
    .default(1)
    .describe("residual blocks of a level of unet (one more on the way up)"),
  layers: z
    .int()
    .min(1)
    .default(4)
    .describe("blocks of dit and u-vit (made odd), residual blocks of mlp"),
  attentionBelow: z
    .int()
    .min(0)
    .default(8)
    .describe("levels of at most so many pixels along an edge have attention; 0 for none"),
  heads: z.int().min(1).default(4).describe("of attention"),
  groups: z.int().min(1).default(8).describe("of every group norm"),
  patch: z
    .int()
    .min(1)
    .default(2)
    .describe(
      "pixels along an edge that the network takes for channels of one: 2 quarters the cost",
    ),
  projection: z
    .boolean()
    .default(true)
    .describe("projection around blocks of unet that change the number of channels"),
  timeEmbedding: z
    .enum(["sinusoidal", "fourier"])
    .default("sinusoidal")
    .describe("features of the time, of fixed or of random wavelengths"),
  skipPlacement: z
    .enum(["before-concatenation", "after-norm"])
    .default("before-concatenation")
    .describe("where factors of skip connections act when sampling (Ma et al. 2024)"),
  freeU: z
    .boolean()
    .default(false)
    .describe("give denoise the knobs of FreeU (Si et al. 2024), of unet"),
  conditional: z.boolean().default(false).describe("tell the network the class"),
  classes: z
    .int()
    .min(2)
    .default(10)
    .describe("number of classes, where the data set does not name them"),
  guidanceDropout: share
    .default(0.1)
    .describe(
      "share of rows whose class is withheld in training, for classifier-free guidance (Ho, Salimans 2022)",
    ),
  dropout: z.number().min(0).lt(1).default(0).describe("rate inside of residual blocks"),
  learningRate: positive.default(1e-3).describe("of Adam"),
  warmupSteps: z.int().min(0).default(200).describe("steps in which the rate rises from 0"),
  clip: positive.default(1).describe("most norm of the gradient of a step"),
  halfLives: numbersAbove(0.001, "positive numbers")
    .default("20,5")
    .describe("of moving averages of the parameters, in thousands of rows (Karras et al. 2022)"),
  average: z
    .int()
    .min(-1)
    .default(0)
    .describe("which of the averages draws samples, counted from 0; -1 the parameters themselves"),
});

export type Options = z.infer<typeof options>;

/** The noise process of these options. */
export const processOf = ({ prediction, process }: Options): NoiseProcess => {
  const own: Partial<Record<Options["prediction"], ProcessName>> = { edm: "edm", flow: "flow" };
  return noiseProcess(process === "auto" ? (own[prediction] ?? "vp-cosine") : process);
};

/** What the network predicts. Images have a deviation of about a half, points of about 1. */
export const predictionOf = (o: Options, images: boolean): Prediction => ({
  name: o.prediction,
  sigmaData: o.sigmaData ?? (images ? 0.5 : 1),
});

export const weightingOf = ({ weighting, prediction }: Options): WeightingName =>
  weighting !== "auto" ? weighting : prediction === "edm" ? "edm" : "simple";

export function timeLawOf({ times }: Options, process: NoiseProcess): TimeLawName {
  if (times !== "auto") return times;
  const laws: Partial<Record<ProcessName, TimeLawName>> = {
    ...{ edm: "log-normal", ve: "log-normal", flow: "logit-normal" },
  };
  return laws[process.name] ?? "stratified";
}

export const multipliersOf = ({ multipliers }: Options): number[] => numberList(multipliers);
export const halfLivesOf = ({ halfLives }: Options): number[] => numberList(halfLives);

/** @throws ReparamError for options that cannot work together, with the reason. */
export function checkOptions(o: Options, images: boolean): void {
  const refuse = (text: string): never => {
    throw new ReparamError(`diffusion: ${text}`);
  };
  if (!images && o.backbone !== "auto" && o.backbone !== "mlp") {
    refuse(`--backbone ${o.backbone} is for images. Use mlp.`);
  }
  if (images && o.backbone === "mlp") refuse("--backbone mlp is for points. Use unet.");
  if (o.freeU && !(images && (o.backbone === "auto" || o.backbone === "unet"))) {
    refuse("--free-u is for the skip connections of unet.");
  }
  if (o.average >= halfLivesOf(o).length) {
    refuse(`--average ${o.average}: there are ${halfLivesOf(o).length} averages, counted from 0.`);
  }
  const process = processOf(o);
  if (timeLawOf(o, process) === "logit-normal" && process.interval[1] > 1) {
    refuse(`--times logit-normal is for times of 0 to 1; those of ${process.name} are not.`);
  }
}
