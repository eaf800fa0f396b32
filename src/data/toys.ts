import { fillNormal, fillUniform, ReparamError } from "../tensor/index.ts";
import { checkCount, makeSplit, planSplits, takeSamples } from "./split.ts";
import type { Card, Dataset, ImageOptions, Split, SplitOptions } from "./types.ts";

/** Options that only generated data sets have. */
export interface ToyOptions {
  /** Points for training and validation together; a quarter as many for the test. Default 24000. */
  readonly toySize?: number;
}

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
  readonly point: (draw: Draw) => readonly [x: number, y: number];
}

const toy = (name: string, title: string, citation: string, point: Toy["point"]): Toy => ({
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

const eightGaussians = toy(
  "eight-gaussians",
  "eight normal distributions of deviation 0.05 on a circle of radius 2",
  "Metz, Poole, Pfau, Sohl-Dickstein, Unrolled generative adversarial networks, ICLR (2017)",
  ({ u: [which], e: [ex, ey] }) => {
    const angle = (2 * Math.PI * choose(which, 8)) / 8;
    return [2 * Math.cos(angle) + 0.05 * ex, 2 * Math.sin(angle) + 0.05 * ey];
  },
);

const grid25 = toy(
  "grid-25",
  "25 normal distributions of deviation 0.05 at even coordinates from −4 to 4",
  "Lin, Khetan, Fanti, Oh, PacGAN: the power of two samples in generative adversarial networks, NeurIPS (2018)",
  ({ u: [column, row], e: [ex, ey] }) => [
    2 * choose(column, 5) - 4 + 0.05 * ex,
    2 * choose(row, 5) - 4 + 0.05 * ey,
  ],
);

const spiral = toy(
  "spiral",
  "a spiral of two turns out to radius 2, noise 0.05",
  "Archimedean spiral; points spread evenly along it by the square root of the angle",
  ({ u: [along], e: [ex, ey] }) => {
    const part = Math.sqrt(along);
    const angle = 4 * Math.PI * part;
    return [2 * part * Math.cos(angle) + 0.05 * ex, 2 * part * Math.sin(angle) + 0.05 * ey];
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

/** Distributions in the plane, each sample a point `x` [2]. */
export const toys: readonly Toy[] = [twoMoons, eightGaussians, grid25, spiral, checkerboard];

/** The first `length` points of a part: more points begin with the fewer. */
function points({ name, point }: Toy, part: string, length: number, seed: number): Split {
  const uniforms = new Float32Array(3 * length);
  const normals = new Float32Array(2 * length);
  fillUniform(uniforms, { seed, step: 0, path: `toy.${name}.${part}.uniform` });
  fillNormal(normals, { seed, step: 0, path: `toy.${name}.${part}.normal` });
  const data = new Float32Array(2 * length);
  for (let i = 0; i < length; i++) {
    const [a, b, c] = uniforms.subarray(3 * i, 3 * i + 3) as unknown as Draw["u"];
    const [d, e] = normals.subarray(2 * i, 2 * i + 2) as unknown as Draw["e"];
    data.set(point({ u: [a, b, c], e: [d, e] }), 2 * i);
  }
  return makeSplit({ x: { dtype: "float32", shape: [2], data } });
}

/**
 * Draws a data set of points by `seed`. Throws for options of images, and if `toySize` is not a positive
 * integer.
 */
export function makeToy(
  toySet: Toy,
  options: SplitOptions & ImageOptions & ToyOptions = {},
): Dataset {
  const { toySize = 24000, seed = 0, binarize = "none", imageSize, channels } = options;
  checkCount("toySize", toySize, 1);
  if (binarize !== "none" || imageSize !== undefined || channels !== undefined) {
    throw new ReparamError(
      `${toySet.name} has points, not images. Leave out binarize, imageSize and channels.`,
    );
  }
  const test = Math.max(1, Math.floor(toySize / 4));
  const plan = planSplits({ train: toySize, test }, options, true);
  const sources = {
    train: points(toySet, "train", toySize, seed),
    test: points(toySet, "test", test, seed),
  };
  const { name, card } = toySet;
  return {
    ...{ name, card },
    train: takeSamples(sources.train, plan.train.indices),
    validation: takeSamples(sources.train, plan.validation.indices),
    test: takeSamples(sources.test, plan.test.indices),
  };
}
