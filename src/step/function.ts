import { Scope } from "../nn/index.ts";
import { constant } from "../ops/index.ts";
import { ReparamError, scalar, type Tensor, type TensorSpec, type Tree } from "../tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../trace/index.ts";
import type { FunctionName, Method, ModelFunction } from "./method.ts";
import { specsOf } from "./phase.ts";

/** The weights that a method's functions read, taken from the state of its last phase. */
export function weightsOf(method: Method, state: Tree<Tensor>): Tree<Tensor> {
  const program = trace(({ state: given }) => ({ weights: method.weights(given as Tree<Value>) }), {
    state: specsOf(state),
  });
  return evaluate(program, { state } as Tree<Tensor>).weights as Tree<Tensor>;
}

/** Whether the method can do what that name says, in one graph or by a procedure. */
export const offers = ({ functions, procedures }: Method, name: FunctionName): boolean =>
  functions[name] !== undefined || procedures?.[name] !== undefined;

/** The function of that name. Throws if the method does not offer it. */
export function functionOf(method: Method, name: FunctionName): ModelFunction {
  const found = method.functions[name];
  if (found !== undefined) return found;
  const offered = Object.keys({ ...method.functions, ...method.procedures }).join(", ");
  throw new ReparamError(
    `${method.name} has no function "${name}". It offers ${offered || "none"}.`,
  );
}

/** What to compile or export for a function: `{ weights, ...inputs }` → its outputs by name. */
export function functionProgram<Weights extends Tree<Tensor | TensorSpec>>(
  name: string,
  definition: ModelFunction,
  weights: Weights,
): {
  build: (given: unknown) => Readonly<Record<string, Value>>;
  example: { readonly weights: Weights; readonly [input: string]: Tree<Tensor | TensorSpec> };
} {
  const inputs = Object.fromEntries(
    Object.entries(definition.inputs).map(([input, { dtype, shape }]) => [input, { dtype, shape }]),
  );
  return {
    build: (given) => {
      const { weights: values, ...rest } = given as Record<string, Tree<Value>>;
      const scope = new Scope({ key: new Key(`function.${name}`), train: false });
      return definition.build(values as Tree<Value>, rest as Record<string, Value>, scope);
    },
    example: { ...inputs, weights },
  };
}

/**
 * The function with some of its knobs set for good: they are inputs no more. Throws for what is no knob.
 */
export function bakeKnobs(
  definition: ModelFunction,
  values: Readonly<Record<string, number>>,
): ModelFunction {
  const inputs = { ...definition.inputs };
  const tensors: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(values)) {
    const spec = inputs[name];
    if (spec?.default === undefined || spec.shape.length > 0) {
      throw new ReparamError(
        `"${name}" is no knob of the function that a number could be baked into.`,
      );
    }
    tensors[name] = scalar(value, spec.dtype);
    delete inputs[name];
  }
  return {
    ...definition,
    inputs,
    build: (weights, given, scope) => {
      const baked = Object.entries(tensors).map(([name, tensor]) => [name, constant(tensor)]);
      return definition.build(weights, { ...given, ...Object.fromEntries(baked) }, scope);
    },
  };
}
