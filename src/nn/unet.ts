/**
 * U-Nets that are told a time: Ronneberger, Fischer, Brox, "U-Net" (2015), with the blocks of Ho, Jain, Abbeel,
 * "Denoising diffusion probabilistic models" (2020, appendix B). Which layers there are is a plan (unet-plan.ts).
 *
 * x [B, C, H, W] and times [B] → [B, C', H, W]. H and W are multiples of 2^(levels − 1), times the size of a patch.
 *
 * Every skip connection goes through a hook on its way to the concatenation, by number: 0 is the innermost.
 */
import { pixelShuffle, pixelUnshuffle, silu, upsampleNearest2d } from "../ops/index.ts";
import { ReparamError, ShapeError } from "../tensor/index.ts";
import type { Key, Operand, Value } from "../trace/index.ts";
import { type ConvolutionParams, convolution, initConv2d } from "./convolution.ts";
import { type EmbeddingParams, embedding, initEmbedding } from "./embedding.ts";
import { zeros } from "./initializers.ts";
import { initLinear, type LinearParams, linear } from "./linear.ts";
import { groupNorm, initGroupNorm, type NormParams } from "./normalization.ts";
import type { Scope } from "./scope.ts";
import { initTimeFeatures, type TimeFeatures, timeFeatures } from "./time-features.ts";
import {
  type BlockInput,
  initPixelAttention,
  initUNetBlock,
  type PixelAttentionParams,
  pixelAttention,
  type UNetBlockParams,
  unetBlock,
} from "./unet-block.ts";
import { joinsOf, type UNetLayer, type UNetPlan } from "./unet-plan.ts";

/** A skip connection where it meets the backbone. */
export interface SkipJoin {
  /** [B, C, H, W] each. */
  readonly backbone: Value;
  readonly skip: Value;
  /** 0 is the innermost skip, `count` − 1 the one nearest to the image. */
  readonly index: number;
  readonly count: number;
  /** Halvings of the image there. */
  readonly level: number;
}

/** What becomes of a skip connection: the parts that are concatenated, and a factor that acts after the first norm. */
export interface JoinedSkip {
  readonly backbone: Value;
  readonly skip: Value;
  readonly afterNorm?: Operand | undefined;
}

export type SkipHook = (join: SkipJoin) => JoinedSkip;

export interface UNetOptions {
  readonly plan: UNetPlan;
  /** Channels of x. */
  readonly inputs: number;
  /** Channels of the result. */
  readonly outputs: number;
  /** Groups of every group norm; must divide the channels of every block. */
  readonly groups: number;
  readonly heads: number;
  /** Features of the time; 4·width by default. */
  readonly timeFeatures?: number;
  readonly timeEmbedding?: TimeFeatures;
  /** Classes that the network is told; the class of that number stands for none. */
  readonly classes?: number | undefined;
  readonly dropout?: number;
  /** Pixels along an edge that are taken for channels of one; 1 by default. */
  readonly patch?: number;
  /** Whether every residual branch and the result begin at zero; true by default. */
  readonly zeroInit?: boolean;
  /** Whether blocks that change the number of channels have a projection around them; true by default. */
  readonly projection?: boolean;
}

type LayerParams =
  | UNetBlockParams
  | PixelAttentionParams
  | ConvolutionParams
  | Record<string, never>;

export type UNetParams = {
  readonly frequencies?: ReturnType<typeof initTimeFeatures>;
  readonly time1: LinearParams;
  readonly time2: LinearParams;
  readonly classes?: EmbeddingParams;
  readonly input: ConvolutionParams;
  readonly down: readonly LayerParams[];
  readonly middle: readonly LayerParams[];
  readonly up: readonly LayerParams[];
  readonly norm: NormParams;
  readonly output: ConvolutionParams;
};

export function initUNet(key: Key, options: UNetOptions): UNetParams {
  const { plan, inputs, outputs, classes, patch = 1, zeroInit = true } = options;
  const { timeFeatures: features = 4 * plan.width, timeEmbedding = "sinusoidal" } = options;
  checkGroups(options);
  const conv = (name: string, from: number, to: number): ConvolutionParams =>
    initConv2d(key.at(name), {
      ...{ inputs: from, outputs: to, kernel: 3 },
      ...(name === "output" && zeroInit && { initializer: zeros, biasInitializer: zeros }),
    });
  const layers = (name: "down" | "middle" | "up"): LayerParams[] =>
    plan[name].map((layer, i) => initLayer(key.at(name).at(i), layer, options, features));
  return {
    ...(timeEmbedding === "fourier" && {
      frequencies: initTimeFeatures(key.at("frequencies"), plan.width),
    }),
    time1: initLinear(key.at("time1"), plan.width, features),
    time2: initLinear(key.at("time2"), features, features),
    ...(classes !== undefined && {
      classes: initEmbedding(key.at("classes"), classes + 1, features),
    }),
    input: conv("input", inputs * patch ** 2, plan.width),
    down: layers("down"),
    middle: layers("middle"),
    up: layers("up"),
    norm: initGroupNorm(plan.outputs),
    output: conv("output", plan.outputs, outputs * patch ** 2),
  };
}

function initLayer(
  key: Key,
  layer: UNetLayer,
  { heads, zeroInit = true, projection = true }: UNetOptions,
  features: number,
): LayerParams {
  switch (layer.kind) {
    case "block": {
      const { inputs, outputs } = layer;
      return initUNetBlock(key, { inputs, outputs, timeFeatures: features, zeroInit, projection });
    }
    case "attention":
      return initPixelAttention(key, { features: layer.features, heads, zeroInit });
    case "down":
    case "up":
      return initConv2d(key, { inputs: layer.inputs, outputs: layer.outputs, kernel: 3 });
    default:
      return {};
  }
}

/** Throws where the channels of a norm do not form the groups. */
function checkGroups({ plan, groups, heads }: UNetOptions): void {
  const all = [...plan.down, ...plan.middle, ...plan.up];
  const channels = all.flatMap((layer) =>
    layer.kind === "block"
      ? [layer.inputs, layer.outputs]
      : layer.kind === "attention"
        ? [layer.features]
        : [],
  );
  const odd = [...channels, plan.outputs].find((count) => count % groups !== 0);
  if (odd !== undefined) {
    throw new ReparamError(
      `unet: ${odd} channels cannot form ${groups} groups. Use a width that is a multiple of ${groups}.`,
    );
  }
  const attended = all.find((layer) => layer.kind === "attention" && layer.features % heads !== 0);
  if (attended?.kind === "attention") {
    throw new ReparamError(`unet: ${attended.features} channels cannot form ${heads} heads.`);
  }
}

export interface UNetCall {
  /** Class of each row, int32 [B]; of networks that are told one. */
  readonly label?: Value | undefined;
  /** What becomes of each skip connection; joined as they are by default. */
  readonly skips?: SkipHook | undefined;
  readonly scope?: Scope | undefined;
}

/** x [B, C, H, W] and times [B], on the scale of 0 to 1000 → [B, C', H, W]. */
export function unet(
  m: UNetParams,
  x: Value,
  times: Value,
  options: UNetOptions,
  { label, skips = asTheyAre, scope }: UNetCall = {},
): Value {
  const { plan, patch = 1, groups } = options;
  checkImage(x, options);
  const time = timeOf(m, times, options, label);
  const patches = patch === 1 ? x : pixelUnshuffle(x, patch);
  const joins = joinsOf(plan);
  const kept: Value[] = [];
  let joined = 0;
  let now: BlockInput = { backbone: convolution(m.input, patches, { padding: 1 }) };
  const apply = (part: "down" | "middle" | "up"): void => {
    for (const [i, layer] of plan[part].entries()) {
      if (layer.kind === "keep") kept.push(now.backbone);
      else if (layer.kind === "join") {
        const { level } = joins[joined] as (typeof joins)[number];
        const skip = kept.pop() as Value;
        now = skips({
          ...{ backbone: now.backbone, skip, level },
          index: joined++,
          count: joins.length,
        });
      } else {
        const inner = scope?.at(part).at(i);
        const params = (m[part] as readonly LayerParams[])[i] as LayerParams;
        now = { backbone: applyLayer(layer, params, now, time, options, inner) };
      }
    }
  };
  apply("down");
  apply("middle");
  apply("up");
  const y = convolution(m.output, silu(groupNorm(m.norm, now.backbone, { groups })), {
    padding: 1,
  });
  return patch === 1 ? y : pixelShuffle(y, patch);
}

const asTheyAre: SkipHook = ({ backbone, skip }) => ({ backbone, skip });

function applyLayer(
  layer: UNetLayer,
  params: LayerParams,
  x: BlockInput,
  time: Value,
  { groups, heads, dropout = 0 }: UNetOptions,
  scope: Scope | undefined,
): Value {
  switch (layer.kind) {
    case "block":
      return unetBlock(params as UNetBlockParams, x, time, { groups, dropout, scope });
    case "attention":
      return pixelAttention(params as PixelAttentionParams, x.backbone, { groups, heads });
    case "down":
      return convolution(params as ConvolutionParams, x.backbone, { stride: 2, padding: 1 });
    default:
      return convolution(params as ConvolutionParams, upsampleNearest2d(x.backbone, 2), {
        padding: 1,
      });
  }
}

/** Features of time and class, SiLU applied: [B, F]. */
function timeOf(
  m: UNetParams,
  times: Value,
  { plan }: UNetOptions,
  label: Value | undefined,
): Value {
  const features = timeFeatures(times, plan.width, m.frequencies);
  const time = linear(m.time2, silu(linear(m.time1, features)));
  if (m.classes === undefined) return silu(time);
  if (label === undefined)
    throw new ReparamError("unet: this network is told a class: give label.");
  return silu(time.add(embedding(m.classes, label)));
}

function checkImage(x: Value, { plan, inputs, patch = 1 }: UNetOptions): void {
  const halvings = plan.down.filter((layer) => layer.kind === "down").length;
  const unit = patch * 2 ** halvings;
  const fits = (size: unknown): boolean => typeof size !== "number" || size % unit === 0;
  if (x.rank !== 4 || x.size(1) !== inputs || !fits(x.size(2)) || !fits(x.size(3))) {
    throw new ShapeError(
      "unet",
      `x must be [B, ${inputs}, H, W] with H and W multiples of ${unit}, got ${x}. Use fewer levels, or pad the images.`,
    );
  }
}
