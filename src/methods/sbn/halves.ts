import type { Scope } from "../../nn/index.ts";
import { cast, concat, flatten, less, reshape, slice } from "../../ops/index.ts";
import type { DataShape } from "../../step/index.ts";
import { dim, elementCount, ReparamError, staticShape } from "../../tensor/index.ts";
import { uniform, type Value } from "../../trace/index.ts";

/** The free batch axis. */
export const B = dim("B");

/** Halves of a batch of images: x [B, upper] and y [B, lower]. */
export interface Halves {
  readonly x: Value;
  readonly y: Value;
}

/** How images of a data set divide; of an odd height the lower half has one row more. */
export interface HalvedImage {
  /** [C, H, W]. */
  readonly image: readonly number[];
  /** Pixels of either half. */
  readonly upper: number;
  readonly lower: number;
  /** Bytes as numbers from 0 to 1; `dynamic` draws each pixel as 0 or 1 with that probability. */
  readonly split: (bytes: Value, dynamic: boolean, scope: Scope) => Halves;
  /** Whole images [B, C, H, W] of both halves. */
  readonly join: (halves: Halves) => Value;
}

/** @throws ReparamError where the data have no images of at least two rows. */
export function halvesOf({ columns }: Pick<DataShape, "columns">): HalvedImage {
  const column = columns.image;
  const shape = column === undefined ? undefined : staticShape(column.shape.slice(1));
  if (column?.dtype !== "uint8" || shape?.length !== 3 || (shape[1] as number) < 2) {
    throw new ReparamError(
      "stochastic-binary-network wants images of two rows or more: a data set with a column image of bytes [channels, height, width].",
    );
  }
  const [channels, height, width] = shape as readonly [number, number, number];
  const cut = Math.floor(height / 2);
  const upper = elementCount([channels, cut, width]);
  return {
    image: shape,
    upper,
    lower: elementCount(shape) - upper,
    split: (bytes, dynamic, scope) => {
      const grey = cast(bytes, "float32").mul(1 / 255);
      const pixels = dynamic
        ? cast(less(uniform(scope.key.at("binarize"), grey.shape), grey), "float32")
        : grey;
      return {
        x: flatten(slice(pixels, 2, 0, cut)),
        y: flatten(slice(pixels, 2, cut, height)),
      };
    },
    join: ({ x, y }) =>
      concat(
        [reshape(x, [-1, channels, cut, width]), reshape(y, [-1, channels, height - cut, width])],
        2,
      ),
  };
}
