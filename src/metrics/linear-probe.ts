import { lbfgs } from "../numerics/lbfgs.ts";
import { compile, hold } from "../onnx/index.ts";
import { exp, logSumExp, matmul, mean, sum } from "../ops/index.ts";
import { ReparamError, spec, type Tensor, tensor } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { checkLabelled, type Labelled } from "./knn-accuracy.ts";

export interface ProbeOptions {
  /** λ of λ/2·‖W‖² beside the mean loss; the biases are free. 1e-4 by default. */
  readonly penalty?: number;
  /** Ends where no element of the gradient is larger. 1e-5 by default. */
  readonly tolerance?: number;
  /** At most. 1000 by default. */
  readonly iterations?: number;
  /** Default 2. */
  readonly threads?: number;
}

/** A linear classifier of frozen features. */
export interface LinearProbe {
  readonly classes: number;
  /** Mean cross-entropy over the training rows and the penalty, in nats. */
  readonly loss: number;
  readonly iterations: number;
  readonly converged: boolean;
  /** Logits [N, classes] of vectors [N, D], row by row. */
  readonly logits: (vectors: Tensor) => Float64Array;
  /** Share of rows whose largest logit is that of their class. */
  readonly accuracy: (test: Labelled) => number;
}

/**
 * Multinomial logistic regression on vectors [N, D], each element standardized over the training rows first, to
 * convergence by L-BFGS in float64: what classes a linear map can tell apart (Alain, Bengio, "Understanding
 * intermediate layers using linear classifier probes", 2017).
 */
export async function linearProbe(
  train: Labelled,
  options: ProbeOptions = {},
): Promise<LinearProbe> {
  const { penalty = 1e-4, tolerance = 1e-5, iterations = 1000, threads = 2 } = options;
  checkLabelled("linearProbe", train);
  const { labels } = train;
  const [rows, size] = train.vectors.shape as [number, number];
  const classes = Math.max(...Array.from(labels)) + 1;
  if (!(classes >= 2) || Array.from(labels).some((l) => !Number.isInteger(l) || l < 0)) {
    throw new ReparamError("linearProbe: labels must be 0, 1, … of at least two classes.");
  }
  const scaling = scalingOf(train.vectors);
  const x = tensor(scaled(train.vectors, scaling), [rows, size]);
  const truth = new Float64Array(rows * classes);
  for (let i = 0; i < rows; i++) truth[i * classes + (labels[i] as number)] = 1;
  const y = tensor(truth, [rows, classes]);
  const fixed = { x, y };
  const program = await compile(
    (given) => {
      const { state, weight, bias } = given as unknown as {
        state: { x: Value; y: Value };
        weight: Value;
        bias: Value;
      };
      const logits = matmul(state.x, weight).add(bias);
      const normalizer = logSumExp(logits, 1, { keepDims: true });
      const fit = mean(normalizer).sub(sum(logits.mul(state.y)).div(rows));
      const error = exp(logits.sub(normalizer)).sub(state.y).div(rows);
      return {
        state: { ...state },
        value: fit.add(sum(weight.square()).mul(penalty / 2)),
        weight: matmul(state.x, error, { transposeA: true }).add(weight.mul(penalty)),
        bias: sum(error, 0),
      };
    },
    { state: fixed, weight: spec("float64", [size, classes]), bias: spec("float64", [classes]) },
    { threads, spin: false },
  );
  const state = hold(fixed);
  const split = size * classes;
  const minimum = await lbfgs(
    async (point) => {
      const weight = tensor(point.slice(0, split), [size, classes]);
      const bias = tensor(point.slice(split), [classes]);
      const found = await program.run({ state, weight, bias });
      const gradient = new Float64Array(point.length);
      gradient.set(found.weight.data as Float64Array);
      gradient.set(found.bias.data as Float64Array, split);
      return { value: Number(found.value.data[0]), gradient };
    },
    new Float64Array(split + classes),
    { iterations, tolerance },
  );
  await program.release();
  const logits = (vectors: Tensor): Float64Array =>
    affine(scaled(vectors, scaling), minimum.point, size, classes);
  return {
    classes,
    loss: minimum.value,
    iterations: minimum.iterations,
    converged: minimum.converged,
    logits,
    accuracy: (test) => {
      checkLabelled("linearProbe", test);
      return accuracyOf(logits(test.vectors), test.labels, classes);
    },
  };
}

interface Scaling {
  readonly mean: Float64Array;
  /** 1/σ, or 0 where nothing varies. */
  readonly factor: Float64Array;
}

function scalingOf({ shape, data }: Tensor): Scaling {
  const [rows, size] = shape as [number, number];
  const [average, squares] = [new Float64Array(size), new Float64Array(size)];
  for (let at = 0; at < data.length; at++) {
    average[at % size] = (average[at % size] as number) + Number(data[at]) / rows;
  }
  for (let at = 0; at < data.length; at++) {
    const off = Number(data[at]) - (average[at % size] as number);
    squares[at % size] = (squares[at % size] as number) + off ** 2 / rows;
  }
  return { mean: average, factor: squares.map((v) => (v > 1e-20 ? 1 / Math.sqrt(v) : 0)) };
}

function scaled(
  { data, shape }: Tensor,
  { mean: average, factor }: Scaling,
): Float64Array<ArrayBuffer> {
  const size = shape[1] as number;
  const out = new Float64Array(data.length);
  for (let at = 0; at < out.length; at++) {
    const d = at % size;
    out[at] = (Number(data[at]) - (average[d] as number)) * (factor[d] as number);
  }
  return out;
}

/** x·W + b; `point` holds W [size, classes] and b. */
function affine(x: Float64Array, point: Float64Array, size: number, classes: number): Float64Array {
  const rows = x.length / size;
  const out = new Float64Array(rows * classes);
  for (let i = 0; i < rows; i++) {
    const row = out.subarray(i * classes, (i + 1) * classes);
    row.set(point.subarray(size * classes));
    for (let d = 0; d < size; d++) {
      const value = x[i * size + d] as number;
      for (let c = 0; c < classes; c++) {
        row[c] = (row[c] as number) + value * (point[d * classes + c] as number);
      }
    }
  }
  return out;
}

function accuracyOf(logits: Float64Array, labels: ArrayLike<number>, classes: number): number {
  let right = 0;
  for (let i = 0; i < labels.length; i++) {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    right += Number(row.indexOf(Math.max(...row)) === labels[i]);
  }
  return right / labels.length;
}
