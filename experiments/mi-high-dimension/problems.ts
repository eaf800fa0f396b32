// Pairs in many dimensions whose information is known in closed form.
import { fillNormal, type Tensor } from "reparam/tensor";

export interface Pairs {
  readonly x: Tensor;
  readonly y: Tensor;
  /** I(X; Y) in nats. */
  readonly nats: number;
}

export interface Problem {
  readonly name: string;
  readonly draw: (size: number, rows: number, seed: number) => Pairs;
}

/** Information of the normal problems. */
const nats = 1.5;

const normals = (count: number, seed: number, path: string): Float64Array<ArrayBuffer> => {
  const data = new Float64Array(count);
  fillNormal(data, { seed, step: 0, path });
  return data;
};

const tensorOf = (data: Float64Array<ArrayBuffer>, size: number): Tensor => ({
  ...{ dtype: "float64", shape: [data.length / size, size], data },
});

/** x, and y whose first `related` elements are correlated with those of x, so that I is `nats`. */
function correlated(
  size: number,
  rows: number,
  seed: number,
  related: number,
): { x: Float64Array<ArrayBuffer>; y: Float64Array<ArrayBuffer> } {
  const rho = Math.sqrt(1 - Math.exp((-2 * nats) / related));
  const [x, noise] = [normals(rows * size, seed, "x"), normals(rows * size, seed, "noise")];
  const y = x.map((v, i) =>
    i % size < related
      ? rho * v + Math.sqrt(1 - rho ** 2) * (noise[i] as number)
      : (noise[i] as number),
  );
  return { x, y };
}

const normal: Problem = {
  name: "normal",
  draw: (size, rows, seed) => {
    const { x, y } = correlated(size, rows, seed, size);
    return { x: tensorOf(x, size), y: tensorOf(y, size), nats };
  },
};

/** Two elements of each side know of each other, all others are noise. */
const sparse: Problem = {
  name: "sparse",
  draw: (size, rows, seed) => {
    const { x, y } = correlated(size, rows, seed, 2);
    return { x: tensorOf(x, size), y: tensorOf(y, size), nats };
  },
};

const cubed: Problem = {
  name: "cubed",
  draw: (size, rows, seed) => {
    const { x, y } = correlated(size, rows, seed, size);
    return {
      x: tensorOf(x, size),
      y: tensorOf(
        y.map((v) => v ** 3),
        size,
      ),
      nats,
    };
  },
};

/** Degrees of freedom of the heavy-tailed problem: variance is finite, the fourth moment is not. */
const freedom = 3;

/** The normal pairs over one common random scale: a Student's t distribution of all elements together. */
const heavyTailed: Problem = {
  name: "heavy-tailed",
  draw: (size, rows, seed) => {
    const { x, y } = correlated(size, rows, seed, size);
    // χ² with 3 degrees of freedom, by its normals.
    const parts = normals(rows * freedom, seed, "scale");
    const scale = Float64Array.from({ length: rows }, (_, row) => {
      const own = parts.subarray(row * freedom, (row + 1) * freedom);
      return Math.sqrt(freedom / own.reduce((s, v) => s + v * v, 0));
    });
    const scaled = (data: Float64Array<ArrayBuffer>) =>
      tensorOf(
        data.map((v, i) => v * (scale[Math.floor(i / size)] as number)),
        size,
      );
    return { x: scaled(x), y: scaled(y), nats: nats + scaleInformation(size) };
  },
};

/** What the common scale adds, from the entropies of Student's t (Arellano-Valle, Contreras-Reyes, Genton 2013). */
export function scaleInformation(size: number): number {
  const entropy = (d: number): number =>
    -logGamma((freedom + d) / 2) +
    ((freedom + d) / 2) * (digamma((freedom + d) / 2) - digamma(freedom / 2));
  return 2 * entropy(size) - entropy(2 * size) + logGamma(freedom / 2);
}

/** By Stirling's series, after the recurrence has made x large. */
function logGamma(x: number): number {
  let [shift, z] = [0, x];
  for (; z < 12; z++) shift += Math.log(z);
  const series = 1 / (12 * z) - 1 / (360 * z ** 3) + 1 / (1260 * z ** 5) - 1 / (1680 * z ** 7);
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series - shift;
}

function digamma(x: number): number {
  let [shift, z] = [0, x];
  for (; z < 12; z++) shift += 1 / z;
  return (
    Math.log(z) - 1 / (2 * z) - 1 / (12 * z ** 2) + 1 / (120 * z ** 4) - 1 / (252 * z ** 6) - shift
  );
}

export const problems: readonly Problem[] = [normal, sparse, cubed, heavyTailed];
