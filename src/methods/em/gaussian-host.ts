// What Gaussian components do on the host: factors of their covariances, first values, conditionals.
import { ReparamError, type Tensor, tensor } from "../../tensor/index.ts";
import type { Clusters } from "./centres.ts";
import { covarianceShape, type GaussianShape, isMatrix } from "./gaussian.ts";
import { choleskyFactor, lowerInverse } from "./linear-algebra.ts";
import type { Named } from "./model.ts";
import type { Rows } from "./rows.ts";

/** Elements of a float64 tensor. */
export const numbersOf = (value: Tensor | undefined): Float64Array<ArrayBuffer> =>
  (value as Tensor).data as Float64Array<ArrayBuffer>;

/**
 * Parameters with the whitening that belongs to their covariances. Throws where a covariance is not
 * positive definite, and says which.
 */
export function completeGaussians(
  name: string,
  shape: GaussianShape,
  parameters: Named<Tensor>,
): Named<Tensor> {
  const { covariances, means } = parameters;
  if (!numbersOf(means).every(Number.isFinite)) {
    throw new ReparamError(
      `${name}: a mean is not finite. Scale the columns, or look for outliers.`,
    );
  }
  const values = numbersOf(covariances);
  const whitening = new Float64Array(values.length);
  if (isMatrix(shape.kind)) {
    const area = shape.size ** 2;
    for (let at = 0; at < values.length; at += area) {
      const factor = choleskyFactor(values.subarray(at, at + area), shape.size);
      if (factor === undefined) throw collapsed(name, shape, at / area);
      whitening.set(lowerInverse(factor, shape.size), at);
    }
  } else {
    for (const [i, variance] of values.entries()) {
      if (!(variance > 0 && Number.isFinite(variance))) {
        throw collapsed(name, shape, Math.floor((i * shape.components) / values.length));
      }
      whitening[i] = 1 / Math.sqrt(variance);
    }
  }
  return { ...parameters, whitening: { ...(covariances as Tensor), data: whitening } };
}

function collapsed(name: string, { kind }: GaussianShape, component: number): ReparamError {
  const whose =
    kind === "tied" ? "the common covariance" : `the covariance of component ${component}`;
  const narrower = isMatrix(kind) ? ", or covariance diagonal" : "";
  return new ReparamError(
    `${name}: ${whose} is not positive definite: the rows do not spread in every direction. ` +
      `Raise regCovar, take fewer components${narrower}, or drop constant columns.`,
  );
}

/** Weights, means and covariances of clusters of rows; small clusters borrow from the common spread. */
export function clusterGaussians(
  shape: GaussianShape,
  rows: Rows,
  { labels, centres }: Clusters,
  regularization: number,
): Named<Tensor> {
  const { kind, components, size } = shape;
  const counts = new Float64Array(components);
  for (const k of labels) counts[k] = (counts[k] as number) + 1;
  const width = isMatrix(kind) ? size * size : size;
  const sums = new Float64Array(components * width);
  for (let n = 0; n < rows.count; n++) {
    const k = labels[n] as number;
    const d = Float64Array.from({ length: size }, (_, j) => {
      return (rows.data[n * size + j] as number) - (centres[k * size + j] as number);
    });
    for (let i = 0; i < width; i++) {
      const product = isMatrix(kind)
        ? (d[Math.floor(i / size)] as number) * (d[i % size] as number)
        : (d[i] as number) ** 2;
      sums[k * width + i] = (sums[k * width + i] as number) + product;
    }
  }
  const pooled = Float64Array.from({ length: width }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < components; k++) sum += sums[k * width + i] as number;
    return sum / rows.count;
  });
  const each = sums.map((sum, at) => {
    const count = counts[Math.floor(at / width)] as number;
    const i = at % width;
    const ridge = !isMatrix(kind) || i % (size + 1) === 0 ? regularization : 0;
    return (sum + size * (pooled[i] as number)) / (count + size) + ridge;
  });
  const ridged = pooled.map((value, i) => value + (i % (size + 1) === 0 ? regularization : 0));
  const data = kind === "tied" ? ridged : kind === "spherical" ? rowMeans(each, size) : each;
  return {
    // As if every component had one row more: none begins with a weight of 0.
    weights: tensor(
      counts.map((count) => (count + 1) / (rows.count + components)),
      [components],
    ),
    means: tensor(Float64Array.from(centres), [components, size]),
    covariances: tensor(data, covarianceShape(shape)),
    whitening: tensor(new Float64Array(data.length), covarianceShape(shape)),
  };
}

const rowMeans = (values: Float64Array, size: number): Float64Array<ArrayBuffer> =>
  Float64Array.from({ length: values.length / size }, (_, k) => {
    return values.subarray(k * size, (k + 1) * size).reduce((sum, value) => sum + value, 0) / size;
  });

/** Marginals and conditionals of the components for rows where the same features are missing. */
export interface Conditionals {
  /** [D], 1 where a feature is there. */
  readonly mask: Tensor;
  /** Of the marginals of what is there, in the shape of the covariances; 0 elsewhere. */
  readonly whitening: Tensor;
  /** −½ |O| log 2π − ½ log |Σ_OO|, [K] or [1]. */
  readonly logScale: Tensor;
  /** x̂ − μ = T(x − μ): identity on what is there, Σ_MO Σ_OO⁻¹ on what is missing, [K or 1, D, D]. */
  readonly transform: Tensor;
  /** Σ_MM − Σ_MO Σ_OO⁻¹ Σ_OM on what is missing, 0 elsewhere, [K or 1, D, D]; of variances [K, D]. */
  readonly conditional: Tensor;
}

/** Throws where the marginal covariance is not positive definite. */
export function conditionals(
  name: string,
  shape: GaussianShape,
  parameters: Named<Tensor>,
  mask: readonly boolean[],
): Conditionals {
  const there = [...mask.keys()].filter((j) => mask[j]);
  const absent = [...mask.keys()].filter((j) => !mask[j]);
  const given = { mask: tensor(Float64Array.from(mask, Number), [mask.length]) };
  return isMatrix(shape.kind)
    ? { ...given, ...matrixConditionals(name, shape, parameters, there, absent) }
    : { ...given, ...varianceConditionals(shape, parameters, there, absent) };
}

const logTwoPi = Math.log(2 * Math.PI);

function varianceConditionals(
  { kind, components, size }: GaussianShape,
  { covariances, whitening }: Named<Tensor>,
  there: readonly number[],
  absent: readonly number[],
): Omit<Conditionals, "mask"> {
  const scales = numbersOf(whitening);
  const variances = numbersOf(covariances);
  const at = (k: number, j: number): number => (kind === "diagonal" ? k * size + j : k);
  const logScale = new Float64Array(components);
  const conditional = new Float64Array(components * size);
  for (let k = 0; k < components; k++) {
    const logs = there.reduce((sum, j) => sum + Math.log(scales[at(k, j)] as number), 0);
    logScale[k] = logs - (there.length / 2) * logTwoPi;
    for (const j of absent) conditional[k * size + j] = variances[at(k, j)] as number;
  }
  return {
    whitening: whitening as Tensor,
    logScale: tensor(logScale, [components]),
    transform: tensor(new Float64Array(0), [0, size, size]),
    conditional: tensor(conditional, [components, size]),
  };
}

function matrixConditionals(
  name: string,
  shape: GaussianShape,
  { covariances }: Named<Tensor>,
  there: readonly number[],
  absent: readonly number[],
): Omit<Conditionals, "mask"> {
  const { size } = shape;
  const all = numbersOf(covariances);
  const area = size * size;
  const count = all.length / area;
  const [whitening, transform, conditional] = [0, 1, 2].map(() => new Float64Array(all.length)) as [
    Float64Array<ArrayBuffer>,
    Float64Array<ArrayBuffer>,
    Float64Array<ArrayBuffer>,
  ];
  const logScale = new Float64Array(count);
  const n = there.length;
  for (let k = 0; k < count; k++) {
    const sigma = (i: number, j: number): number => all[k * area + i * size + j] as number;
    const block = Float64Array.from(there.flatMap((i) => there.map((j) => sigma(i, j))));
    const factor = choleskyFactor(block, n);
    if (factor === undefined) throw collapsed(name, shape, k);
    const w = lowerInverse(factor, n);
    const put = (into: Float64Array, i: number, j: number, value: number): void => {
      into[k * area + i * size + j] = value;
    };
    logScale[k] = -(n / 2) * logTwoPi;
    for (const [a, i] of there.entries()) {
      put(transform, i, i, 1);
      logScale[k] = (logScale[k] as number) + Math.log(w[a * n + a] as number);
      for (let b = 0; b <= a; b++) put(whitening, i, there[b] as number, w[a * n + b] as number);
    }
    // Rows u = W·Σ_OM of every missing feature: Σ_MO Σ_OO⁻¹ = uᵀW, and the conditional is Σ_MM − uᵀu.
    const u = absent.map((m) =>
      Float64Array.from(there, (_, a) => {
        let sum = 0;
        for (let b = 0; b <= a; b++) sum += (w[a * n + b] as number) * sigma(there[b] as number, m);
        return sum;
      }),
    );
    for (const [s, m] of absent.entries()) {
      const us = u[s] as Float64Array;
      for (const [b, j] of there.entries()) {
        let sum = 0;
        for (let a = b; a < n; a++) sum += (us[a] as number) * (w[a * n + b] as number);
        put(transform, m, j, sum);
      }
      for (const [t, other] of absent.entries()) {
        const ut = u[t] as Float64Array;
        put(
          conditional,
          m,
          other,
          sigma(m, other) - us.reduce((sum, v, a) => sum + v * (ut[a] as number), 0),
        );
      }
    }
  }
  const matrices = [count, size, size];
  return {
    whitening: tensor(whitening, matrices),
    logScale: tensor(logScale, [count]),
    transform: tensor(transform, matrices),
    conditional: tensor(conditional, matrices),
  };
}
