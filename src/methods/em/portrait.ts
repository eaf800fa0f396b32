// What finished trainings of this folder show: parameters, components as pictures, and remarks.
import type { DataShape, Drawing, Metrics } from "../../step/index.ts";
import { type Tensor, type Tree, tensor } from "../../tensor/index.ts";
import { covarianceShape, type GaussianShape, isMatrix } from "./gaussian.ts";
import type { EmOptions, Named } from "./model.ts";

type History = readonly (readonly Metrics[])[];

/** Tensors of a trained model by name. */
export const parametersOf = (weights: Tree<Tensor>): Named<Tensor> =>
  weights as unknown as Named<Tensor>;

/** Remarks on how EM ended; `regularization` names the option that keeps the likelihood from its maximum. */
export function emNotes(
  history: History,
  { algorithm, tolerance }: EmOptions,
  regularization: string,
): string[] {
  const last = history.map((metrics) => metrics.at(-1)).filter((each) => each !== undefined);
  const best = last.reduce<Metrics | undefined>(
    (least, next) => (least !== undefined && loss(least) <= loss(next) ? least : next),
    undefined,
  );
  return [
    ...criteriaNote(best),
    ...(algorithm === "batch" ? convergenceNote(history, tolerance) : []),
    ...regularizationNote(history.flat(), regularization),
  ];
}

const loss = (metrics: Metrics): number => metrics.loss as number;
const short = (value: number): string => String(Number(value.toPrecision(6)));

function criteriaNote(best: Metrics | undefined): string[] {
  const { aic, bic } = best ?? {};
  if (aic === undefined || bic === undefined) return [];
  return [`AIC ${short(aic)}, BIC ${short(bic)} on the training data; smaller is better.`];
}

function convergenceNote(history: History, tolerance: number): string[] {
  if (tolerance === 0) return [];
  const open = history.filter((metrics) => {
    const [before, now] = metrics.slice(-2).map(loss);
    return before === undefined || now === undefined || Math.abs(before - now) >= tolerance;
  }).length;
  if (open === 0) {
    const counts = history.map(({ length }) => length).join(", ");
    return [`Converged after ${counts} iterations.`];
  }
  const which = history.length === 1 ? "The training" : `${open} of ${history.length} starts`;
  return [
    `${which} ended before the loss settled to ${tolerance} an iteration. Train longer with --epochs.`,
  ];
}

function regularizationNote(metrics: readonly Metrics[], option: string): string[] {
  const falls = metrics.map((each) => each.regularizationLoss ?? 0).filter((fall) => fall > 0);
  if (falls.length === 0) return [];
  return [
    `The likelihood fell in ${falls.length} of ${metrics.length} iterations, by at most ` +
      `${Math.max(...falls).toExponential(1)} nats a row. That is regularisation: with ${option} the M-step ` +
      "does not maximise the likelihood alone.",
  ];
}

const nameOf = (data: DataShape, feature: number): string =>
  data.names?.x?.[feature] ?? `x[${feature}]`;

/** Ellipses of Gaussians in the two features that tell them apart best; none where there is one feature. */
export function ellipses(shape: GaussianShape, weights: Named<Tensor>, data: DataShape): Drawing[] {
  const { size, components } = shape;
  if (size < 2) return [];
  const [means, covariances] = [weights.means, weights.covariances].map(
    (part) => (part as Tensor).data as Float64Array,
  ) as [Float64Array, Float64Array];
  const covariance = covarianceReader(shape, covariances);
  const shares = weights.weights?.data as Float64Array | undefined;
  const features = bestFeatures(shape, means, shares, covariance);
  const [i, j] = features;
  const planes = Array.from({ length: components }, (_, k) => [
    covariance(k, i, i),
    covariance(k, i, j),
    covariance(k, j, i),
    covariance(k, j, j),
  ]);
  return [
    {
      kind: "ellipses",
      title: "Components",
      caption:
        "Training rows by their likeliest component, and two standard deviations around the means.",
      features,
      labels: [nameOf(data, i), nameOf(data, j)],
      means: planeOf(means, size, features),
      covariances: tensor(Float64Array.from(planes.flat()), [components, 2, 2]),
    },
  ];
}

/** Centres [K, D] in the two features that they differ in most. */
export function centresDrawing(centres: Tensor, data: DataShape): Drawing[] {
  const [components, size] = centres.shape as [number, number];
  if (size < 2) return [];
  const values = centres.data as Float64Array;
  const shape: GaussianShape = { kind: "spherical", components, size };
  const features = bestFeatures(shape, values, undefined, () => 1);
  return [
    {
      kind: "ellipses",
      title: "Clusters",
      caption: "Training rows by their cluster.",
      features,
      labels: [nameOf(data, features[0]), nameOf(data, features[1])],
      means: planeOf(values, size, features),
    },
  ];
}

type CovarianceReader = (k: number, i: number, j: number) => number;

function covarianceReader(shape: GaussianShape, values: Float64Array): CovarianceReader {
  const [count, width] = covarianceShape(shape) as [number, number];
  if (isMatrix(shape.kind)) {
    return (k, i, j) => values[(count === 1 ? 0 : k) * width * width + i * width + j] as number;
  }
  return (k, i, j) => (i === j ? (values[k * width + (width === 1 ? 0 : i)] as number) : 0);
}

/** The two features in which means differ most, in units of the spread inside of components. */
function bestFeatures(
  { components, size }: GaussianShape,
  means: Float64Array,
  shares: Float64Array | undefined,
  covariance: CovarianceReader,
): [number, number] {
  const share = (k: number): number => shares?.[k] ?? 1 / components;
  const average = (f: (k: number) => number): number =>
    Array.from({ length: components }, (_, k) => share(k) * f(k)).reduce((sum, v) => sum + v, 0);
  const apart = Array.from({ length: size }, (_, j) => {
    const mean = average((k) => means[k * size + j] as number);
    const between = average((k) => ((means[k * size + j] as number) - mean) ** 2);
    return { j, ratio: between / average((k) => covariance(k, j, j)) };
  });
  const [first, second] = apart.sort((a, b) => b.ratio - a.ratio).map(({ j }) => j);
  const [a, b] = [first as number, second as number];
  return a < b ? [a, b] : [b, a];
}

function planeOf(means: Float64Array, size: number, features: readonly number[]): Tensor {
  const rows = Array.from({ length: means.length / size }, (_, k) =>
    features.map((feature) => means[k * size + feature] as number),
  );
  return tensor(Float64Array.from(rows.flat()), [rows.length, 2]);
}

/** Rows [K, D] of numbers from 0 to 1 as images of that shape [C, H, W]. */
export const componentImages = (
  rows: Tensor,
  pixels: readonly number[],
  caption: string,
): Drawing => ({
  kind: "images",
  ...{ title: "Components", caption },
  images: { ...rows, shape: [rows.shape[0] as number, ...pixels] },
});
