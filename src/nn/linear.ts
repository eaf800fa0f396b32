import { matmul, reshape } from "../ops/index.ts";
import { formatShape, ReparamError, ShapeError } from "../tensor/index.ts";
import type { Key, Value } from "../trace/index.ts";
import { type Initializer, torchUniform } from "./initializers.ts";

/** weight [inputs, outputs], bias [outputs]. */
export type LinearParams = { readonly weight: Value; readonly bias?: Value };

export interface LinearOptions {
  /** Whether there is a bias; true by default. */
  readonly bias?: boolean;
  /** Of the weight; uniform on ±1/√inputs by default. */
  readonly initializer?: Initializer;
  /** Of the bias; uniform on ±1/√inputs by default. */
  readonly biasInitializer?: Initializer;
}

/** Throws unless every count is a positive integer. */
export function checkCounts(layer: string, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) {
    if (!Number.isInteger(count) || count < 1) {
      throw new ReparamError(`${layer}: ${name} must be a positive integer, got ${count}.`);
    }
  }
}

/** Parameters of a linear layer from `inputs` to `outputs` features. */
export function initLinear(
  key: Key,
  inputs: number,
  outputs: number,
  options: LinearOptions = {},
): LinearParams {
  const { bias = true, initializer = torchUniform, biasInitializer = torchUniform } = options;
  checkCounts("initLinear", { inputs, outputs });
  const fans = { fanIn: inputs, fanOut: outputs };
  const weight = initializer(key.at("weight"), [inputs, outputs], fans);
  return bias ? { weight, bias: biasInitializer(key.at("bias"), [outputs], fans) } : { weight };
}

/** x·weight + bias over the last axis: [..., inputs] → [..., outputs]. */
export function linear({ weight, bias }: LinearParams, x: Value): Value {
  const [inputs, outputs] = weight.shape;
  if (inputs === undefined || outputs === undefined || weight.rank !== 2) {
    throw new ShapeError(
      "linear",
      `weight must be [inputs, outputs], got ${formatShape(weight.shape)}.`,
    );
  }
  if (x.rank < 2 || x.size(-1) !== inputs) {
    const fix = x.rank < 2 ? "Add a batch axis with expandDims" : "Flatten the trailing axes first";
    throw new ShapeError(
      "linear",
      `x must be [..., ${inputs}], got ${formatShape(x.shape)}. ${fix}.`,
    );
  }
  // One matrix of rows, bias included: the runtime fuses that product and sum.
  const product = matmul(reshape(x, [-1, inputs]), weight);
  const rows = bias === undefined ? product : product.add(bias);
  return reshape(rows, [...x.shape.slice(0, -1), outputs]);
}
