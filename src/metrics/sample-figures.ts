// All figures of a set of generated samples beside a real one, in one space of features.
import type { Tensor } from "../tensor/index.ts";
import { featureStatistics, frechetAtInfinity, frechetDistance } from "./frechet.ts";
import { kernelDistance } from "./kernel-distance.ts";
import { manifoldFigures } from "./manifold.ts";
import { slicedWasserstein } from "./sliced-wasserstein.ts";

export interface SampleFiguresOptions {
  /** Of precision, recall, density and coverage. Default 5. */
  readonly neighbours?: number;
  /** Of random subsets, orders and directions. Default 0. */
  readonly seed?: number;
  /** Also the Fréchet distance of infinitely many samples. Default false. */
  readonly infinite?: boolean;
  /** Default 2. */
  readonly threads?: number;
}

/** By name; `kernelError` is the standard error of `kernelDistance`. */
export interface SampleFigures {
  readonly frechetDistance: number;
  readonly frechetAtInfinity?: number;
  readonly kernelDistance: number;
  readonly kernelError: number | undefined;
  readonly precision: number;
  readonly recall: number;
  readonly density: number;
  readonly coverage: number;
  readonly slicedWasserstein: number;
}

/** Figures of generated features [M, D] beside real ones [N, D]: of an extractor, or the data themselves. */
export async function sampleFigures(
  real: Tensor,
  fake: Tensor,
  { neighbours = 5, seed = 0, infinite = false, threads = 2 }: SampleFiguresOptions = {},
): Promise<SampleFigures> {
  const moments = featureStatistics(real);
  const kernel = await kernelDistance(real, fake, { seed, threads });
  const { precision, recall, density, coverage } = await manifoldFigures(real, fake, {
    neighbours,
    threads,
  });
  return {
    frechetDistance: frechetDistance(moments, featureStatistics(fake)),
    ...(infinite ? { frechetAtInfinity: frechetAtInfinity(moments, fake, { seed }).distance } : {}),
    kernelDistance: kernel.distance,
    kernelError: kernel.standardError,
    ...{ precision, recall, density, coverage },
    slicedWasserstein: slicedWasserstein(real, fake, { seed }),
  };
}
