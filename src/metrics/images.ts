import { formatShape, ReparamError, type Tensor } from "../tensor/index.ts";

/** Two sets of images of one shape [N, C, H, W], as numbers in [0, 1]. */
interface Pair {
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly a: Float64Array;
  readonly b: Float64Array;
}

/** Bytes are divided by 255; float32 and float64 are in [0, 1] already. */
function unitNumbers({ dtype, data }: Tensor): Float64Array {
  const scale = dtype === "uint8" ? 1 / 255 : 1;
  return Float64Array.from(data as ArrayLike<number>, (v) => v * scale);
}

function pairOf(metric: string, a: Tensor, b: Tensor): Pair {
  const [count = 0, channels = 0, height = 0, width = 0] = a.shape;
  const kinds = [a, b].every(({ dtype }) => ["uint8", "float32", "float64"].includes(dtype));
  if (a.shape.length !== 4 || formatShape(a.shape) !== formatShape(b.shape) || !kinds) {
    const got = [a, b].map(({ dtype, shape }) => `${dtype}${formatShape(shape)}`).join(" and ");
    throw new ReparamError(
      `${metric}: wants two sets of images of one shape [N, C, H, W], bytes or numbers in [0, 1], got ${got}.`,
    );
  }
  return { count, channels, height, width, a: unitNumbers(a), b: unitNumbers(b) };
}

/** Mean squared difference of the pixels of each pair of images, float64 [N]; a black and a white image have 1. */
export function squaredErrors(a: Tensor, b: Tensor): Float64Array {
  const pair = pairOf("squaredErrors", a, b);
  const size = pair.channels * pair.height * pair.width;
  return Float64Array.from({ length: pair.count }, (_, n) => {
    let sum = 0;
    for (let i = n * size; i < (n + 1) * size; i++)
      sum += ((pair.a[i] ?? 0) - (pair.b[i] ?? 0)) ** 2;
    return sum / size;
  });
}

/** Peak signal-to-noise ratio of each pair of images in decibels, 10·log₁₀(1/squared error); Infinity if equal. */
export const peakSignalToNoise = (a: Tensor, b: Tensor): Float64Array =>
  squaredErrors(a, b).map((error) => -10 * Math.log10(error));

/** Weights of the window in one direction: 11 of a Gaussian of standard deviation 1.5. */
const windowSize = 11;
const gaussian = Array.from({ length: windowSize }, (_, i) => Math.exp(-((i - 5) ** 2) / 4.5));
const total = gaussian.reduce((sum, weight) => sum + weight, 0);
const weights = gaussian.map((weight) => weight / total);
/** (0.01·L)² and (0.03·L)² for the range L = 1 of pixels. */
const [c1, c2] = [1e-4, 9e-4];

/**
 * Structural similarity of each pair of images, in (−1, 1], 1 for equal ones, [N]: Wang, Bovik, Sheikh, Simoncelli,
 * "Image quality assessment: from error visibility to structural similarity" (2004), equation 13, over the windows that
 * lie inside of the image, 11×11 pixels weighted by a Gaussian of 1.5, and averaged over channels.
 * Throws for images of less than 11 pixels in height or width.
 */
export function structuralSimilarity(a: Tensor, b: Tensor): Float64Array {
  const pair = pairOf("structuralSimilarity", a, b);
  const { count, channels, height, width } = pair;
  if (height < windowSize || width < windowSize) {
    throw new ReparamError(
      `structuralSimilarity: images must have at least ${windowSize}×${windowSize} pixels, got ${height}×${width}.`,
    );
  }
  const size = height * width;
  return Float64Array.from({ length: count }, (_, n) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) {
      const at = (n * channels + c) * size;
      const planes = [pair.a, pair.b].map((all) => all.subarray(at, at + size));
      sum += planeSimilarity(planes[0] as Float64Array, planes[1] as Float64Array, height, width);
    }
    return sum / channels;
  });
}

function planeSimilarity(a: Float64Array, b: Float64Array, height: number, width: number): number {
  const averaged = (values: Float64Array): Float64Array => blur(values, height, width);
  const times = (x: Float64Array, y: Float64Array): Float64Array =>
    x.map((v, i) => v * (y[i] as number));
  const [meanA, meanB] = [averaged(a), averaged(b)];
  const [squareA, squareB, both] = [times(a, a), times(b, b), times(a, b)].map(averaged);
  let sum = 0;
  for (let i = 0; i < meanA.length; i++) {
    const [ma, mb] = [meanA[i] as number, meanB[i] as number];
    const varianceSum = (squareA?.[i] ?? 0) - ma * ma + (squareB?.[i] ?? 0) - mb * mb;
    const covariance = (both?.[i] ?? 0) - ma * mb;
    sum +=
      ((2 * ma * mb + c1) * (2 * covariance + c2)) /
      ((ma * ma + mb * mb + c1) * (varianceSum + c2));
  }
  return sum / meanA.length;
}

/** Weighted means of all windows inside of [height, width], first along the rows, then the columns. */
function blur(values: Float64Array, height: number, width: number): Float64Array {
  const [rows, columns] = [height - windowSize + 1, width - windowSize + 1];
  const across = new Float64Array(height * columns);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < columns; x++) {
      let sum = 0;
      for (let k = 0; k < windowSize; k++)
        sum += (weights[k] as number) * (values[y * width + x + k] as number);
      across[y * columns + x] = sum;
    }
  }
  const result = new Float64Array(rows * columns);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      let sum = 0;
      for (let k = 0; k < windowSize; k++)
        sum += (weights[k] as number) * (across[(y + k) * columns + x] as number);
      result[y * columns + x] = sum;
    }
  }
  return result;
}
