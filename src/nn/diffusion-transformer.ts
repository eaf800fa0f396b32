/**
 * Transformers that are told a time: patches of an image are tokens.
 *
 * "dit": Peebles & Xie, "Scalable diffusion models with transformers" (2023): time and class modulate every block by
 * adaptive layer norms whose gates begin at zero (adaLN-Zero). Each block's residual branches have a number.
 *
 * "u-vit": Bao et al., "All are worth words: a ViT backbone for diffusion models" (2023): time and class are tokens, and
 * the result of each block of the first half is joined to the input of one of the second half, as in a U-Net. These
 * skips have numbers: 0 is the innermost.
 *
 * x [B, C, H, W] and times [B] → [B, C', H, W].
 */
import {
  concat,
  expandDims,
  pixelShuffle,
  pixelUnshuffle,
  reshape,
  silu,
  slice,
  split,
  transpose,
} from "../ops/index.ts";
import { ReparamError, ShapeError } from "../tensor/index.ts";
import type { Key, Operand, Value } from "../trace/index.ts";
import { type EmbeddingParams, embedding, initEmbedding } from "./embedding.ts";
import { normal, zeros } from "./initializers.ts";
import { initLinear, type LinearParams, linear } from "./linear.ts";
import type { Scope } from "./scope.ts";
import { timeFeatures } from "./time-features.ts";
import {
  type AttentionPart,
  type BlockOptions,
  type FeedForwardPart,
  initAttentionPart,
  initFeedForwardPart,
  initTransformerNorm,
  type Modulation,
  type TransformerNormParams,
  transformerBlock,
  transformerNorm,
} from "./transformer-block.ts";
import type { JoinedSkip, SkipHook } from "./unet.ts";

export interface DiffusionTransformerOptions {
  readonly kind: "dit" | "u-vit";
  /** Channels, height and width of x. */
  readonly image: readonly [channels: number, height: number, width: number];
  /** Channels of the result. */
  readonly outputs: number;
  readonly features: number;
  /** Blocks; odd for "u-vit", whose middle one has no skip. */
  readonly layers: number;
  readonly heads: number;
  /** Pixels along an edge of a patch. */
  readonly patch: number;
  /** Classes that the network is told; the class of that number stands for none. */
  readonly classes?: number | undefined;
  readonly dropout?: number;
}

type DiffusionBlock = {
  readonly attention: AttentionPart;
  readonly feedForward: FeedForwardPart;
  /** [features, 6·features], of "dit". */
  readonly modulation?: LinearParams;
  /** [2·features, features], of the second half of "u-vit". */
  readonly join?: LinearParams;
};

export type DiffusionTransformerParams = {
  readonly time1: LinearParams;
  readonly time2: LinearParams;
  readonly classes?: EmbeddingParams;
  readonly patches: LinearParams;
  readonly positions: EmbeddingParams;
  readonly blocks: readonly DiffusionBlock[];
  readonly norm: TransformerNormParams;
  /** [features, 2·features], of "dit". */
  readonly modulation?: LinearParams;
  readonly output: LinearParams;
};

const blockOptions = (o: DiffusionTransformerOptions): BlockOptions & { layers: number } => ({
  ...{ features: o.features, heads: o.heads, layers: o.layers, dropout: o.dropout ?? 0 },
  ...{ feedForward: "gelu", norm: "layer", placement: "pre", positions: "learned" },
});

/** Tokens beside those of patches: time and class of "u-vit". */
const extraTokens = ({ kind, classes }: DiffusionTransformerOptions): number =>
  kind === "dit" ? 0 : classes === undefined ? 1 : 2;

export function initDiffusionTransformer(
  key: Key,
  o: DiffusionTransformerOptions,
): DiffusionTransformerParams {
  checkOptions(o);
  const { features, layers, patch, image } = o;
  const [channels, height, width] = image;
  const tokens = (height / patch) * (width / patch) + extraTokens(o);
  const zero = { initializer: zeros, biasInitializer: zeros };
  const small = { initializer: normal(0.02) };
  const isDit = o.kind === "dit";
  return {
    time1: initLinear(key.at("time1"), features, features),
    time2: initLinear(key.at("time2"), features, features),
    ...(o.classes !== undefined && {
      classes: initEmbedding(key.at("classes"), o.classes + 1, features, small),
    }),
    patches: initLinear(key.at("patches"), channels * patch ** 2, features),
    positions: initEmbedding(key.at("positions"), tokens, features, small),
    blocks: Array.from({ length: layers }, (_, i) => {
      const at = key.at("blocks").at(i);
      return {
        attention: initAttentionPart(at.at("attention"), blockOptions(o)),
        feedForward: initFeedForwardPart(at.at("feedForward"), blockOptions(o)),
        ...(isDit && { modulation: initLinear(at.at("modulation"), features, 6 * features, zero) }),
        ...(!isDit &&
          i > layers / 2 && { join: initLinear(at.at("join"), 2 * features, features) }),
      };
    }),
    norm: initTransformerNorm(features, "layer"),
    ...(isDit && { modulation: initLinear(key.at("modulation"), features, 2 * features, zero) }),
    output: initLinear(key.at("output"), features, o.outputs * patch ** 2, zero),
  };
}

export interface DiffusionTransformerCall {
  /** Class of each row, int32 [B]; of networks that are told one. */
  readonly label?: Value | undefined;
  /** What becomes of each skip connection of "u-vit". */
  readonly skips?: SkipHook | undefined;
  /** Factor of the residual branches of block `index` of "dit", one for all rows or one a row [B]; 1 by default. */
  readonly residual?: ((block: { index: number; count: number }) => Operand) | undefined;
  readonly scope?: Scope | undefined;
}

/** x [B, C, H, W] and times [B], on the scale of 0 to 1000 → [B, C', H, W]. */
export function diffusionTransformer(
  m: DiffusionTransformerParams,
  x: Value,
  times: Value,
  o: DiffusionTransformerOptions,
  call: DiffusionTransformerCall = {},
): Value {
  const [channels, height, width] = o.image;
  if (x.rank !== 4 || [channels, height, width].some((size, i) => x.size(i + 1) !== size)) {
    throw new ShapeError(
      "diffusionTransformer",
      `x must be [B, ${channels}, ${height}, ${width}], got ${x}.`,
    );
  }
  const rows = [height / o.patch, width / o.patch] as const;
  const patches = reshape(pixelUnshuffle(x, o.patch), [x.size(0), -1, rows[0] * rows[1]]);
  const images = linear(m.patches, transpose(patches, [0, 2, 1])); // (B,T,F)
  const told = conditions(m, times, o, call.label);
  const tokens = o.kind === "dit" ? images : concat([...told, images], 1);
  const start = tokens.add(m.positions.weight);
  const y = o.kind === "dit" ? dit(m, start, told, o, call) : uVit(m, start, o, call);
  const last = o.kind === "dit" ? y : slice(y, 1, extraTokens(o));
  const out = reshape(transpose(linear(m.output, last), [0, 2, 1]), [x.size(0), -1, ...rows]);
  return pixelShuffle(out, o.patch);
}

/** Time and class, [B, 1, features] each. */
function conditions(
  m: DiffusionTransformerParams,
  times: Value,
  { features }: DiffusionTransformerOptions,
  label: Value | undefined,
): Value[] {
  const time = linear(m.time2, silu(linear(m.time1, timeFeatures(times, features))));
  if (m.classes === undefined) return [expandDims(time, 1)];
  if (label === undefined) {
    throw new ReparamError("diffusionTransformer: this network is told a class: give label.");
  }
  return [expandDims(time, 1), expandDims(embedding(m.classes, label), 1)];
}

function dit(
  m: DiffusionTransformerParams,
  start: Value,
  told: readonly Value[],
  o: DiffusionTransformerOptions,
  { residual, scope }: DiffusionTransformerCall,
): Value {
  const condition = silu(told.reduce((sum, each) => sum.add(each))); // (B,1,F)
  let now = start;
  for (const [index, block] of m.blocks.entries()) {
    const parts = split(linear(block.modulation as LinearParams, condition), -1, 6);
    const modulation = (at: number): Modulation => {
      const [shift, scale, gate] = parts.slice(at, at + 3) as [Value, Value, Value];
      return { shift, scale, gate };
    };
    const factor = residual?.({ index, count: m.blocks.length });
    now = transformerBlock(block, now, blockOptions(o), {
      mask: "none",
      modulation: { attention: modulation(0), feedForward: modulation(3) },
      ...(factor !== undefined && { residual: overTokens(factor) }),
      ...(scope && { scope: scope.at(index) }),
    }).y;
  }
  const parts = split(linear(m.modulation as LinearParams, condition), -1, 2);
  const [shift, scale] = parts as [Value, Value];
  return transformerNorm(m.norm, now, "layer").mul(scale.add(1)).add(shift);
}

/** One number a row [B] as [B, 1, 1]. */
const overTokens = (factor: Operand): Operand =>
  typeof factor === "number" || factor.rank === 0 ? factor : reshape(factor, [-1, 1, 1]);

function uVit(
  m: DiffusionTransformerParams,
  start: Value,
  o: DiffusionTransformerOptions,
  { skips, scope }: DiffusionTransformerCall,
): Value {
  const count = (m.blocks.length - 1) / 2;
  const kept: Value[] = [];
  let now = start;
  for (const [i, block] of m.blocks.entries()) {
    if (block.join !== undefined) {
      const join = { backbone: now, skip: kept.pop() as Value, level: 0 };
      const joined: JoinedSkip = skips?.({ ...join, index: i - count - 1, count }) ?? join;
      // No norm follows the concatenation, so that its factor may as well act before.
      const { backbone, skip, afterNorm = 1 } = joined;
      now = linear(block.join, concat([backbone, skip.mul(afterNorm)], -1));
    }
    const given = { mask: "none", ...(scope && { scope: scope.at(i) }) } as const;
    now = transformerBlock(block, now, blockOptions(o), given).y;
    if (i < count) kept.push(now);
  }
  return transformerNorm(m.norm, now, "layer");
}

function checkOptions({
  kind,
  image,
  layers,
  patch,
  features,
  heads,
}: DiffusionTransformerOptions): void {
  const [, height, width] = image;
  if (height % patch !== 0 || width % patch !== 0) {
    throw new ReparamError(
      `diffusionTransformer: images of ${height}×${width} cannot be cut into patches of ${patch} pixels.`,
    );
  }
  if (features % heads !== 0 || features % 2 !== 0) {
    throw new ReparamError(
      `diffusionTransformer: ${features} features must be even and form ${heads} heads.`,
    );
  }
  if (kind === "u-vit" && layers % 2 === 0) {
    throw new ReparamError(
      `diffusionTransformer: u-vit has an odd number of blocks, got ${layers}.`,
    );
  }
}
