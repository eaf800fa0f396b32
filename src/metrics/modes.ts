import { ReparamError, type Tensor } from "../tensor/index.ts";
import { vectorSet } from "./vectors.ts";

/** Where a distribution has its mass: modes of one point each, or of several along a curve. */
export interface Modes {
  readonly modes: readonly (readonly (readonly number[])[])[];
  /** Standard deviation around every point. */
  readonly deviation: number;
}

export interface ModeFigures {
  /** Modes with enough good samples. */
  readonly covered: number;
  readonly modes: number;
  /** Share of samples that are good: near a mode. */
  readonly good: number;
  /** Good samples of each mode. */
  readonly counts: readonly number[];
}

export interface ModeOptions {
  /** How many standard deviations away a sample is still good. Default 3. */
  readonly within?: number;
  /** Share of all samples that a mode wants to be covered. Default 0.008: 20 of 2500. */
  readonly least?: number;
}

/**
 * Modes covered and share of good samples of points [N, D], as in Srivastava, Valkov, Russell, Gutmann, Sutton, "VEEGAN:
 * reducing mode collapse in GANs using implicit variational learning" (2017), section 5.1, and Lin, Khetan, Fanti, Oh,
 * "PacGAN" (2018): a sample is good within 3 standard deviations of a mode, of 2500 samples 20 cover one.
 */
export function modeFigures(
  points: Tensor,
  { modes, deviation }: Modes,
  { within = 3, least = 20 / 2500 }: ModeOptions = {},
): ModeFigures {
  const { count, size, data } = vectorSet("modeFigures", points);
  const wrong = modes.flat().find((point) => point.length !== size);
  if (modes.length === 0 || wrong !== undefined) {
    throw new ReparamError(
      `modeFigures: modes must be points of ${size} numbers, as the samples are, got ${wrong?.length ?? "none"}.`,
    );
  }
  const counts = modes.map(() => 0);
  const radius = (within * deviation) ** 2;
  for (let i = 0; i < count; i++) {
    const { mode, square } = nearestMode(data.subarray(i * size, (i + 1) * size), modes);
    if (square <= radius) counts[mode] = (counts[mode] as number) + 1;
  }
  return {
    covered: counts.filter((n) => n >= least * count).length,
    modes: modes.length,
    good: counts.reduce((a, b) => a + b, 0) / count,
    counts,
  };
}

function nearestMode(
  sample: Float64Array,
  modes: Modes["modes"],
): { readonly mode: number; readonly square: number } {
  let [mode, least] = [0, Infinity];
  for (const [m, points] of modes.entries()) {
    for (const point of points) {
      const square = point.reduce((total, v, d) => total + (v - (sample[d] as number)) ** 2, 0);
      if (square < least) [mode, least] = [m, square];
    }
  }
  return { mode, square: least };
}
