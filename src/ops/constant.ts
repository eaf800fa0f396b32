import { allocate, type DType, type Shape, type Size, type Tensor } from "../tensor/index.ts";
import { currentTrace, defineOp, elementTypes, type Operand, type Value } from "../trace/index.ts";
import { broadcastTo } from "./movement.ts";

/** A constant in the trace under construction, from a tensor or a number. */
export function constant(value: Tensor | number, dtype: DType = "float32"): Value {
  if (typeof value !== "number") return currentTrace().constant(value);
  const data = allocate(dtype, 1);
  data[0] = dtype === "int64" ? BigInt(value) : value;
  return currentTrace().constant({ dtype, shape: [], data });
}

/** A tensor of one repeated number. */
export const full = (shape: Shape, value: number, dtype: DType = "float32"): Value =>
  broadcastTo(constant(value, dtype), shape);

const sizeOp = defineOp<{ size: Size; dtype: DType }>({
  name: "size",
  infer: (_xs, { dtype }) => [{ dtype, shape: [] }],
  grad: null,
  lower: (to, _xs, node, { size }) => {
    const integer = to.reshape(to.shape([size]), []);
    return [to.emit("Cast", [integer], { to: elementTypes[(node.outputs[0] as Value).dtype] })];
  },
  evaluate: (_xs, { size, dtype }, _out, value) => {
    const data = allocate(dtype, 1);
    data[0] = dtype === "int64" ? BigInt(value(size)) : value(size);
    return [{ dtype, shape: [], data }];
  },
});

/** A size as an operand: a plain number, or the value of a symbolic one when the program runs. */
export const sizeValue = (size: Size, like: Value): Operand =>
  typeof size === "number" ? size : (sizeOp.apply([], { size, dtype: like.dtype })[0] as Value);
