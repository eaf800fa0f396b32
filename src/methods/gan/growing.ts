// Networks that grow: Karras, Aila, Laine, Lehtinen, "Progressive growing of GANs for improved quality, stability, and
// variation" (2018). They begin at 4×4 pixels, and double in side by new layers that fade in. Layers are named by their
// side in pixels, so that what a larger network shares with a smaller one stands at the same path.

import {
  type ConvolutionParams,
  equalizedConvolution,
  equalizedLinear,
  initEqualizedConv2d,
  initEqualizedLinear,
  type LinearParams,
  minibatchDeviation,
} from "../../nn/index.ts";
import {
  averagePool2d,
  flatten,
  leakyRelu,
  minimum,
  pad,
  slice,
  upsampleNearest2d,
} from "../../ops/index.ts";
import { leafMap, mapTree, ReparamError, type Tree } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import type { FeatureNetwork, Networks } from "./networks.ts";

/** The least side. */
const smallest = 4;

/** Layers by the side of the image in pixels that they work on. */
export type BySide<T> = { readonly [side: `at${number}`]: T };

export const bySide = <T>(sides: readonly number[], of: (side: number) => T): BySide<T> =>
  Object.fromEntries(sides.map((side) => [`at${side}`, of(side)]));

export const layerAt = <T>(layers: BySide<T>, side: number): T => layers[`at${side}`] as T;

/** Sides from 4 to the least power of two that holds the image: those of 28×28 pixels end with 32. */
export function sidesOf([, height, width]: readonly number[]): number[] {
  const sides = [smallest];
  const last = (): number => sides.at(-1) as number;
  while (last() < Math.max(height as number, width as number)) sides.push(2 * last());
  if (sides.length === 1) {
    throw new ReparamError(
      `images of ${height}×${width} pixels are too small to grow to. Use images of more than 4 pixels.`,
    );
  }
  return sides;
}

/** A size of growing networks. */
export interface GrowthSizes {
  /** Channels, height and width of the data. */
  readonly image: readonly [number, number, number];
  /** Channels at the last side. */
  readonly width: number;
  /** Of these networks, ascending from 4. */
  readonly sides: readonly number[];
  /** Whether the last of them may be fading in. */
  readonly fades: boolean;
}

/** Channels at a side: twice as many at half of it, at most four times those of the last. */
export function widthAt({ image, width }: GrowthSizes, side: number): number {
  const last = sidesOf(image).at(-1) as number;
  return Math.min(4, last / side) * width;
}

/** Sides whose layers from and to pixels are used: the last, and half of it while it fades in. */
export const pixelSides = ({ sides, fades }: GrowthSizes): readonly number[] =>
  sides.slice(fades ? -2 : -1);

export const active = (x: Value): Value => leakyRelu(x, 0.2);
export const double = (x: Value): Value => upsampleNearest2d(x, 2);
const halve = (x: Value): Value => averagePool2d(x, { size: 2 });

/** before + fade·(after − before). */
export const blended = (before: Value, after: Value, fade: Value): Value =>
  before.add(after.sub(before).mul(fade));

/** Two 3×3 convolutions at one side. */
export type Pair = { readonly conv1: ConvolutionParams; readonly conv2: ConvolutionParams };

export const initPair = (key: Key, inputs: number, middle: number, outputs: number): Pair => ({
  conv1: initEqualizedConv2d(key.at("conv1"), { inputs, outputs: middle, kernel: 3 }),
  conv2: initEqualizedConv2d(key.at("conv2"), { inputs: middle, outputs, kernel: 3 }),
});

type Discriminator = {
  readonly from: BySide<ConvolutionParams>;
  readonly blocks: BySide<Pair>;
  readonly conv: ConvolutionParams;
  readonly dense: LinearParams;
};

/** Table 2 of the paper. Features are over √(their number): the head is an equalized layer too. */
export function growingDiscriminator(sizes: GrowthSizes): FeatureNetwork {
  const { image, sides } = sizes;
  const at = (side: number): number => widthAt(sizes, side);
  const features = at(smallest);
  const last = sides.at(-1) as number;
  return {
    features,
    init: (key): Discriminator => ({
      from: bySide(pixelSides(sizes), (side) =>
        initEqualizedConv2d(key.at(`from${side}`), {
          ...{ inputs: image[0], outputs: at(side), kernel: 1 },
        }),
      ),
      blocks: bySide(sides.slice(1), (side) =>
        initPair(key.at(`block${side}`), at(side), at(side), at(side / 2)),
      ),
      conv: initEqualizedConv2d(key.at("conv"), {
        ...{ inputs: features + 1, outputs: features, kernel: 3 },
      }),
      dense: initEqualizedLinear(key.at("dense"), features * smallest ** 2, features),
    }),
    of: (model, rows, _scope, { fade }) => {
      const { from, blocks, conv, dense } = model as Discriminator;
      const pixels = (x: Value, side: number): Value =>
        active(equalizedConvolution(layerAt(from, side), x));
      let h = pixels(rows, last);
      for (const side of sides.slice(1).toReversed()) {
        const { conv1, conv2 } = layerAt(blocks, side);
        const inner = active(equalizedConvolution(conv1, h, { padding: 1 }));
        h = halve(active(equalizedConvolution(conv2, inner, { padding: 1 })));
        if (side === last && fade !== undefined) {
          h = blended(pixels(halve(rows), side / 2), h, fade);
        }
      }
      const top = active(equalizedConvolution(conv, minibatchDeviation(h), { padding: 1 }));
      return active(equalizedLinear(dense, flatten(top))).mul(1 / Math.sqrt(features));
    },
  };
}

/**
 * Data at the side of these networks: a margin of −1 around it, then means of squares of pixels. While the newest
 * layers fade in, so do the details that only they show.
 */
export function viewsOf({ image, sides }: GrowthSizes): Pick<Networks, "view" | "crop"> {
  const [, height, width] = image;
  const full = sidesOf(image).at(-1) as number;
  const side = sides.at(-1) as number;
  const [top, left] = [Math.floor((full - height) / 2), Math.floor((full - width) / 2)];
  return {
    view: (rows, fade) => {
      const margins = { 2: [top, full - height - top], 3: [left, full - width - left] } as const;
      const whole = pad(rows, margins, -1);
      const seen = full === side ? whole : averagePool2d(whole, { size: full / side });
      return fade === undefined ? seen : blended(double(halve(seen)), seen, fade);
    },
    ...(full === side
      ? { crop: (rows) => slice(slice(rows, 2, top, top + height), 3, left, left + width) }
      : {}),
  };
}

/** A new state in which every tensor that the one before has at the same path, of the same shape, is that one. */
export function grown<T extends Tree<Value>>(fresh: T, previous: Tree<Value>): T {
  const before = leafMap<Value>(previous);
  return mapTree<Value, Value>(fresh, (leaf, path) => {
    const old = before.get(path);
    return old !== undefined && `${old.shape}` === `${leaf.shape}` ? old : leaf;
  }) as T;
}

/** The newest layers' share after one more step of `steps`. */
export const fadeAfter = (fade: Value, steps: number): Value => minimum(fade.add(1 / steps), 1);
