import { add, broadcastTo, exp, full, log, mul, reciprocal, sub } from "../ops/index.ts";
import type { DType, Shape } from "../tensor/index.ts";
import { type Operand, Value } from "../trace/index.ts";

// Arithmetic on parameters that may be plain numbers. What is known is computed while tracing: the
// divergence from a standard normal has no log 1, no − 0 and no · 1 in its program.

const unary =
  (onNumber: (a: number) => number, onValue: (a: Value) => Value) =>
  (a: Operand): Operand =>
    typeof a === "number" ? onNumber(a) : onValue(a);

const binary =
  (onNumbers: (a: number, b: number) => number, onValues: (a: Operand, b: Operand) => Value) =>
  (a: Operand, b: Operand): Operand =>
    typeof a === "number" && typeof b === "number" ? onNumbers(a, b) : onValues(a, b);

export const expOf = unary(Math.exp, exp);
export const logOf = unary(Math.log, log);
export const reciprocalOf = unary((a) => 1 / a, reciprocal);
export const plus = binary((a, b) => a + b, add);
export const minus = binary((a, b) => a - b, sub);
export const times = binary((a, b) => a * b, mul);

export const shapeOf = (a: Operand): Shape => (typeof a === "number" ? [] : a.shape);

/** The dtype of the first value among the operands; float32 if all are numbers. */
export const dtypeOf = (...operands: readonly Operand[]): DType =>
  operands.find((a): a is Value => a instanceof Value)?.dtype ?? "float32";

/** The operand as a value of the given shape. */
export const stretched = (a: Operand, shape: Shape, dtype: DType): Value =>
  typeof a === "number" ? full(shape, a, dtype) : broadcastTo(a, shape);

/** The operand as a value of its own shape. */
export const asValue = (a: Operand, dtype: DType): Value => stretched(a, shapeOf(a), dtype);
