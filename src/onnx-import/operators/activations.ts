import {
  abs,
  clip,
  elu,
  exp,
  gelu,
  greater,
  leakyRelu,
  logSoftmax,
  maximum,
  minimum,
  oneHot,
  relu,
  reshape,
  sigmoid,
  silu,
  softmax,
  softplus,
  squeeze,
  tanh,
  topK,
  transpose,
  where,
} from "../../ops/index.ts";
import { sizeOf } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Call, Operator, Operators } from "../call.ts";

const unary =
  (apply: (x: Value, call: Call) => Value): Operator =>
  (call) =>
    apply(call.value(0), call);

/** ½x(1 + tanh(√(2/π)(x + 0.044715x³))): Hendrycks, Gimpel, "Gaussian error linear units" (2016). */
const tanhGelu = (x: Value): Value => {
  const inner = x.add(x.square().mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
  return x.mul(0.5).mul(tanh(inner).add(1));
};

const anyGelu: Operator = unary((x, call) =>
  call.text("approximate", "none") === "tanh" ? tanhGelu(x) : gelu(x),
);

/** Over all axes from `axis` on together before operator set 13, over one since. */
const normalized =
  (apply: (x: Value, axis: number) => Value): Operator =>
  (call) => {
    const x = call.value(0);
    if (call.opset >= 13) return apply(x, call.integer("axis", -1));
    const axis = call.integer("axis", 1);
    const at = axis < 0 ? axis + x.rank : axis;
    if (at === x.rank - 1) return apply(x, at);
    const flat = reshape(x, [...x.shape.slice(0, at), sizeOf(x.shape.slice(at))]);
    return reshape(apply(flat, at), x.shape);
  };

/** 1 at the first of the largest elements along an axis. */
function hardmax(x: Value, axis: number): Value {
  const at = axis < 0 ? axis + x.rank : axis;
  const order = Array.from({ length: x.rank }, (_, i) => i);
  [order[at], order[x.rank - 1]] = [x.rank - 1, at];
  const turned = transpose(x, order);
  const [, index] = topK(turned, 1, -1);
  const size = x.shape[at];
  if (typeof size !== "number") return x;
  return transpose(oneHot(squeeze(index, -1), size, x.dtype), order);
}

/** x·σ(αx). */
function swish(x: Value, call: Call): Value {
  const alpha = call.number("alpha", 1);
  return alpha === 1 ? silu(x) : x.mul(sigmoid(x.mul(alpha)));
}

export const activations: Operators = {
  Relu: unary(relu),
  LeakyRelu: unary((x, call) => leakyRelu(x, call.number("alpha", 0.01))),
  PRelu: (call) => {
    const [x, slope] = [call.value(0), call.value(1)];
    return maximum(x, 0).add(minimum(x, 0).mul(slope));
  },
  Elu: unary((x, call) => elu(x, call.number("alpha", 1))),
  Celu: unary((x, call) => {
    const alpha = call.number("alpha", 1);
    return maximum(x, 0).add(minimum(exp(minimum(x, 0).div(alpha)).sub(1).mul(alpha), 0));
  }),
  Selu: unary((x, call) => {
    const [alpha, gamma] = [call.number("alpha", 1.67326319), call.number("gamma", 1.05070102)];
    return maximum(x, 0)
      .add(exp(minimum(x, 0)).sub(1).mul(alpha))
      .mul(gamma);
  }),
  ThresholdedRelu: unary((x, call) => where(greater(x, call.number("alpha", 1)), x, 0)),
  Shrink: unary((x, call) => {
    const [bias, bound] = [call.number("bias", 0), call.number("lambd", 0.5)];
    const above = where(greater(x, bound), x.sub(bias), 0);
    return above.add(where(greater(x.neg(), bound), x.add(bias), 0));
  }),
  Sigmoid: unary(sigmoid),
  HardSigmoid: unary((x, call) =>
    clip(x.mul(call.number("alpha", 0.2)).add(call.number("beta", 0.5)), 0, 1),
  ),
  HardSwish: unary((x) => x.mul(clip(x.div(6).add(0.5), 0, 1))),
  Swish: unary(swish),
  SwiGLU: (call) => swish(call.value(0), call).mul(call.value(1)),
  Softplus: unary(softplus),
  Softsign: unary((x) => x.div(abs(x).add(1))),
  Mish: unary((x) => x.mul(tanh(softplus(x)))),
  Gelu: anyGelu,
  Softmax: normalized(softmax),
  LogSoftmax: normalized(logSoftmax),
  Hardmax: normalized(hardmax),
};
