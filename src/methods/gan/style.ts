// The style-based generator: Karras, Laine, Aila, "A style-based generator architecture for generative adversarial
// networks" (2019), with the discriminator of progressive growing. z [B, latents] → w [B, latents] by the mapping;
// from a learnt constant, every convolution is followed by noise, bias, leaky ReLU and a style of its own:
//   AdaIN(x, y) = y_s·(x − μ(x))/σ(x) + y_b,   (y_s − 1, y_b) = A(w).                                 (equation 1)
// The blur after doubling is left out.
import {
  adaptiveInstanceNorm,
  buffer,
  type ConvolutionParams,
  equalizedConvolution,
  equalizedLinear,
  initEqualizedConv2d,
  initEqualizedLinear,
  initializers,
  type LinearParams,
  type ModelBuffer,
  type Scope,
} from "../../nn/index.ts";
import {
  broadcastTo,
  cast,
  floor,
  full,
  greaterOrEqual,
  less,
  mean,
  range,
  reshape,
  slice,
  where,
} from "../../ops/index.ts";
import { type Key, normal, uniform, type Value } from "../../trace/index.ts";
import {
  active,
  type BySide,
  blended,
  bySide,
  double,
  type GrowthSizes,
  growingDiscriminator,
  layerAt,
  pixelSides,
  viewsOf,
  widthAt,
} from "./growing.ts";
import type { NetworkSizes, Networks, Styles } from "./networks.ts";
import { normalizedLatents } from "./progressive.ts";

/** What follows a convolution: the strength of noise in every channel, bias, and the affine map from w. */
type Epilogue = { readonly noise: Value; readonly bias: Value; readonly style: LinearParams };

type Block = {
  /** Of the first block in place of a convolution, [1, C, 4, 4]. */
  readonly constant?: Value;
  readonly conv1?: ConvolutionParams;
  readonly first: Epilogue;
  readonly conv2: ConvolutionParams;
  readonly second: Epilogue;
};

type Model = {
  readonly mapping: readonly LinearParams[];
  readonly average: ModelBuffer;
  readonly blocks: BySide<Block>;
  readonly to: BySide<ConvolutionParams>;
};

/** The mapping learns at a hundredth of the rate (appendix C). */
const mappingRate = 0.01;
/** Of the average of w. */
const averageDecay = 0.995;

function initEpilogue(key: Key, channels: number, size: number): Epilogue {
  const zero = full([channels], 0);
  return {
    ...{ noise: zero, bias: zero },
    style: initEqualizedLinear(key.at("style"), size, 2 * channels),
  };
}

/** x [B, C, H, W], w [B, size], noise [B, 1, H, W]. */
function epilogue({ noise: strength, bias, style }: Epilogue, x: Value, w: Value, noise: Value) {
  const channels = strength.size(0) as number;
  const perChannel = (p: Value): Value => reshape(p, [1, channels, 1, 1]);
  const noisy = x.add(noise.mul(perChannel(strength))).add(perChannel(bias));
  const affine = equalizedLinear(style, w, { gain: 1 });
  const scale = slice(affine, 1, 0, channels).add(1);
  const offset = slice(affine, 1, channels, 2 * channels);
  return adaptiveInstanceNorm({ scale, offset }, active(noisy));
}

function initBlock(
  key: Key,
  side: number,
  { inputs, outputs, size }: { inputs: number; outputs: number; size: number },
): Block {
  const conv = (name: string, from: number): ConvolutionParams =>
    initEqualizedConv2d(key.at(name), { inputs: from, outputs, kernel: 3, bias: false });
  return {
    ...(inputs === 0
      ? { constant: full([1, outputs, side, side], 1) }
      : { conv1: conv("conv1", inputs) }),
    first: initEpilogue(key.at("first"), outputs, size),
    conv2: conv("conv2", outputs),
    second: initEpilogue(key.at("second"), outputs, size),
  };
}

/** Takes layer after layer from w [B, layers, size] and noise [B, all]. */
function layersOf(w: Value, noise: Value): (side: number) => { w: Value; noise: Value } {
  let [layer, at] = [0, 0];
  return (side) => {
    const style = reshape(slice(w, 1, layer, layer + 1), [-1, w.size(2)]);
    const map = reshape(slice(noise, 1, at, at + side ** 2), [-1, 1, side, side]);
    [layer, at] = [layer + 1, at + side ** 2];
    return { w: style, noise: map };
  };
}

function stylesOf(growth: GrowthSizes, sizes: NetworkSizes): Styles {
  const { sides } = growth;
  const last = sides.at(-1) as number;
  return {
    layers: 2 * sides.length,
    size: sizes.latents,
    noise: sides.reduce((sum, side) => sum + 2 * side ** 2, 0),
    average: (model) => (model as Model).average.value,
    map: (model, z, { label }) =>
      (model as Model).mapping.reduce(
        (h, layer) => active(equalizedLinear(layer, h, { rate: mappingRate })),
        normalizedLatents(z, label, sizes.classes),
      ),
    synthesize: (model, w, noise, { fade }) => {
      const { blocks, to } = model as Model;
      const next = layersOf(w, noise);
      const styled = (part: Epilogue, x: Value, side: number): Value => {
        const given = next(side);
        return epilogue(part, x, given.w, given.noise);
      };
      let before: Value | undefined;
      let h: Value | undefined;
      for (const side of sides) {
        const { constant, conv1, first, conv2, second } = layerAt(blocks, side);
        before = h;
        const start =
          h === undefined
            ? broadcastTo(constant as Value, [w.size(0), widthAt(growth, side), side, side])
            : equalizedConvolution(conv1 as ConvolutionParams, double(h), { padding: 1 });
        const inner = styled(first, start, side);
        h = styled(second, equalizedConvolution(conv2, inner, { padding: 1 }), side);
      }
      const pixels = (x: Value, side: number): Value =>
        equalizedConvolution(layerAt(to, side), x, { gain: 1 });
      const shown = pixels(h as Value, last);
      if (fade === undefined || before === undefined) return shown;
      return blended(double(pixels(before, last / 2)), shown, fade);
    },
  };
}

/** Some rows take the styles of another w from a layer on (section 3.1): w [B, layers, size]. */
function mixed(
  styles: Styles,
  share: number,
  [w, other]: readonly [Value, Value],
  key: Key,
): Value {
  const { layers, size } = styles;
  const B = w.size(0);
  const all = (each: Value): Value => broadcastTo(reshape(each, [-1, 1, size]), [B, layers, size]);
  const drawn = uniform(key, [B, 1, 1]);
  const from = floor(drawn.mul((layers - 1) / share)).add(1);
  const crossover = where(less(drawn, share), from, full([1, 1, 1], layers));
  const layer = reshape(cast(range(layers, "float32"), "float32"), [1, layers, 1]);
  return where(greaterOrEqual(layer, crossover), all(other), all(w));
}

/** w [B, size] for all layers, [B, layers, size]. */
export const sameStyle = (w: Value, { layers, size }: Styles): Value =>
  broadcastTo(reshape(w, [-1, 1, size]), [w.size(0), layers, size]);

/** `width` channels at the last side; w is as large as z. */
export function style(sizes: NetworkSizes, growth: GrowthSizes): Networks {
  const { sides, image } = growth;
  const { latents, classes, mappingLayers, styleMixing } = sizes;
  const styles = stylesOf(growth, sizes);
  const at = (side: number): number => widthAt(growth, side);
  const init = (key: Key): Model => ({
    mapping: Array.from({ length: mappingLayers }, (_, i) =>
      initEqualizedLinear(
        key.at(`mapping${i}`),
        latents + (i === 0 ? (classes ?? 0) : 0),
        latents,
        { rate: mappingRate },
      ),
    ),
    average: buffer(full([latents], 0)),
    blocks: bySide(sides, (side) =>
      initBlock(key.at(`block${side}`), side, {
        ...{ inputs: side === sides[0] ? 0 : at(side / 2), outputs: at(side), size: latents },
      }),
    ),
    to: bySide(pixelSides(growth), (side) =>
      initEqualizedConv2d(key.at(`to${side}`), {
        ...{ inputs: at(side), outputs: image[0], kernel: 1 },
      }),
    ),
  });
  const rows = (model: unknown, z: Value, scope: Scope, told: { fade?: Value; label?: Value }) => {
    const given = model as Model;
    const w = styles.map(given, z, told);
    const next = given.average.value.mul(averageDecay).add(mean(w, 0).mul(1 - averageDecay));
    scope.update(given.average, next);
    const noise = normal(scope.key.at("noise"), [z.size(0), styles.noise]);
    if (styleMixing === 0) return styles.synthesize(given, sameStyle(w, styles), noise, told);
    const other = styles.map(given, normal(scope.key.at("other"), z.shape), told);
    const both = mixed(styles, styleMixing, [w, other], scope.key.at("crossover"));
    return styles.synthesize(given, both, noise, told);
  };
  return {
    generator: { init, rows: rows as Networks["generator"]["rows"], styles },
    discriminator: growingDiscriminator(growth),
    headInitializer: initializers.normal(1),
    ...viewsOf(growth),
  };
}
