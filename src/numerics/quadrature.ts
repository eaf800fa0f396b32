// Adaptive quadrature by the pair of Gauss (7 points) and Kronrod (15 points): Piessens, de Doncker-Kapenga,
// Überhuber, Kahaner, QUADPACK, 1983.
import { ReparamError } from "../tensor/index.ts";
import { allFinite } from "./dense.ts";

// Nodes from the end to the middle; the odd ones are Gauss's.
const nodes = [
  0.9914553711208126, 0.9491079123427585, 0.8648644233597691, 0.7415311855993945,
  0.5860872354676911, 0.4058451513773972, 0.2077849550078985, 0,
];
const kronrod = [
  0.022935322010529224, 0.06309209262997856, 0.10479001032225019, 0.14065325971552592,
  0.1690047266392679, 0.19035057806478542, 0.20443294007529889, 0.20948214108472782,
];
const gauss = [0.1294849661688697, 0.27970539148927664, 0.3818300505051189, 0.4179591836734694];

export interface QuadratureOptions {
  /** Wanted error relative to the largest component of the integral; 1e-10 by default. */
  readonly relative?: number;
  /** Wanted absolute error; 0 by default. */
  readonly absolute?: number;
  /** Most intervals that the range is cut into; 2000 by default. */
  readonly maxIntervals?: number;
}

/** An integral and what is known about it. */
export interface Integral {
  readonly value: Float64Array;
  /** Estimate of the largest component's absolute error; usually far above the error itself. */
  readonly error: number;
  /** Calls of the integrand. */
  readonly evaluations: number;
}

interface Piece {
  readonly from: number;
  readonly to: number;
  readonly value: Float64Array;
  readonly error: number;
}

/**
 * ∫ f(t) dt from `from` to `to`, both finite and in either order; f returns vectors of one length. Halves
 * the interval of the largest error until the sum of errors is small enough. Throws where f is not
 * finite, and where the wanted error is not reached, saying near which t.
 */
export function integral(
  f: (t: number) => ArrayLike<number>,
  from: number,
  to: number,
  options: QuadratureOptions = {},
): Integral {
  const { relative = 1e-10, absolute = 0, maxIntervals = 2000 } = options;
  if (!Number.isFinite(from) || !Number.isFinite(to)) {
    throw new ReparamError(`integral: both ends must be finite, got ${from} and ${to}.`);
  }
  const pieces = [gaussKronrod(f, from, to)];
  for (;;) {
    const value = new Float64Array(pieces[0]!.value.length);
    let error = 0;
    let worst = pieces[0]!;
    for (const piece of pieces) {
      for (let i = 0; i < value.length; i++) value[i]! += piece.value[i]!;
      error += piece.error;
      if (piece.error > worst.error) worst = piece;
    }
    const size = value.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);
    const evaluations = 15 * (2 * pieces.length - 1);
    if (error <= Math.max(absolute, relative * size)) return { value, error, evaluations };
    const middle = (worst.from + worst.to) / 2;
    const narrow = Math.abs(worst.to - worst.from) < 1e-13 * Math.abs(to - from);
    if (pieces.length >= maxIntervals || narrow) {
      throw new ReparamError(
        `integral: error ${error.toExponential(1)} where ${Math.max(absolute, relative * size).toExponential(1)} was wanted; the integrand is hardest near t = ${middle}. Is it singular there? Split the range, or ask for less.`,
      );
    }
    pieces.splice(
      pieces.indexOf(worst),
      1,
      gaussKronrod(f, worst.from, middle),
      gaussKronrod(f, middle, worst.to),
    );
  }
}

function gaussKronrod(f: (t: number) => ArrayLike<number>, from: number, to: number): Piece {
  const middle = (from + to) / 2;
  const half = (to - from) / 2;
  const center = f(middle);
  const value = new Float64Array(center.length);
  const coarse = new Float64Array(center.length);
  for (let i = 0; i < nodes.length; i++) {
    for (const side of i === nodes.length - 1 ? [0] : [-1, 1]) {
      const t = middle + side * half * nodes[i]!;
      const sample = side === 0 ? center : f(t);
      if (!allFinite(sample)) {
        throw new ReparamError(`integral: the integrand is not finite at t = ${t}.`);
      }
      for (let c = 0; c < value.length; c++) {
        value[c]! += half * kronrod[i]! * sample[c]!;
        if (i % 2 === 1) coarse[c]! += half * gauss[(i - 1) / 2]! * sample[c]!;
      }
    }
  }
  const error = value.reduce((worst, x, c) => Math.max(worst, Math.abs(x - coarse[c]!)), 0);
  return { from, to, value, error };
}
