// What a U-Net is made of, as data: the order of its layers on the way down, in the middle and on the way up, and
// which results of the way down are kept for the way up.
import { ReparamError } from "../tensor/index.ts";
import { checkCounts } from "./linear.ts";

/** One layer of the plan; `inputs` and `outputs` are channels. */
export type UNetLayer =
  | { readonly kind: "block"; readonly inputs: number; readonly outputs: number }
  | { readonly kind: "attention"; readonly features: number }
  | { readonly kind: "down" | "up"; readonly inputs: number; readonly outputs: number }
  /** The result so far is kept as a skip connection. */
  | { readonly kind: "keep"; readonly features: number }
  /** The last kept result that is left is joined to the channels, after those of the backbone. */
  | {
      readonly kind: "join";
      readonly backbone: number;
      readonly skip: number;
      /** Halvings of the image there. */
      readonly level: number;
    };

/** Layers in the order in which they are applied. */
export interface UNetPlan {
  /** Channels after the first convolution. */
  readonly width: number;
  readonly down: readonly UNetLayer[];
  readonly middle: readonly UNetLayer[];
  readonly up: readonly UNetLayer[];
  /** Channels before the last convolution. */
  readonly outputs: number;
}

export interface UNetPlanOptions {
  /** Channels of the first level. */
  readonly width: number;
  /** Channels of each level as multiples of the width; the image is halved between levels. */
  readonly multipliers: readonly number[];
  /** Residual blocks of a level on the way down; one more on the way up. */
  readonly blocks: number;
  /** Levels (0 is that of the image) with attention after each block. */
  readonly attention?: readonly number[];
  /** Attention between the two blocks of the middle; true by default. */
  readonly middleAttention?: boolean;
}

/**
 * The U-Net of diffusion models (Ho, Jain, Abbeel, "Denoising diffusion probabilistic models", 2020, appendix B): the
 * results of the first convolution, of every block and of every halving are kept, and each is joined to the input of
 * one block on the way up. Skips: levels·(blocks + 1).
 */
export function unetPlan(options: UNetPlanOptions): UNetPlan {
  const { width, multipliers, blocks, attention = [], middleAttention = true } = options;
  checkCounts("unetPlan", { width, blocks, levels: multipliers.length });
  const outside = attention.find((level) => !(level in multipliers));
  if (outside !== undefined) {
    throw new ReparamError(
      `unetPlan: attention at level ${outside}, but levels are 0 to ${multipliers.length - 1}.`,
    );
  }
  const channels = multipliers.map((multiplier) => width * multiplier);
  const kept = [width];
  const down: UNetLayer[] = [{ kind: "keep", features: width }];
  let now = width;
  for (const [level, features] of channels.entries()) {
    for (let i = 0; i < blocks; i++) {
      down.push({ kind: "block", inputs: now, outputs: features });
      if (attention.includes(level)) down.push({ kind: "attention", features });
      down.push({ kind: "keep", features });
      kept.push(features);
      now = features;
    }
    if (level === channels.length - 1) break;
    down.push({ kind: "down", inputs: now, outputs: now }, { kind: "keep", features: now });
    kept.push(now);
  }
  const block: UNetLayer = { kind: "block", inputs: now, outputs: now };
  const middle = middleAttention
    ? [block, { kind: "attention", features: now } as const, block]
    : [block, block];
  const up: UNetLayer[] = [];
  for (let level = channels.length - 1; level >= 0; level--) {
    const features = channels[level] as number;
    for (let i = 0; i <= blocks; i++) {
      const skip = kept.pop() as number;
      up.push({ kind: "join", backbone: now, skip, level });
      up.push({ kind: "block", inputs: now + skip, outputs: features });
      if (attention.includes(level)) up.push({ kind: "attention", features });
      now = features;
    }
    if (level > 0) up.push({ kind: "up", inputs: now, outputs: now });
  }
  return { width, down, middle, up, outputs: now };
}

type Join = Extract<UNetLayer, { kind: "join" }>;

/** The joins of a plan by number: 0 is the innermost, the last is nearest to the image. */
export const joinsOf = ({ up }: Pick<UNetPlan, "up">): readonly Join[] =>
  up.filter((layer) => layer.kind === "join");

/** How a group norm right after a join treats a factor of the skip. */
export interface JoinNorm {
  /** Number of the skip. */
  readonly index: number;
  /** Channels of the skip, and how many of them are in a group with none of the backbone. */
  readonly channels: number;
  readonly cancelled: number;
}

/**
 * Where a factor of a skip before its concatenation is lost: the group norm that follows divides it out again in every
 * group that holds channels of the skip only (Wu & He 2018, eq. 1: mean and deviation both scale). There the factor
 * acts through the block's shortcut alone.
 */
export const joinNorms = (plan: Pick<UNetPlan, "up">, groups: number): JoinNorm[] =>
  joinsOf(plan).map(({ backbone, skip }, index) => {
    const members = (backbone + skip) / groups;
    const shared = Math.min(Math.ceil(backbone / members) * members - backbone, skip);
    return { index, channels: skip, cancelled: skip - shared };
  });
