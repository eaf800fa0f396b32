import { einsum, expandDims, matmul, squeeze } from "../../ops/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Operator, Operators } from "../call.ts";

/** NumPy's product: a vector is a row on the left and a column on the right, without that axis in the result. */
export function product(a: Value, b: Value): Value {
  const left = a.rank === 1 ? expandDims(a, 0) : a;
  const right = b.rank === 1 ? expandDims(b, 1) : b;
  let y = matmul(left, right);
  if (b.rank === 1) y = squeeze(y, -1);
  if (a.rank === 1) y = squeeze(y, b.rank === 1 ? -1 : -2);
  return y;
}

const gemm: Operator = (call) => {
  const [a, b, c] = [call.value(0), call.value(1), call.optional(2)];
  const transposed = {
    transposeA: call.integer("transA", 0) === 1,
    transposeB: call.integer("transB", 0) === 1,
  };
  const [alpha, beta] = [call.number("alpha", 1), call.number("beta", 1)];
  const y = matmul(a, b, transposed);
  const scaled = alpha === 1 ? y : y.mul(alpha);
  if (c === undefined || beta === 0) return scaled;
  return scaled.add(beta === 1 ? c : c.mul(beta));
};

export const matrices: Operators = {
  MatMul: (call) => product(call.value(0), call.value(1)),
  Gemm: gemm,
  Einsum: (call) => einsum(call.text("equation", ""), ...call.values()),
};
