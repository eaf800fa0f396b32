import {
  type DType,
  ReparamError,
  type Shape,
  type Size,
  type Tensor,
  type TensorSpec,
} from "../tensor/index.ts";
import type { Lowering } from "./lowering.ts";
import { traceOf } from "./trace.ts";
import type { Node, Operand, Value } from "./value.ts";

/**
 * Static arguments of an operation. They are part of a node's identity: plain data is compared by its
 * JSON, sizes by their expression, objects of other kinds by their own `toJSON`.
 */
export type Attributes = Readonly<Record<string, unknown>>;

/** What a gradient rule is given: cotangents of the outputs (undefined where none flows), and the node. */
export interface GradContext<A extends Attributes> {
  /** Cotangent of the first output; present unless only other outputs are used. */
  readonly dy: Value;
  readonly dys: readonly (Value | undefined)[];
  readonly y: Value;
  readonly ys: readonly Value[];
  readonly xs: readonly Value[];
  readonly attributes: A;
  /** Which inputs a gradient is wanted for; the others may be returned as undefined. */
  readonly wanted: readonly boolean[];
}

/** An operation: one object with everything there is to know about it. */
export interface OpDefinition<A extends Attributes> {
  readonly name: string;
  /** Shape rule: dtype and shape of every output. Throws ShapeError on operands that do not fit. */
  readonly infer: (xs: readonly Value[], attributes: A) => readonly TensorSpec[];
  /** Gradient rule in terms of operations, so that gradients have gradients; null: has none, by nature. */
  readonly grad: ((context: GradContext<A>) => readonly (Value | undefined)[]) | null;
  /** Emits ONNX nodes and returns the names of the outputs. */
  readonly lower: (
    to: Lowering,
    xs: readonly string[],
    node: Node,
    attributes: A,
  ) => readonly string[];
  /** Plain evaluation, matching ONNX to the letter; used by tests, constant folding and initializers. */
  readonly evaluate: (
    xs: readonly Tensor[],
    attributes: A,
    outputs: readonly EvaluatedSpec[],
    size: (size: Size) => number,
  ) => readonly Tensor[];
  /** Rewrites an application to something simpler before a node is made (x·1 → x). */
  readonly simplify?: (xs: readonly Value[], attributes: A) => readonly Value[] | undefined;
}

/** dtype and concrete shape of an output during plain evaluation. */
export interface EvaluatedSpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export interface Op<A extends Attributes = Attributes> extends OpDefinition<A> {
  /** Applies the operation to operands of one trace; at least one must be a Value. */
  readonly apply: (operands: readonly Operand[], attributes?: A) => readonly Value[];
}

const registry = new Map<string, Op>();

/** Defines and registers an operation; returns it with `apply`. */
export function defineOp<A extends Attributes = Attributes>(definition: OpDefinition<A>): Op<A> {
  const apply = (operands: readonly Operand[], attributes?: A): readonly Value[] => {
    const given = (attributes ?? {}) as A;
    const trace = traceOf(operands);
    const xs = trace.lift(operands);
    return definition.simplify?.(xs, given) ?? trace.node(op as unknown as Op, xs, given).outputs;
  };
  const op: Op<A> = { ...definition, apply };
  if (registry.has(op.name)) throw new ReparamError(`op ${op.name} is defined twice.`);
  registry.set(op.name, op as unknown as Op);
  return op;
}

/** The operation of that name. */
export function operation(name: string): Op {
  const op = registry.get(name);
  if (op === undefined)
    throw new ReparamError(`op ${name} is not loaded; import reparam/ops first.`);
  return op;
}

/** Every registered operation, for contract tests. */
export const allOperations = (): readonly Op[] => [...registry.values()];

/** A copy of a shape rule's most common answer: the dtype and shape of the first operand. */
export const likeFirst = (xs: readonly Value[]): readonly TensorSpec[] => {
  const [x] = xs as [Value];
  return [{ dtype: x.dtype, shape: x.shape as Shape }];
};
