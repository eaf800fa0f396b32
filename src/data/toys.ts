import { fillNormal, fillUniform } from "../tensor/index.ts";
import { checkCount, makeSplit, planSplits, takeSamples } from "./split.ts";
import type { Card, Dataset, Modes, Split, SplitOptions, TableOptions } from "./types.ts";

/** Options that only generated data sets have. */
export interface ToyOptions {
  /** Points for training and validation together; a quarter as many for the test. Default 24000. */
  readonly toySize?: number;
}

type ToySettings = SplitOptions & ToyOptions & Pick<TableOptions, "dtype">;

/** Random numbers of one point. */
interface Draw {
  /** Uniform between 0 and 1. */
  readonly u: readonly [number, number, number];
  /** Standard normal. */
  readonly e: readonly [number, number];
}

/** A distribution in the plane. */
export interface Toy {
  readonly name: string;
  readonly card: Card;
  /** Names of the parts, if points are labelled by the one that they come from. */
  readonly classes?: readonly string[];
  readonly modes?: Modes;
  readonly point: (draw: Draw) => readonly [x: number, y: number, label?: number];
}

const toy = (
  name: string,
  title: string,
  citation: string,
  point: Toy["point"],
  modes?: Modes,
): Toy => ({
  ...(modes && { modes }),
  name,
  card: {
    title,
    license: "none needed",
    source: "generated when it is used, by seed",
    citation,
  },
  point,
});

/** `u` in (0, 1) as one of 0 … count − 1. */
const choose = (u: number, count: number): number => Math.floor(u * count);

/** Two half circles of radius 1 that reach into each other, σ 0.1. */
const twoMoons = toy(
  "two-moons",
  "two half circles that reach into each other, noise 0.1",
  "the shape of make_moons in Pedregosa et al., Scikit-learn: machine learning in Python, JMLR 12 (2011)",
  ({ u: [which, along], e: [ex, ey] }) => {
    const angle = Math.PI * along;
    const [x, y] = [Math.cos(angle), Math.sin(angle)];
    return which < 0.5 ? [x + 0.1 * ex, y + 0.1 * ey] : [1 - x + 0.1 * ex, 0.5 - y + 0.1 * ey];
  },
);

const ringMode = (i: number): [number, number] => {
  const angle = (2 * Math.PI * i) / 8;
  return [2 * Math.cos(angle), 2 * Math.sin(angle)];
};

const eightGaussians = toy(
  "eight-gaussians",
  "eight normal distributions of deviation 0.05 on a circle of radius 2",
  "Metz, Poole, Pfau, Sohl-Dickstein, Unrolled generative adversarial networks, ICLR (2017)",
  ({ u: [which], e: [ex, ey] }) => {
    const [x, y] = ringMode(choose(which, 8));
    return [x + 0.05 * ex, y + 0.05 * ey];
  },
  { modes: Array.from({ length: 8 }, (_, i) => [ringMode(i)]), deviation: 0.05 },
);

const gridMode = (column: number, row: number): [number, number] => [2 * column - 4, 2 * row - 4];

const grid25 = toy(
  "grid-25",
  "25 normal distributions of deviation 0.05 at even coordinates from −4 to 4",
  "Lin, Khetan, Fanti, Oh, PacGAN: the power of two samples in generative adversarial networks, NeurIPS (2018)",
  ({ u: [column, row], e: [ex, ey] }) => {
    const [x, y] = gridMode(choose(column, 5), choose(row, 5));
    return [x + 0.05 * ex, y + 0.05 * ey];
  },
  {
    modes: Array.from({ length: 25 }, (_, i) => [gridMode(Math.floor(i / 5), i % 5)]),
    deviation: 0.05,
  },
);

/** A point of the curve, `along` from 0 to 1, equally likely everywhere. */
const spiralPoint = (along: number): [number, number] => {
  const part = Math.sqrt(along);
  const angle = 4 * Math.PI * part;
  return [2 * part * Math.cos(angle), 2 * part * Math.sin(angle)];
};

/** Equally likely pieces of the spiral, and points on each: at most 0.03 apart but for the innermost. */
const [pieces, pointsOfPiece] = [20, 40];

const spiral = toy(
  "spiral",
  "a spiral of two turns out to radius 2, noise 0.05",
  "Archimedean spiral; points spread evenly along it by the square root of the angle",
  ({ u: [along], e: [ex, ey] }) => {
    const [x, y] = spiralPoint(along);
    return [x + 0.05 * ex, y + 0.05 * ey];
  },
  {
    modes: Array.from({ length: pieces }, (_, piece) =>
      Array.from({ length: pointsOfPiece }, (_, i) =>
        spiralPoint((piece + (i + 0.5) / pointsOfPiece) / pieces),
      ),
    ),
    deviation: 0.05,
  },
);

const checkerboard = toy(
  "checkerboard",
  "uniform on the eight black squares of a 4 by 4 board from −2 to 2",
  "Grathwohl, Chen, Bettencourt, Sutskever, Duvenaud, FFJORD, ICLR (2019)",
  ({ u: [which, across, up] }) => {
    const square = choose(which, 8);
    const row = square >> 1;
    const column = 2 * (square & 1) + (row & 1);
    return [column - 2 + across, row - 2 + up];
  },
);

/** A part of a mixture: its covariance is L·Lᵀ with L = [[a, 0], [b, c]]. */
interface Blob {
  readonly weight: number;
  readonly mean: readonly [number, number];
  readonly factor: readonly [a: number, b: number, c: number];
}

/** Parts of `blobs`: of unequal weight, size and direction. */
export const blobParts: readonly Blob[] = [
  { weight: 0.5, mean: [-2, 0], factor: [0.6, 0.3, 0.4] },
  { weight: 0.3, mean: [2, 1.5], factor: [0.4, -0.5, 0.5] },
  { weight: 0.2, mean: [1, -2], factor: [0.9, 0, 0.25] },
];

const blobs: Toy = {
  ...toy(
    "blobs",
    "a mixture of three normal distributions of weights ½, 0.3 and 0.2, labelled by part",
    "Bishop, Pattern recognition and machine learning, section 9.2 (2006), for the model; parameters of our own",
    ({ u: [which], e: [ex, ey] }) => {
      const label = which < 0.5 ? 0 : which < 0.8 ? 1 : 2;
      const { mean, factor } = blobParts[label] as Blob;
      const [a, b, c] = factor;
      return [mean[0] + a * ex, mean[1] + b * ex + c * ey, label];
    },
  ),
  classes: ["large", "tilted", "flat"],
};

/** Distributions in the plane, each sample a point `x` [2]. */
export const toys: readonly Toy[] = [
  ...[twoMoons, eightGaussians, grid25, spiral, checkerboard],
  blobs,
];

/** The first `length` points of a part: more points begin with the fewer. */
function points(
  { name, classes, point }: Toy,
  part: string,
  length: number,
  { seed = 0, dtype = "float32" }: ToySettings,
): Split {
  const uniforms = new Float32Array(3 * length);
  const normals = new Float32Array(2 * length);
  fillUniform(uniforms, { seed, step: 0, path: `toy.${name}.${part}.uniform` });
  fillNormal(normals, { seed, step: 0, path: `toy.${name}.${part}.normal` });
  const data = dtype === "float32" ? new Float32Array(2 * length) : new Float64Array(2 * length);
  const labels = new Int32Array(length);
  for (let i = 0; i < length; i++) {
    const [a, b, c] = uniforms.subarray(3 * i, 3 * i + 3) as unknown as Draw["u"];
    const [d, e] = normals.subarray(2 * i, 2 * i + 2) as unknown as Draw["e"];
    const [x, y, label = 0] = point({ u: [a, b, c], e: [d, e] });
    data.set([x, y], 2 * i);
    labels[i] = label;
  }
  return makeSplit({
    x: { dtype, shape: [2], data },
    ...(classes && { label: { dtype: "int32", shape: [], data: labels } as const }),
  });
}

/** Draws a data set of points by `seed`. Throws if `toySize` is not a positive integer. */
export function makeToy(toySet: Toy, options: ToySettings = {}): Dataset {
  const { toySize = 24000 } = options;
  checkCount("toySize", toySize, 1);
  const test = Math.max(1, Math.floor(toySize / 4));
  const plan = planSplits({ train: toySize, test }, options, true);
  const sources = {
    train: points(toySet, "train", toySize, options),
    test: points(toySet, "test", test, options),
  };
  const { name, card, classes, modes } = toySet;
  return {
    ...{ name, card, ...(classes && { classes }), ...(modes && { modes }) },
    train: takeSamples(sources.train, plan.train.indices),
    validation: takeSamples(sources.train, plan.validation.indices),
    test: takeSamples(sources.test, plan.test.indices),
  };
}
