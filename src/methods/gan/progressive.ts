import {
  type ConvolutionParams,
  equalizedConvolution,
  equalizedLinear,
  initEqualizedConv2d,
  initEqualizedLinear,
  initializers,
  type LinearParams,
  pixelNorm,
} from "../../nn/index.ts";
import { concat, oneHot, reshape } from "../../ops/index.ts";
import type { Value } from "../../trace/index.ts";
import {
  active,
  type BySide,
  blended,
  bySide,
  double,
  type GrowthSizes,
  growingDiscriminator,
  initPair,
  layerAt,
  type Pair,
  pixelSides,
  viewsOf,
  widthAt,
} from "./growing.ts";
import type { Generator, NetworkSizes, Networks } from "./networks.ts";

type Model = {
  readonly dense: LinearParams;
  readonly conv: ConvolutionParams;
  readonly blocks: BySide<Pair>;
  readonly to: BySide<ConvolutionParams>;
};

/** Latents, and classes beside them, at a length of √size. */
export function normalizedLatents(
  z: Value,
  label: Value | undefined,
  classes: number | undefined,
): Value {
  const given =
    label === undefined ? z : concat([z, oneHot(label, classes as number, "float32")], -1);
  return pixelNorm(given);
}

function generatorOf(
  sizes: GrowthSizes,
  { latents, classes }: Pick<NetworkSizes, "latents" | "classes">,
): Generator {
  const { image, sides } = sizes;
  const at = (side: number): number => widthAt(sizes, side);
  const [first, ...rest] = sides as [number, ...number[]];
  const convolved = (layer: ConvolutionParams, x: Value): Value =>
    pixelNorm(active(equalizedConvolution(layer, x, { padding: 1 })));
  return {
    init: (key): Model => ({
      dense: initEqualizedLinear(key.at("dense"), latents + (classes ?? 0), at(first) * first ** 2),
      conv: initEqualizedConv2d(key.at("conv"), {
        ...{ inputs: at(first), outputs: at(first), kernel: 3 },
      }),
      blocks: bySide(rest, (side) =>
        initPair(key.at(`block${side}`), at(side / 2), at(side), at(side)),
      ),
      to: bySide(pixelSides(sizes), (side) =>
        initEqualizedConv2d(key.at(`to${side}`), {
          ...{ inputs: at(side), outputs: image[0], kernel: 1 },
        }),
      ),
    }),
    rows: (model, z, _scope, { label, fade }) => {
      const { dense, conv, blocks, to } = model as Model;
      const pixels = (x: Value, side: number): Value =>
        equalizedConvolution(layerAt(to, side), x, { gain: 1 });
      // The paper divides the first layer's gain by 4: its inputs do not come from a 3×3 window.
      const seed = equalizedLinear(dense, normalizedLatents(z, label, classes), {
        gain: Math.SQRT2 / 4,
      });
      const start = pixelNorm(active(reshape(seed, [-1, at(first), first, first])));
      let [before, h] = [start, convolved(conv, start)];
      for (const side of rest) {
        const { conv1, conv2 } = layerAt(blocks, side);
        [before, h] = [h, convolved(conv2, convolved(conv1, double(h)))];
      }
      const side = sides.at(-1) as number;
      const shown = pixels(h, side);
      if (fade === undefined || rest.length === 0) return shown;
      return blended(double(pixels(before, side / 2)), shown, fade);
    },
  };
}

/** The generator of the paper's table 2, `width` channels at the last side, and its mirror as discriminator. */
export const progressive = (sizes: NetworkSizes, growth: GrowthSizes): Networks => ({
  generator: generatorOf(growth, sizes),
  discriminator: growingDiscriminator(growth),
  headInitializer: initializers.normal(1),
  ...viewsOf(growth),
});
