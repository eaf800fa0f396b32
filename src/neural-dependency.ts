import { createLoader, type Loader, makeSplit, takeSamples } from "./data/index.ts";
import { dependencyEstimator } from "./methods/mi/dependency.ts";
import { dividePairs, rowsOfTensor, standardized } from "./methods/mi/pairs.ts";
import { trainEstimator } from "./mutual-information-training.ts";
import { permutation, ReparamError, type Tensor } from "./tensor/index.ts";

export interface DependencyOptions {
  /** Features of both hidden layers of the critic. Default 256. */
  readonly hidden?: number;
  /** Default 256. */
  readonly batchSize?: number;
  /** Most steps of the training. Default 2000. */
  readonly steps?: number;
  /** Ends the training after so many evaluations without a better one. Default 5. */
  readonly patience?: number;
  readonly seed?: number;
  /** Default 2. */
  readonly threads?: number;
}

export interface DependencyEstimate {
  /** Of the total correlation, in nats: 0 for independent columns. Above `limit` it is no bound of anything. */
  readonly value: number;
  /**
   * The logarithm of the evaluated rows: so many cannot show more with high probability (McAllester, Stratos, "Formal
   * limitations on the measurement of mutual information", 2020). A critic that tells all rows from all shuffled ones
   * says any number beyond.
   */
  readonly limit: number;
  readonly standardError: number;
  /** Steps of the training. */
  readonly steps: number;
}

/**
 * How much the columns of z [N, D] know of each other, KL(p(z) ‖ Π p(z_d)) from below, by a critic that is trained on
 * three fifths of the rows, stopped by a fifth and evaluated on the last (Hjelm et al. 2019).
 * @throws ReparamError for fewer than 40 rows, or numbers that are not finite.
 */
export async function neuralDependency(
  z: Tensor,
  options: DependencyOptions = {},
): Promise<DependencyEstimate> {
  const { hidden = 256, steps = 2000, patience = 5, seed = 0, threads = 2 } = options;
  const rows = rowsOfTensor("z", z);
  const { size } = rows;
  const division = dividePairs(rows.length, seed);
  const batchSize = Math.min(options.batchSize ?? 256, Math.floor(division.estimate.length / 4));
  if (!(batchSize >= 2)) {
    throw new ReparamError(`neuralDependency: ${rows.length} rows are too few. Give at least 40.`);
  }
  const { data } = standardized(rows, division.train);
  const shuffled = new Float32Array(data.length);
  for (const [part, indices] of Object.entries(division)) {
    for (let d = 0; d < size; d++) {
      const order = permutation(indices.length, { seed, step: d, path: `columns.${part}` });
      for (const [i, from] of order.entries()) {
        const source = (indices[from] as number) * size + d;
        shuffled[(indices[i] as number) * size + d] = data[source] as number;
      }
    }
  }
  const column = (values: Float32Array<ArrayBuffer>) =>
    ({ dtype: "float32", shape: [size], data: values }) as const;
  const both = makeSplit({ x: column(Float32Array.from(data)), y: column(shuffled) });
  const load = (indices: Uint32Array, shuffle: boolean): Loader =>
    createLoader(takeSamples(both, indices), { batchSize, seed, shuffle, dropLast: true });
  const trained = await trainEstimator(dependencyEstimator(size, hidden), {
    ...{ sizes: [size, size], batchSize, learningRate: 5e-4, seed, threads, steps, patience },
    ...{ train: load(division.train, true), stop: load(division.stop, false) },
    estimate: load(division.estimate, false),
  });
  const { value, standardError, batches } = trained;
  return { value, standardError, limit: Math.log(batches * batchSize), steps: trained.steps };
}
