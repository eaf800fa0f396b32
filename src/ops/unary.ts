import { allocate, isFloat, ShapeError, type Tensor } from "../tensor/index.ts";
import {
  type Attributes,
  defineOp,
  type EvaluatedSpec,
  type GradContext,
  type Lowering,
  likeFirst,
  type Node,
  type Op,
  type Value,
} from "../trace/index.ts";
import { numbers } from "./broadcast.ts";
import { broadcastTo } from "./movement.ts";

/** Writes f of every element into a tensor of the given spec; int64 goes through numbers. */
export function mapElements(
  x: Tensor,
  { dtype, shape }: EvaluatedSpec,
  f: (v: number) => number,
): Tensor {
  const from = numbers(x);
  const data = allocate(dtype, from.length);
  for (let i = 0; i < from.length; i++) {
    const v = f(from[i] as number);
    data[i] = dtype === "int64" ? BigInt(v) : v;
  }
  return { dtype, shape, data };
}

type Gradient<A extends Attributes> = (
  context: GradContext<A> & { readonly x: Value },
) => Value | undefined;
type Emit<A extends Attributes> = (to: Lowering, x: string, attributes: A, node: Node) => string;

/** An operation on every element of one floating-point tensor. */
export function defineUnary<A extends Attributes = Attributes>(
  name: string,
  f: (v: number, attributes: A) => number,
  gradient: Gradient<A> | null,
  lower: string | Emit<A>,
): Op<A> {
  const op: Op<A> = defineOp<A>({
    name,
    // Of a stretched tensor it is the stretched result of the thin one.
    simplify: ([x], attributes) => {
      const { node, shape } = x as Value;
      if (node.op.name !== "broadcast") return undefined;
      return [broadcastTo(op.apply(node.inputs, attributes)[0] as Value, shape)];
    },
    infer: (xs) => {
      const [x] = xs as [Value];
      if (!isFloat(x.dtype) && !integerFriendly.has(name)) {
        throw new ShapeError(
          name,
          `wants floating-point numbers, got ${x}. Use cast(x, "float32").`,
        );
      }
      return likeFirst(xs);
    },
    grad: gradient && ((c) => [gradient({ ...c, x: c.xs[0] as Value })]),
    lower: (to, [x], node, attributes) => [
      typeof lower === "string"
        ? to.emit(lower, [x as string])
        : lower(to, x as string, attributes, node),
    ],
    evaluate: ([x], attributes, [spec]) => [
      mapElements(x as Tensor, spec as EvaluatedSpec, (v) => f(v, attributes)),
    ],
  });
  return op;
}

const integerFriendly = new Set(["neg", "abs", "sign"]);

/** The operation as a function of one value. */
export const wrap =
  (op: Op) =>
  (x: Value): Value =>
    op.apply([x])[0] as Value;

/** A constant of the node's dtype. */
export const number = (to: Lowering, node: Node, value: number): string => {
  const dtype = (node.outputs[0] as Value).dtype;
  const data = allocate(dtype, 1);
  data[0] = value;
  return to.constant({ dtype, shape: [], data });
};

export const isDouble = (node: Node): boolean => node.outputs[0]?.dtype === "float64";
