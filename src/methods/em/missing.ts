/**
 * Exact maximum likelihood with values missing at random: rows with the same features missing form a group,
 * whose E-step uses the marginals of what is there, and the conditional mean and covariance of what is not.
 * Ghahramani, Jordan, "Supervised learning from incomplete data via an EM approach" (1994), section 3.
 */
import { expandDims, matmul, reshape, transpose } from "../../ops/index.ts";
import type { Batch } from "../../step/index.ts";
import { allocate, elementCount, spec, type Tensor, type TensorSpec } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { covarianceShape, type GaussianShape, gaussianSums, isMatrix } from "./gaussian.ts";
import { conditionals } from "./gaussian-host.ts";
import type { Named, Part } from "./model.ts";
import { rowCount } from "./rows.ts";

/** Inputs of the E-step of a group. */
export function conditionalSpecs(shape: GaussianShape): Named<TensorSpec> {
  const { kind, components, size } = shape;
  const covariance = covarianceShape(shape);
  const count = kind === "tied" ? 1 : components;
  const matrix = isMatrix(kind);
  return {
    mask: spec("float64", [size]),
    whitening: spec("float64", covariance),
    logScale: spec("float64", [count]),
    transform: spec("float64", [matrix ? count : 0, size, size]),
    conditional: spec("float64", matrix ? covariance : [components, size]),
  };
}

/**
 * Statistics of a group: of x̂ = E[x | what is there], and of the covariance of what is missing.
 * `difference` [K, D, N] and x [N, D] are 0 where a feature is missing.
 */
export function conditionalSums(
  shape: GaussianShape,
  given: Parameters<typeof gaussianSums>[1],
  { transform, conditional }: Named<Value>,
): Named<Value> {
  const { count, first, second } = gaussianSums(shape, given) as Record<string, Value>;
  const [n, s, q, rest] = [count, first, second, conditional] as [Value, Value, Value, Value];
  if (!isMatrix(shape.kind))
    return { count: n, first: s, second: q.add(expandDims(n, -1).mul(rest)) };
  const t = transform as Value;
  const moved = matmul(t, expandDims(s, -1));
  return {
    count: n,
    first: reshape(moved, s.shape),
    second: matmul(matmul(t, q), transpose(t)).add(expandDims(expandDims(n, -1), -1).mul(rest)),
  };
}

/** Complete rows to the program for them, the others by what is missing to `accumulateMissing`. */
export function* missingParts(
  name: string,
  shape: GaussianShape,
  batch: Batch,
  parameters: Named<Tensor>,
  complete: string,
): Iterable<Part> {
  const x = batch.x as Tensor;
  if (!hasNaN(x.data as Float64Array)) {
    yield { program: complete, batch, extra: {} };
    return;
  }
  const groups = groupRows(x, shape.size);
  for (const [key, rows] of groups) {
    const part = rows.length === rowCount(batch) ? batch : takeRows(batch, rows);
    if (!key.includes("0")) {
      yield { program: complete, batch: part, extra: {} };
      continue;
    }
    const mask = [...key].map((digit) => digit === "1");
    const extra = { ...conditionals(name, shape, parameters, mask) };
    yield {
      program: "accumulateMissing",
      batch: { ...part, x: withoutNaN(part.x as Tensor) },
      extra,
    };
  }
}

/** A plain loop without a branch: it sees every number of the data in every iteration. */
function hasNaN(values: Float64Array): boolean {
  let zero = 0;
  for (let i = 0; i < values.length; i++) zero += (values[i] as number) * 0;
  // Infinities make NaN of 0 as well.
  return Number.isNaN(zero) && values.some(Number.isNaN);
}

/** Rows by their mask: a digit a feature, 1 where it is there. */
function groupRows({ data, shape }: Tensor, size: number): Map<string, number[]> {
  const count = shape[0] as number;
  const complete = "1".repeat(size);
  const groups = new Map<string, number[]>();
  const values = data as Float64Array;
  for (let n = 0; n < count; n++) {
    let key = complete;
    for (let j = 0; j < size; j++) {
      const value = values[n * size + j] as number;
      if (Number.isNaN(value)) key = `${key.slice(0, j)}0${key.slice(j + 1)}`;
    }
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [n]);
    else group.push(n);
  }
  return groups;
}

const takeRows = (batch: Batch, rows: readonly number[]): Batch =>
  Object.fromEntries(
    Object.entries(batch).map(([name, { dtype, shape, data }]) => {
      const size = elementCount(shape.slice(1));
      const taken = allocate(dtype, rows.length * size) as Float64Array<ArrayBuffer>;
      for (const [i, row] of rows.entries()) {
        taken.set((data as Float64Array).subarray(row * size, (row + 1) * size), i * size);
      }
      return [name, { dtype, shape: [rows.length, ...shape.slice(1)], data: taken }];
    }),
  );

const withoutNaN = ({ dtype, shape, data }: Tensor): Tensor => ({
  dtype,
  shape,
  data: (data as Float64Array<ArrayBuffer>).map((value) => (Number.isNaN(value) ? 0 : value)),
});
