import { type DType, ReparamError, type Shape, type Tensor } from "../tensor/index.ts";
import { defineOp } from "./op.ts";
import type { Source } from "./trace.ts";

/** A tensor known while tracing. */
export const constantOp = defineOp<{ value: Tensor }>({
  name: "constant",
  infer: (_xs, { value }) => [value],
  grad: null,
  lower: (to, _xs, _node, { value }) => [to.constant(value)],
  evaluate: (_xs, { value }) => [value],
});

/** An argument of the program or a block of random numbers. The program's runner supplies its value. */
export const inputOp = defineOp<{ path: string; dtype: DType; shape: Shape; source: Source }>({
  name: "input",
  infer: (_xs, { dtype, shape }) => [{ dtype, shape }],
  grad: null,
  lower: (_to, _xs, _node, { path }) => [path],
  evaluate: (_xs, { path }) => {
    throw new ReparamError(`input "${path}" has no value.`);
  },
});
