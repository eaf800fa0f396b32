import { createLoader, type Loader, makeSplit, takeSamples } from "./data/index.ts";
import { type BoundName, boundNames, boundOf } from "./methods/mi/bounds.ts";
import { type CriticKind, criticOf } from "./methods/mi/critics.ts";
import {
  conditionalEstimator,
  criticEstimator,
  type TrainedEstimator,
} from "./methods/mi/estimator.ts";
import { dividePairs, rowsOfTensor, standardized, whitened } from "./methods/mi/pairs.ts";
import { type InformationProgress, trainEstimator } from "./mutual-information-training.ts";
import { kraskovInformation, type Rows } from "./numerics/kraskov.ts";
import { ReparamError, type Tensor } from "./tensor/index.ts";

export const informationMethods = [...boundNames, "barber-agakov", "kraskov"] as const;
export type InformationMethod = (typeof informationMethods)[number];

export interface InformationOptions {
  /** Default "infonce". */
  readonly method?: InformationMethod;
  /** Default "separable". */
  readonly critic?: CriticKind;
  /** Features of the hidden layers. Default 256. */
  readonly hidden?: number;
  /** Hidden layers. Default 2. */
  readonly layers?: number;
  /** Size of the vectors whose product a separable critic is. Default 32. */
  readonly embedding?: number;
  /** Normal distributions of the mixture that barber-agakov models y by. Default 1. */
  readonly components?: number;
  /** τ of smile. Default 5. */
  readonly clip?: number;
  /** Of the kraskov method. Default 3. */
  readonly neighbours?: number;
  /** Pairs in a batch; every one is set against all others as independent. Default 128. */
  readonly batchSize?: number;
  /** Most steps of the training. Default 5000. */
  readonly steps?: number;
  /** Ends the training after so many evaluations without a better one. Default 10. */
  readonly patience?: number;
  /** Of Adam. Default 5e-4. */
  readonly learningRate?: number;
  readonly seed?: number;
  /** Default 2. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: InformationProgress) => void;
}

export interface InformationEstimate {
  readonly method: InformationMethod;
  /** In nats. */
  readonly value: number;
  readonly standardError: number;
  /** 95 %, from the spread over batches of pairs that training never saw. */
  readonly interval: readonly [low: number, high: number];
  /** What is known of the estimator's expectation. */
  readonly obeys: string;
  /** The largest value that it can have, where there is one. */
  readonly limit?: number;
  /** What the reader should not overlook. */
  readonly warnings: readonly string[];
  /** Steps of the training, and the one whose weights are used; 0 without a training. */
  readonly steps: number;
  readonly bestStep: number;
  /** Pairs that the estimate is made of. */
  readonly pairs: number;
}

/** Share of the limit from which on an estimate is said to be at it. */
const nearLimit = 0.9;

/**
 * Mutual information of the rows of x [N] or [N, …] with those of y [N] or [N, …], in nats, by a critic trained
 * on three fifths of the pairs, stopped by a fifth and evaluated on the last; by kraskov from all pairs at
 * once. Both sides are standardized first, which leaves the information as it is.
 * @throws ReparamError for pairs that do not match, are not finite, or are too few.
 */
export async function estimateMutualInformation(
  x: Tensor,
  y: Tensor,
  options: InformationOptions = {},
): Promise<InformationEstimate> {
  const { method = "infonce" } = options;
  if (!informationMethods.includes(method)) {
    throw new ReparamError(
      `there is no estimator "${method}". There are: ${informationMethods.join(", ")}.`,
    );
  }
  const [xRows, yRows] = [rowsOfTensor("x", x), rowsOfTensor("y", y)];
  if (xRows.length !== yRows.length) {
    throw new ReparamError(
      `x has ${xRows.length} rows and y ${yRows.length}. Row i of both must be one pair.`,
    );
  }
  if (method === "kraskov") return byNeighbours(xRows, yRows, options);
  return byTraining(xRows, yRows, method, options);
}

function byNeighbours(
  x: Rows & { length: number },
  y: Rows,
  { neighbours = 3 }: InformationOptions,
): InformationEstimate {
  const all = Uint32Array.from({ length: x.length }, (_, i) => i);
  const [xs, ys] = [standardized(x, all), standardized(y, all)];
  const { value, standardError, ties } = kraskovInformation(xs, ys, { neighbours });
  const warnings =
    ties === 0
      ? []
      : [
          `${ties} of ${x.length} pairs share their place with ${neighbours} others or more: the estimate wants continuous numbers.`,
        ];
  return {
    ...{ method: "kraskov", value, standardError, warnings },
    interval: intervalOf(value, standardError),
    obeys:
      "no bound: consistent, but far too small in many dimensions or for large information, unless pairs are very many",
    ...{ steps: 0, bestStep: 0, pairs: x.length },
  };
}

const intervalOf = (value: number, error: number): readonly [number, number] => [
  value - 1.96 * error,
  value + 1.96 * error,
];

async function byTraining(
  x: Rows & { length: number },
  y: Rows,
  method: Exclude<InformationMethod, "kraskov">,
  options: InformationOptions,
): Promise<InformationEstimate> {
  const { seed = 0 } = options;
  const division = dividePairs(x.length, seed);
  const batchSize = Math.min(options.batchSize ?? 128, Math.floor(division.estimate.length / 4));
  if (!(batchSize >= 2)) {
    throw new ReparamError(
      `${x.length} pairs are too few to train a critic and to hold some out. Give at least 40, or use the kraskov method.`,
    );
  }
  const pairs = makeSplit({
    x: columnOf(standardized(x, division.train)),
    y: columnOf(
      method === "barber-agakov" ? whitened(y, division.train) : standardized(y, division.train),
    ),
  });
  const sizes = [x.size, y.size] as const;
  const estimator = estimatorOf(method, sizes, options);
  const load = (indices: Uint32Array, shuffle: boolean): Loader =>
    createLoader(takeSamples(pairs, indices), { batchSize, seed, shuffle, dropLast: true });
  const trained = await trainEstimator(estimator, {
    ...{ sizes, batchSize, train: load(division.train, true), ...settingsOf(options) },
    ...{ stop: load(division.stop, false), estimate: load(division.estimate, false) },
  });
  const { value, standardError, batches, ...steps } = trained;
  const bound = method === "barber-agakov" ? undefined : boundOf(method, options.clip);
  const limit = bound?.limit?.(batchSize);
  return {
    ...{ method, value, standardError, interval: intervalOf(value, standardError) },
    obeys:
      bound?.obeys ??
      `a lower bound where y is ${(options.components ?? 1) === 1 ? "normal" : "such a mixture"}; else the difference of two cross-entropies`,
    ...(limit === undefined ? {} : { limit }),
    warnings: warningsOf(method, value, limit, batchSize),
    ...{ ...steps, pairs: batches * batchSize },
  };
}

const settingsOf = ({ learningRate = 5e-4, onProgress, signal, ...given }: InformationOptions) => {
  const { seed = 0, threads = 2, steps = 5000, patience = 10 } = given;
  return { learningRate, onProgress, signal, seed, threads, steps, patience };
};

const columnOf = ({ data, size }: Rows) =>
  ({ dtype: "float32", shape: [size], data: Float32Array.from(data) }) as const;

function warningsOf(
  method: InformationMethod,
  value: number,
  limit: number | undefined,
  batchSize: number,
): string[] {
  if (limit === undefined || value < nearLimit * limit) return [];
  return [
    `${method} cannot exceed log ${batchSize} = ${limit.toFixed(2)} nats with batches of ${batchSize}, and is near it: the information may be larger. Use larger batches, or smile.`,
  ];
}

function estimatorOf(
  method: BoundName | "barber-agakov",
  sizes: readonly [x: number, y: number],
  { critic = "separable", clip, ...given }: InformationOptions,
): TrainedEstimator {
  const { hidden = 256, layers = 2, embedding = 32, components = 1 } = given;
  if (method === "barber-agakov") {
    if (!(Number.isInteger(components) && components >= 1)) {
      throw new ReparamError(`components must be an integer of at least 1, got ${components}.`);
    }
    return conditionalEstimator(sizes, { hidden, layers, components });
  }
  return criticEstimator(
    boundOf(method, clip),
    criticOf(critic, { sizes, hidden, layers, embedding }),
  );
}
