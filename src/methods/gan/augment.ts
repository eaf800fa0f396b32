// Augmentations of rows [B, C, H, W] through which gradients flow: Zhao, Liu, Lin, Zhu, Han, "Differentiable
// augmentation for data-efficient GAN training" (2020). Every row gets random numbers of its own.
import {
  cast,
  equal,
  floor,
  greaterOrEqual,
  less,
  matmul,
  mean,
  or,
  range,
  reshape,
} from "../../ops/index.ts";
import { type Key, uniform, type Value } from "../../trace/index.ts";

export const augmentations = ["none", "translation", "cutout", "color", "all"] as const;
export type Augmentation = (typeof augmentations)[number];

/** One uniform number from −1 to 1 a row, [B, 1, 1, 1]. */
const perRow = (key: Key, x: Value): Value =>
  uniform(key, [x.size(0), 1, 1, 1])
    .mul(2)
    .sub(1);

/** Whole numbers −most … most, [B, 1, 1, 1]. */
const whole = (key: Key, x: Value, most: number): Value =>
  floor(uniform(key, [x.size(0), 1, 1, 1]).mul(2 * most + 1)).sub(most);

/** Moves every row by up to an eighth of its size either way; what comes in is 0. */
function translation(x: Value, key: Key): Value {
  const move = (axis: "down" | "along", size: number): Value => {
    const shift = whole(key.at(axis), x, Math.round(size / 8));
    const to = reshape(range(size, "float32"), [1, 1, size, 1]);
    const from = reshape(range(size, "float32"), [1, 1, 1, size]);
    return cast(equal(to.sub(shift), from), "float32"); // (B,1,size,size)
  };
  const [height, width] = x.shape.slice(2) as [number, number];
  return matmul(matmul(move("down", height), x), move("along", width), { transposeB: true });
}

/** Sets a square of half the size to 0. */
function cutout(x: Value, key: Key): Value {
  const outside = (axis: "down" | "along", size: number, shape: number[]): Value => {
    const start = floor(uniform(key.at(axis), [x.size(0), 1, 1, 1]).mul(size + 1)).sub(size / 4);
    const at = reshape(range(size, "float32"), shape);
    return or(less(at, start), greaterOrEqual(at, start.add(Math.floor(size / 2))));
  };
  const [height, width] = x.shape.slice(2) as [number, number];
  const down = outside("down", height, [1, 1, height, 1]);
  const along = outside("along", width, [1, 1, 1, width]);
  return x.mul(cast(or(down, along), "float32"));
}

/** Brightness by up to ½ either way, saturation and contrast by factors of up to 2. */
function color(x: Value, key: Key): Value {
  const brighter = x.add(perRow(key.at("brightness"), x).mul(0.5));
  const grey = mean(brighter, 1, { keepDims: true });
  const saturated = brighter
    .sub(grey)
    .mul(perRow(key.at("saturation"), x).add(1))
    .add(grey);
  const level = mean(saturated, [1, 2, 3], { keepDims: true });
  return saturated
    .sub(level)
    .mul(perRow(key.at("contrast"), x).mul(0.5).add(1))
    .add(level);
}

export function augment(kind: Augmentation, x: Value, key: Key): Value {
  if (kind === "none") return x;
  if (kind === "translation") return translation(x, key.at("translation"));
  if (kind === "cutout") return cutout(x, key.at("cutout"));
  if (kind === "color") return color(x, key.at("color"));
  return cutout(translation(color(x, key.at("color")), key.at("translation")), key.at("cutout"));
}
