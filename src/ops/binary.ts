import { allocate, elementCount, isFloat, ShapeError, type Tensor } from "../tensor/index.ts";
import {
  defineOp,
  type EvaluatedSpec,
  type Op,
  type Operand,
  operation,
  traceOf,
  type Value,
} from "../trace/index.ts";
import { broadcastShapes, broadcastStrides, eachOffset, numbers, sameShape } from "./broadcast.ts";
import { cast, exp, log, not, reciprocal, sqrt } from "./elementwise.ts";
import { sumTo } from "./movement.ts";

type Pair = readonly [Value, Value];

interface BinaryRules {
  readonly onnx: string;
  readonly evaluate: (a: number, b: number) => number;
  /** Gradients towards both operands, before their broadcast axes are summed; absent for bool results. */
  readonly grad?: (dy: Value, a: Value, b: Value, y: Value) => readonly [() => Value, () => Value];
  /** Operand values that leave the other one as it is. */
  readonly identity?: { readonly left?: number; readonly right: number };
}

/** An elementwise operation on two tensors of one dtype, with broadcasting. */
function defineBinary(name: string, rules: BinaryRules): Op {
  const { grad } = rules;
  return defineOp({
    name,
    infer: (xs) => {
      const [a, b] = xs as unknown as Pair;
      if (a.dtype !== b.dtype) {
        throw new ShapeError(name, `dtypes differ: ${a} and ${b}. Use cast() on one of them.`);
      }
      return [{ dtype: grad ? a.dtype : "bool", shape: broadcastShapes(name, a.shape, b.shape) }];
    },
    grad:
      grad === undefined
        ? null
        : ({ dy, xs, y, wanted }) => {
            const [a, b] = xs as unknown as Pair;
            const [da, db] = grad(dy, a, b, y);
            return [
              wanted[0] ? sumTo(da(), a.shape) : undefined,
              wanted[1] ? sumTo(db(), b.shape) : undefined,
            ];
          },
    lower: (to, xs) => [to.emit(rules.onnx, xs)],
    evaluate: ([a, b], _attributes, [out]) => [
      combine(a as Tensor, b as Tensor, out as EvaluatedSpec, rules.evaluate),
    ],
    simplify: (xs) => simplifyPair(name, xs as unknown as Pair, rules.identity),
  });
}

/** Drops neutral constants, and broadcasts that the operation would do anyway. */
function simplifyPair(
  name: string,
  [a, b]: Pair,
  identity: BinaryRules["identity"],
): readonly Value[] | undefined {
  const shape = broadcastShapes(name, a.shape, b.shape);
  const isNeutral = (x: Value, number: number | undefined): boolean =>
    number !== undefined && constantNumber(x) === number;
  if (a.dtype === b.dtype) {
    if (isNeutral(b, identity?.right) && sameShape(shape, a.shape)) return [a];
    if (isNeutral(a, identity?.left) && sameShape(shape, b.shape)) return [b];
  }
  const thinA = withoutBroadcast(a);
  if (thinA !== a && sameShape(broadcastShapes(name, thinA.shape, b.shape), shape)) {
    return operation(name).apply([thinA, b]);
  }
  const thinB = withoutBroadcast(b);
  if (thinB !== b && sameShape(broadcastShapes(name, a.shape, thinB.shape), shape)) {
    return operation(name).apply([a, thinB]);
  }
  return undefined;
}

const withoutBroadcast = (x: Value): Value =>
  x.node.op.name === "broadcast" ? (x.node.inputs[0] as Value) : x;

/** The number a one-element constant holds, else undefined. */
function constantNumber(x: Value): number | undefined {
  if (x.node.op.name !== "constant") return undefined;
  const { value } = x.node.attributes as unknown as { value: Tensor };
  return value.data.length === 1 ? Number(value.data[0]) : undefined;
}

/** Elementwise evaluation with broadcasting; the plain loops serve the common case. */
export function combine(
  a: Tensor,
  b: Tensor,
  { dtype, shape }: EvaluatedSpec,
  f: (a: number, b: number) => number,
): Tensor {
  const x = numbers(a);
  const y = numbers(b);
  const count = elementCount(shape);
  const data = allocate(dtype, count);
  const put = (i: number, v: number): void => {
    data[i] = dtype === "int64" ? BigInt(v) : v;
  };
  if (x.length === count && y.length === count) {
    for (let i = 0; i < count; i++) put(i, f(x[i] as number, y[i] as number));
  } else if (y.length === 1) {
    for (let i = 0; i < count; i++) put(i, f(x[i] as number, y[0] as number));
  } else {
    const strides = [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)];
    eachOffset(shape, strides, (i, [p, q]) =>
      put(i, f(x[p as number] as number, y[q as number] as number)),
    );
  }
  return { dtype, shape, data };
}

const wrap =
  (op: Op) =>
  (a: Operand, b: Operand): Value =>
    op.apply([a, b])[0] as Value;

/** a + b. */
export const add = wrap(
  defineBinary("add", {
    onnx: "Add",
    evaluate: (a, b) => a + b,
    grad: (dy) => [() => dy, () => dy],
    identity: { left: 0, right: 0 },
  }),
);

/** a − b. */
export const sub = wrap(
  defineBinary("sub", {
    onnx: "Sub",
    evaluate: (a, b) => a - b,
    grad: (dy) => [() => dy, () => dy.neg()],
    identity: { right: 0 },
  }),
);

/** a · b. */
export const mul = wrap(
  defineBinary("mul", {
    onnx: "Mul",
    evaluate: (a, b) => a * b,
    grad: (dy, a, b) => [() => dy.mul(b), () => dy.mul(a)],
    identity: { left: 1, right: 1 },
  }),
);

/** a / b; integers are divided without remainder. */
export const div = wrap(
  defineBinary("div", {
    onnx: "Div",
    evaluate: (a, b) => a / b,
    grad: (dy, _a, b, y) => [() => dy.div(b), () => dy.div(b).mul(y).neg()],
    identity: { right: 1 },
  }),
);

/** Where a wins the derivative is 1; a tie is shared by halves. */
const winner = (a: Value, b: Value): Value =>
  cast(greater(a, b), a.dtype).add(cast(equal(a, b), a.dtype).mul(0.5));

/** The larger of two, elementwise. */
export const maximum = wrap(
  defineBinary("maximum", {
    onnx: "Max",
    evaluate: Math.max,
    grad: (dy, a, b) => [() => dy.mul(winner(a, b)), () => dy.mul(winner(b, a))],
  }),
);

/** The smaller of two, elementwise. */
export const minimum = wrap(
  defineBinary("minimum", {
    onnx: "Min",
    evaluate: Math.min,
    grad: (dy, a, b) => [() => dy.mul(winner(b, a)), () => dy.mul(winner(a, b))],
  }),
);

/** a > b, as bool. */
export const greater = wrap(
  defineBinary("greater", { onnx: "Greater", evaluate: (a, b) => Number(a > b) }),
);

/** a < b, as bool. */
export const less = wrap(defineBinary("less", { onnx: "Less", evaluate: (a, b) => Number(a < b) }));

/** a ≥ b, as bool. */
export const greaterOrEqual = wrap(
  defineBinary("greaterOrEqual", { onnx: "GreaterOrEqual", evaluate: (a, b) => Number(a >= b) }),
);

/** a ≤ b, as bool. */
export const lessOrEqual = wrap(
  defineBinary("lessOrEqual", { onnx: "LessOrEqual", evaluate: (a, b) => Number(a <= b) }),
);

/** a = b, as bool. */
export const equal = wrap(
  defineBinary("equal", { onnx: "Equal", evaluate: (a, b) => Number(a === b) }),
);

/** a and b, of bool tensors. */
export const and = wrap(
  defineBinary("and", { onnx: "And", evaluate: (a, b) => Number(a !== 0 && b !== 0) }),
);

/** a or b, of bool tensors. */
export const or = wrap(
  defineBinary("or", { onnx: "Or", evaluate: (a, b) => Number(a !== 0 || b !== 0) }),
);

/** a ≠ b, as bool. */
export const notEqual = (a: Operand, b: Operand): Value => not(equal(a, b));

const whereOp = defineOp({
  name: "where",
  infer: (xs) => {
    const [condition, a, b] = xs as unknown as [Value, Value, Value];
    if (condition.dtype !== "bool") {
      throw new ShapeError(
        "where",
        `the condition must be bool, got ${condition}. Compare it to something.`,
      );
    }
    if (a.dtype !== b.dtype)
      throw new ShapeError("where", `dtypes differ: ${a} and ${b}. Use cast().`);
    const both = broadcastShapes("where", a.shape, b.shape);
    return [{ dtype: a.dtype, shape: broadcastShapes("where", condition.shape, both) }];
  },
  grad: ({ dy, xs, wanted }) => {
    const [condition, a, b] = xs as unknown as [Value, Value, Value];
    return [
      undefined,
      wanted[1] ? sumTo(where(condition, dy, 0), a.shape) : undefined,
      wanted[2] ? sumTo(where(condition, 0, dy), b.shape) : undefined,
    ];
  },
  lower: (to, xs) => [to.emit("Where", xs)],
  evaluate: ([condition, a, b], _attributes, [out]) => {
    const { dtype, shape } = out as EvaluatedSpec;
    const operands = [condition, a, b] as [Tensor, Tensor, Tensor];
    const [c, x, y] = operands.map(numbers) as unknown as [
      ArrayLike<number>,
      ArrayLike<number>,
      ArrayLike<number>,
    ];
    const data = allocate(dtype, elementCount(shape));
    const strides = operands.map((t) => broadcastStrides(t.shape, shape));
    eachOffset(shape, strides, (i, [p, q, r]) => {
      const v = (c[p as number] !== 0 ? x[q as number] : y[r as number]) as number;
      data[i] = dtype === "int64" ? BigInt(v) : v;
    });
    return [{ dtype, shape, data }];
  },
});

/** a where the condition holds, b elsewhere; all three broadcast. Numbers take the other side's dtype. */
export function where(condition: Value, a: Operand, b: Operand): Value {
  const trace = traceOf([condition, a, b]);
  const [x, y] = trace.lift([a, b]) as Pair;
  return whereOp.apply([condition, x, y])[0] as Value;
}

/** xⁿ for a constant n: small integers by products, ½ by a root, others as e^(n·log x) for x > 0. */
export function power(x: Value, n: number): Value {
  if (!isFloat(x.dtype)) throw new ShapeError("power", `wants floating-point numbers, got ${x}.`);
  if (n === 0.5) return sqrt(x);
  if (!Number.isInteger(n) || Math.abs(n) > 16) return exp(log(x).mul(n));
  if (n < 0) return reciprocal(power(x, -n));
  if (n === 0) return x.mul(0).add(1);
  const half = Math.floor(n / 2);
  if (n === 1) return x;
  const square = power(x, half).square();
  return n % 2 === 0 ? square : square.mul(x);
}

/** log(1 + x) without loss for small x: log(u)·x/(u − 1) with u = 1 + x (Kahan). */
export function log1p(x: Value): Value {
  const u = x.add(1);
  const isOne = equal(u, 1);
  const safe = where(isOne, 2, u);
  return where(isOne, x, log(safe).mul(x.div(safe.sub(1))));
}

/** eˣ − 1 without loss for small x: 2t/(1 − t) with t = tanh(x/2) where |x| < 1. */
export function expm1(x: Value): Value {
  const small = less(x.mul(x), 1);
  const t = operation("tanh").apply([where(small, x, 0).mul(0.5)])[0] as Value;
  return where(small, t.mul(2).div(t.neg().add(1)), exp(x).sub(1));
}
