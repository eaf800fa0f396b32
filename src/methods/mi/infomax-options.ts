import { z } from "zod";
import { ReparamError } from "../../tensor/index.ts";
import { negativeKinds, objectives } from "./infomax-loss.ts";
import { halvings, type ImageShape } from "./infomax-network.ts";

export const infomaxOptions = z.object({
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
  localLocalWeight: z
    .number()
    .min(0)
    .default(0)
    .describe("of a term between local features at two places of an image; 0 leaves it out"),
  coordinateWeight: z
    .number()
    .min(0)
    .default(0)
    .describe(
      "of the prediction of a local feature's place from it and the latent; 0 leaves it out",
    ),
  mapHalvings: z
    .int()
    .min(1)
    .max(halvings)
    .default(halvings)
    .describe("how often the image is halved before the map of local features: fewer, finer maps"),
  scales: z
    .int()
    .min(1)
    .max(halvings)
    .default(1)
    .describe("maps of local features, each twice as fine as the one before"),
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

export type InfomaxOptions = z.infer<typeof infomaxOptions>;

/** Throws for options that leave nothing to learn, or that this image is too small for. */
export function checkOptions(o: InfomaxOptions, [, height, width]: ImageShape): void {
  const fail = (what: string): never => {
    throw new ReparamError(`deep-infomax: ${what}`);
  };
  const terms = [o.globalWeight, o.localWeight, o.localLocalWeight, o.coordinateWeight];
  if (terms.every((weight) => weight === 0)) {
    fail("every weight of information is 0, so that nothing is learned. Leave one above 0.");
  }
  if (o.scales > o.mapHalvings) {
    fail(
      `scales ${o.scales}: after ${o.mapHalvings} halvings there are ${o.mapHalvings} maps. Use fewer scales, or more mapHalvings.`,
    );
  }
  const places = Math.floor(height / 2 ** o.mapHalvings) * Math.floor(width / 2 ** o.mapHalvings);
  if (places < 2 && o.localLocalWeight + o.coordinateWeight > 0) {
    fail(
      `localLocalWeight and coordinateWeight want a map of several places, and of ${height}×${width} pixels there is 1. Use larger images, or fewer mapHalvings.`,
    );
  }
}
