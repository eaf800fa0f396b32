import { type Tensor, type TensorSpec, zeros } from "../tensor/index.ts";
import { evaluate, trace, type Value } from "../trace/index.ts";
import { gradients } from "./gradients.ts";

export interface GradientCheck {
  /** Largest |analytic − numeric| / max(1, |numeric|) over all elements of all inputs. */
  readonly error: number;
  /** Where it is: input and element. */
  readonly input: number;
  readonly element: number;
  readonly analytic: number;
  readonly numeric: number;
}

/**
 * Compares the gradient of a scalar function with central differences in float64, by plain evaluation.
 * Inputs that are not float64 are held fixed.
 */
export function checkGradient(
  f: (...xs: Value[]) => Value,
  inputs: readonly Tensor[],
  stepSize = 1e-5,
): GradientCheck {
  const specs: TensorSpec[] = inputs.map(({ dtype, shape }) => ({ dtype, shape }));
  const free = inputs.flatMap((x, i) => (x.dtype === "float64" ? [i] : []));
  const value = trace((xs) => f(...(xs as Value[])), specs);
  const analytic = evaluate(
    trace(
      (xs) =>
        gradients(
          f(...(xs as Value[])),
          free.map((i) => (xs as Value[])[i] as Value),
        ),
      specs,
    ),
    [...inputs],
  ) as unknown as Tensor[];
  const at = (i: number, k: number, delta: number): number => {
    const moved = inputs.map((x, j) => (i === j ? shifted(x, k, delta) : x));
    return Number((evaluate(value, moved) as unknown as Tensor).data[0]);
  };
  let worst: GradientCheck = { error: 0, input: 0, element: 0, analytic: 0, numeric: 0 };
  for (const [slot, i] of free.entries()) {
    for (let k = 0; k < (inputs[i] as Tensor).data.length; k++) {
      const numeric = (at(i, k, stepSize) - at(i, k, -stepSize)) / (2 * stepSize);
      const exact = Number(analytic[slot]?.data[k]);
      const error = Math.abs(exact - numeric) / Math.max(1, Math.abs(numeric));
      if (!(error <= worst.error))
        worst = { error, input: i, element: k, analytic: exact, numeric };
    }
  }
  return worst;
}

function shifted(x: Tensor, element: number, delta: number): Tensor {
  const copy = zeros(x.shape, x.dtype);
  (copy.data as Float64Array).set(x.data as Float64Array);
  copy.data[element] = (x.data[element] as number) + delta;
  return copy;
}
