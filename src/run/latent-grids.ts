// Pictures of a latent space, each a grid of images [rows·columns, C, H, W].
import { principalComponents } from "../metrics/index.ts";
import { ReparamError, type Tensor } from "../tensor/index.ts";
import { type LatentSpace, rowOf, stackRows } from "./latent-space.ts";

export interface LatentGrid {
  readonly images: Tensor;
  readonly columns: number;
}

export interface GridSize {
  readonly rows: number;
  readonly columns: number;
  /** Class of all images; each row its own in turn where absent. */
  readonly label?: number | undefined;
}

const rowLabels = ({ classes }: LatentSpace, { rows, label }: GridSize): number[] =>
  Array.from({ length: rows }, (_, row) => label ?? row % (classes ?? 1));

const eachColumn = (labels: readonly number[], columns: number): number[] =>
  labels.flatMap((label) => new Array<number>(columns).fill(label));

/** From one latent to another in every row: on the sphere through both for z, on a line for w. */
export async function interpolation(space: LatentSpace, size: GridSize): Promise<LatentGrid> {
  const { rows, columns } = size;
  const labels = rowLabels(space, size);
  const ends = await space.draw(2 * rows, eachColumn(labels, 2));
  const latents = labels.flatMap((_, row) => {
    const [from, to] = [rowOf(ends, 2 * row), rowOf(ends, 2 * row + 1)];
    return Array.from({ length: columns }, (__, i) => {
      const t = columns === 1 ? 0 : i / (columns - 1);
      return space.name === "z" ? onSphere(from, to, t) : combined(from, 1 - t, to, t);
    });
  });
  const images = await space.images(stackRows(latents), eachColumn(labels, columns));
  return { images, columns };
}

/** a·x + b·y of two latents. */
function combined(x: Tensor, a: number, y: Tensor, b: number): Tensor {
  const data = Float32Array.from(x.data as Float32Array, (v, i) => a * v + b * Number(y.data[i]));
  return { dtype: "float32", shape: x.shape, data };
}

/** Spherical interpolation: normal vectors between two such are as long as they are (White 2016). */
export function onSphere(x: Tensor, y: Tensor, t: number): Tensor {
  const dot = (p: Tensor, q: Tensor): number =>
    (p.data as Float32Array).reduce((sum, v, i) => sum + v * Number(q.data[i]), 0);
  const cosine = dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  if (angle < 1e-4) return combined(x, 1 - t, y, t);
  const sine = Math.sin(angle);
  return combined(x, Math.sin((1 - t) * angle) / sine, y, Math.sin(t * angle) / sine);
}

/** The same latents in every class: a row a latent, a column a class. */
export async function classGrid(
  space: LatentSpace,
  method: string,
  rows: number,
): Promise<LatentGrid> {
  const { classes } = space;
  if (classes === undefined) {
    throw new ReparamError(`${method} is told no classes. Train it with --conditional.`);
  }
  // All classes draw the same z; where there are styles, each maps it in its own way.
  const drawn: Tensor[] = [];
  for (let label = 0; label < classes; label++) {
    drawn.push(await space.draw(rows, new Array<number>(rows).fill(label)));
  }
  const latents = Array.from({ length: rows }, (_, row) => drawn.map((each) => rowOf(each, row)));
  const labels = latents.map((row) => row.map((_, label) => label));
  const images = await space.images(stackRows(latents.flat()), labels.flat());
  return { images, columns: classes };
}

/** The same latents at one truncation a row. */
export async function truncationGrid(
  open: (truncation: number) => Promise<LatentSpace>,
  truncations: readonly number[],
  columns: number,
): Promise<LatentGrid> {
  const rows: Tensor[] = [];
  for (const truncation of truncations) {
    const space = await open(truncation);
    try {
      const labels = Array.from({ length: columns }, (_, i) => i % (space.classes ?? 1));
      rows.push(await space.images(await space.draw(columns, labels), labels));
    } finally {
      await space.release();
    }
  }
  const images = rows.flatMap((row) => Array.from({ length: columns }, (_, i) => rowOf(row, i)));
  return { images: stackRows(images), columns };
}

/** Styles that mixing takes over together: those of small, middle and large images. */
export function layerGroups(layers: number): { name: string; from: number; to: number }[] {
  const middle = Math.ceil(layers / 4) * 2;
  const fine = Math.min(layers, middle + 2 * Math.max(1, Math.floor(layers / 8)));
  return [
    { name: "coarse", from: 0, to: middle },
    { name: "middle", from: middle, to: fine },
    { name: "fine", from: fine, to: layers },
  ].filter(({ from, to }) => to > from);
}

/**
 * Style mixing: Karras, Laine, Aila (2019), figure 3. The first row has the images that give, below the first place;
 * each further row begins with an image that takes styles from those above: coarse ones in the first rows, then those of
 * the middle, then fine ones.
 */
export async function mixing(
  space: LatentSpace,
  { rows, columns, label = 0 }: GridSize,
): Promise<LatentGrid & { readonly groups: ReturnType<typeof layerGroups> }> {
  const [layers = 0, size = 0] = space.shape;
  if (space.name !== "w") {
    throw new ReparamError("mixing is of styles: leave --space z out.");
  }
  const groups = layerGroups(layers);
  const drawn = await space.draw(columns + rows, new Array(columns + rows).fill(label));
  const sources = Array.from({ length: columns }, (_, i) => rowOf(drawn, i));
  const takers = Array.from({ length: rows }, (_, i) => rowOf(drawn, columns + i));
  const lines = groups.flatMap(({ from, to }) =>
    takers.map((taker) => [
      taker,
      ...sources.map((source) => {
        const data = Float32Array.from(taker.data as Float32Array, (v, i) => {
          const layer = Math.floor(i / size);
          return layer >= from && layer < to ? Number(source.data[i]) : v;
        });
        return { ...taker, data } as Tensor;
      }),
    ]),
  );
  // The corner has no image of its own: the average of all.
  const corner = meanRow(drawn);
  const latents = stackRows([corner, ...sources, ...lines.flat()]);
  return { images: await space.images(latents), columns: columns + 1, groups };
}

function meanRow(all: Tensor): Tensor {
  const rows = all.shape[0] as number;
  const one = rowOf(all, 0);
  const data = Float32Array.from(one.data as Float32Array, (_, i) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += Number(all.data[row * one.data.length + i]);
    return sum / rows;
  });
  return { ...one, data } as Tensor;
}

/** Draws from which directions are found. */
const vectors = 2000;

/**
 * Principal directions of w, a row each from −3 to 3 standard deviations around a drawn image: Härkönen, Hertzmann,
 * Lehtinen, Paris, "GANSpace: discovering interpretable GAN controls" (2020).
 */
export async function directions(
  space: LatentSpace,
  { rows, columns, label = 0 }: GridSize,
): Promise<LatentGrid & { readonly shares: readonly number[] }> {
  const [layers = 0, size = 0] = space.shape;
  if (space.name !== "w") {
    throw new ReparamError(
      "z is normal: no direction is more than another. Directions are those of styles, of --architecture style.",
    );
  }
  if (rows > size) {
    throw new ReparamError(`styles of ${size} numbers have ${size} directions. Lower --count.`);
  }
  const drawn = await space.draw(vectors, new Array(vectors).fill(label));
  const data = new Float32Array(vectors * size);
  for (let i = 0; i < vectors; i++) {
    data.set(
      (drawn.data as Float32Array).subarray(i * layers * size, i * layers * size + size),
      i * size,
    );
  }
  const found = principalComponents({ dtype: "float32", shape: [vectors, size], data });
  const start = rowOf(drawn, 0);
  const latents = found.directions.slice(0, rows).flatMap((direction, k) => {
    const reach = 3 * (found.deviations[k] as number);
    return Array.from({ length: columns }, (_, i) => {
      const off = columns === 1 ? 0 : reach * ((2 * i) / (columns - 1) - 1);
      const moved = Float32Array.from(
        start.data as Float32Array,
        (v, j) => v + off * (direction[j % size] as number),
      );
      return { ...start, data: moved } as Tensor;
    });
  });
  const images = await space.images(stackRows(latents));
  return { images, columns, shares: found.shares.slice(0, rows) };
}

/**
 * Where a projection starts: in z from `count` draws; in w from the average style and `count` − 1 draws, as one style
 * that all layers share, or one for each.
 */
export async function projectionStarts(
  space: LatentSpace,
  given: { readonly count: number; readonly layers: "one" | "each"; readonly label: number },
): Promise<Tensor> {
  const { count, layers, label } = given;
  if (space.name === "z") return space.draw(count, new Array(count).fill(label));
  const many = Math.max(count, vectors);
  const drawn = await space.draw(many, new Array(many).fill(label));
  const rows = [meanRow(drawn), ...Array.from({ length: count - 1 }, (_, i) => rowOf(drawn, i))];
  if (layers === "each") return stackRows(rows);
  const size = space.shape[1] as number;
  return stackRows(
    rows.map(
      ({ dtype, data }) => ({ dtype, shape: [1, 1, size], data: data.slice(0, size) }) as Tensor,
    ),
  );
}
