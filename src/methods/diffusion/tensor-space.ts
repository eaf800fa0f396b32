// Tensors as the vectors that samplers and integrators move.
import type { Tolerance, VectorSpace } from "../../ode/index.ts";
import { allocate, fillNormal, ReparamError, type Tensor } from "../../tensor/index.ts";

type Floats = Float32Array | Float64Array;

/** Tensors of one shape, of float32 or float64; sums are taken in float64. */
export const tensorSpace: VectorSpace<Tensor> = {
  combine: (coefficients, tensors) => {
    const [first] = tensors as readonly [Tensor];
    const { dtype, shape } = first;
    const data = allocate(dtype, first.data.length) as Floats;
    const arrays = tensors.map((tensor) => tensor.data as Floats);
    for (let i = 0; i < data.length; i++) {
      let sum = 0;
      for (let k = 0; k < arrays.length; k++) sum += coefficients[k]! * arrays[k]![i]!;
      data[i] = sum;
    }
    return { dtype, shape, data: data as Tensor["data"] };
  },
  scaledNorm: (error, from, to, tolerance) =>
    Math.sqrt(scaledSquares(error.data, from.data, to.data, tolerance) / error.data.length),
};

/** Σ (error/(absolute + relative·max(|from|, |to|)))² */
export function scaledSquares(
  error: Tensor["data"],
  from: Tensor["data"],
  to: Tensor["data"],
  { relative, absolute }: Required<Tolerance>,
): number {
  const floor = typeof absolute === "number" ? absolute : absolute[0]!;
  let sum = 0;
  for (let i = 0; i < error.length; i++) {
    const size = Math.max(Math.abs(Number(from[i])), Math.abs(Number(to[i])));
    sum += (Number(error[i]) / (floor + relative * size)) ** 2;
  }
  return sum;
}

/** Standard normal numbers like a tensor, the same for the same seed and path. */
export function normalLike(
  { dtype, shape }: Pick<Tensor, "dtype" | "shape">,
  stream: {
    readonly seed: number;
    readonly step: number;
    readonly path: string;
  },
): Tensor {
  if (dtype !== "float32" && dtype !== "float64") {
    throw new ReparamError(`noise must be float32 or float64, got ${dtype}.`);
  }
  const data = allocate(
    dtype,
    shape.reduce((n, size) => n * size, 1),
  ) as Float32Array<ArrayBuffer>;
  fillNormal(data, stream);
  return { dtype, shape, data };
}
