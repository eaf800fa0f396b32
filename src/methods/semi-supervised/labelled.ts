// The few samples whose labels are used: chosen in a first phase, and then a part of the state.
import { buffer, type ModelBuffer } from "../../nn/index.ts";
import { cast, constant, floor, gather } from "../../ops/index.ts";
import type { Batch, Iteration, Phase } from "../../step/index.ts";
import { ReparamError, type Tensor, type Tree, zeros } from "../../tensor/index.ts";
import { type Key, uniform, type Value } from "../../trace/index.ts";

export interface LabelledSize {
  /** Shape of one image. */
  readonly image: readonly [channels: number, height: number, width: number];
  readonly classes: number;
  /** Labels in all: as many of each class, one more of the first ones where it does not come out even. */
  readonly labels: number;
}

/** Bytes [labels, C, H, W] and their classes, int32 [labels]. */
export type Labelled<T> = { readonly image: T; readonly label: T };

const blank = ({ image, labels }: LabelledSize): Labelled<Tensor> => ({
  image: zeros([labels, ...image], "uint8"),
  label: zeros([labels], "int32"),
});

/** Places for the labelled samples in a model, empty. */
export function labelledBuffers(size: LabelledSize): Labelled<ModelBuffer> {
  const { image, label } = blank(size);
  return { image: buffer(constant(image)), label: buffer(constant(label)) };
}

/** One pass through the training data that keeps the first samples of each class, in the order of the seed. */
export function chooseLabelled(size: LabelledSize): Phase {
  const { image, label } = blank(size);
  return {
    name: "choose-labels",
    init: () => ({ image: constant(image), label: constant(label) }),
    programs: {
      keep: {
        inputs: {
          image: { dtype: image.dtype, shape: image.shape },
          label: { dtype: label.dtype, shape: label.shape },
        },
        build: (given) => ({
          state: { image: given.image, label: given.label } as Tree<Value>,
          metrics: { labels: constant(size.labels) },
        }),
      },
    },
    iterate: async (iteration) => {
      await iteration.run("keep", firstOfEachClass(iteration, size));
      return { labels: size.labels };
    },
    iterations: 1,
  };
}

function firstOfEachClass(iteration: Iteration, size: LabelledSize): Labelled<Tensor> {
  const { classes, labels } = size;
  const { image, label } = blank(size);
  const wanted = Array.from({ length: classes }, (_, c) => Math.ceil((labels - c) / classes));
  const found = wanted.map(() => 0);
  let kept = 0;
  for (const batch of iteration.epoch()) {
    const { images, rows } = rowsOf(batch);
    const bytes = images.data.length / rows.length;
    for (const [row, c] of rows.entries()) {
      if (c >= classes) throw tooManyClasses(c, classes);
      // A label below 0 is one that the data does not have.
      if (c < 0 || (found[c] as number) >= (wanted[c] as number)) continue;
      const pixels = images.data.subarray(row * bytes, (row + 1) * bytes);
      (image.data as Uint8Array).set(pixels as Uint8Array, kept * bytes);
      label.data[kept] = c;
      found[c] = (found[c] as number) + 1;
      kept += 1;
    }
  }
  const short = found.findIndex((count, c) => count < (wanted[c] as number));
  if (short >= 0) {
    throw new ReparamError(
      `${labels} labels are ${wanted[short]} of class ${short}, but the training data has ${found[short]} of it. Use fewer labels.`,
    );
  }
  return { image, label };
}

const rowsOf = ({ image, label }: Batch): { images: Tensor; rows: number[] } => ({
  images: image as Tensor,
  rows: Array.from((label as Tensor).data, Number),
});

const tooManyClasses = (found: number, classes: number): ReparamError =>
  new ReparamError(
    `the data has a label ${found}, but ${classes} classes count from 0 to ${classes - 1}. Use --classes ${found + 1}, or more.`,
  );

/** `count` of the labelled samples drawn anew, or all of them where there are no more. */
export function drawLabelled(
  { image, label }: Labelled<ModelBuffer>,
  count: number,
  key: Key,
): Labelled<Value> {
  const labels = label.value.size(0) as number;
  if (labels <= count) return { image: image.value, label: label.value };
  const rows = cast(floor(uniform(key, [count]).mul(labels)), "int32");
  return { image: gather(image.value, rows, 0), label: gather(label.value, rows, 0) };
}
