import { cast, clip, pad, slice } from "../../ops/index.ts";
import type { BatchSpec, DataShape } from "../../step/index.ts";
import { dim, ReparamError, staticShape } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";

/** The free batch axis of every function of the tokenizers. */
export const B = dim("B");

/** Channels, height, width. */
export type ImageShape = readonly [channels: number, height: number, width: number];

/** Images of a data set, and what the networks see of them. */
export interface Images {
  readonly shape: ImageShape;
  /** Of the images, enlarged to sides divisible by the stride. */
  readonly padded: ImageShape;
  readonly batch: BatchSpec;
  /** Bytes [B, ...shape] → numbers in [0, 1], [B, ...padded]: black is added below and on the right. */
  readonly pixels: (bytes: Value) => Value;
  /** What the decoder gives for the padded image, cut to [B, ...shape]. */
  readonly cropped: (decoded: Value) => Value;
}

/** Throws where the data has no images, or images whose sides are not divisible and that may not be padded. */
export function imagesOf({ columns }: DataShape, stride: number, padding: boolean): Images {
  const image = columns.image;
  const shape = image === undefined ? undefined : staticShape(image.shape.slice(1));
  if (image?.dtype !== "uint8" || shape?.length !== 3) {
    throw new ReparamError(
      "this method wants images: a data set with a column image of bytes [channels, height, width].",
    );
  }
  const [channels, height, width] = shape as unknown as ImageShape;
  const up = (side: number): number => Math.ceil(side / stride) * stride;
  const [tall, wide] = [up(height), up(width)];
  if ((tall !== height || wide !== width) && !padding) {
    throw new ReparamError(
      `images of ${height}×${width} pixels are not divisible by the stride ${stride} of the network. Use --padding to enlarge them to ${tall}×${wide}, --image-size, or fewer --halvings.`,
    );
  }
  return {
    shape: [channels, height, width],
    padded: [channels, tall, wide],
    batch: { image: { dtype: "uint8", shape: [B, channels, height, width] } },
    pixels: (bytes) =>
      pad(cast(bytes, "float32").mul(1 / 255), { 2: [0, tall - height], 3: [0, wide - width] }),
    cropped: (decoded) => slice(slice(decoded, 2, 0, height), 3, 0, width),
  };
}

/** Numbers as a picture: limited to [0, 1]. */
export const picture = (decoded: Value): Value => clip(decoded, 0, 1);
