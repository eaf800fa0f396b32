import * as ops from "../../src/ops/index.ts";
import { type DType, dim, type Shape } from "../../src/tensor/index.ts";
import type { Value } from "../../src/trace/index.ts";
import { shapingCases } from "./cases-shaping.ts";

/** How the numbers of an operand are drawn. */
export type Domain = "real" | "positive" | "unit" | "integer" | "bool" | "apart";

export interface Operand {
  readonly shape: Shape;
  readonly domain: Domain;
  readonly dtype?: DType;
}

export interface OpCase {
  readonly name: string;
  readonly operands: readonly Operand[];
  readonly f: (...xs: Value[]) => Value | readonly Value[];
  /** Not differentiable, or not where the random numbers fall. */
  readonly noGradient?: true;
  /** The second derivative is zero by definition or needs no check. */
  readonly firstOnly?: true;
}

export const B = dim("B");

const real = (...shape: Shape): Operand => ({ shape, domain: "real" });
const positive = (...shape: Shape): Operand => ({ shape, domain: "positive" });
/** Away from 0 and from each other, where kinks and ties would spoil differences. */
const apart = (...shape: Shape): Operand => ({ shape, domain: "apart" });
const unary = (
  name: string,
  f: (x: Value) => Value | readonly Value[],
  operand: Operand = real(B, 5),
): OpCase => ({
  name,
  operands: [operand],
  f,
});
const binary = (
  name: string,
  f: (a: Value, b: Value) => Value,
  a: Operand = apart(B, 1, 4),
  b: Operand = apart(3, 4),
): OpCase => ({ name, operands: [a, b], f });
const frozen = (c: OpCase): OpCase => ({ ...c, noGradient: true });

const elementwise: OpCase[] = [
  unary("neg", (x) => x.neg()),
  unary("abs", ops.abs, apart(B, 5)),
  unary("sign", ops.sign, apart(B, 5)),
  unary("exp", ops.exp),
  unary("log", ops.log, positive(B, 5)),
  unary("sqrt", ops.sqrt, positive(B, 5)),
  unary("reciprocal", ops.reciprocal, positive(B, 5)),
  unary("sin", ops.sin),
  unary("cos", ops.cos),
  unary("tanh", ops.tanh),
  unary("sigmoid", ops.sigmoid),
  unary("softplus", ops.softplus),
  unary("relu", ops.relu, apart(B, 5)),
  unary("step", ops.step, apart(B, 5)),
  unary("leakyRelu", (x) => ops.leakyRelu(x, 0.2), apart(B, 5)),
  unary("elu", (x) => ops.elu(x, 1.3), apart(B, 5)),
  unary("erf", ops.erf),
  unary("gelu", ops.gelu),
  unary("silu", ops.silu),
  unary("clip", (x) => ops.clip(x, -0.4, 0.7), apart(B, 5)),
  unary("power 3", (x) => ops.power(x, 3)),
  unary("power -2", (x) => ops.power(x, -2), positive(B, 5)),
  unary("power 1.7", (x) => ops.power(x, 1.7), positive(B, 5)),
  unary("log1p", ops.log1p, positive(B, 5)),
  unary("expm1", ops.expm1),
  frozen(unary("floor", ops.floor)),
  frozen(unary("ceil", ops.ceil)),
  frozen(unary("round", ops.round)),
  frozen(unary("cast", (x) => ops.cast(x.mul(10), "int32"))),
  binary("add", (a, b) => a.add(b)),
  binary("sub", (a, b) => a.sub(b)),
  binary("mul", (a, b) => a.mul(b)),
  binary("div", (a, b) => a.div(b), apart(B, 1, 4), positive(3, 4)),
  binary("maximum", ops.maximum),
  binary("minimum", ops.minimum),
  frozen(binary("greater", (a, b) => ops.cast(ops.greater(a, b), "float32"))),
  frozen(binary("less", (a, b) => ops.cast(ops.less(a, b), "float32"))),
  frozen(binary("greaterOrEqual", (a, b) => ops.cast(ops.greaterOrEqual(a, b), "float32"))),
  frozen(binary("lessOrEqual", (a, b) => ops.cast(ops.lessOrEqual(a, b), "float32"))),
  frozen(binary("equal", (a, b) => ops.cast(ops.equal(ops.round(a), ops.round(b)), "float32"))),
  frozen(
    binary("and, or, not", (a, b) => {
      const [p, q] = [ops.greater(a, 0), ops.less(b, 0)];
      return ops.cast(ops.or(ops.and(p, q), ops.not(p)), "float32");
    }),
  ),
  binary("where", (a, b) => ops.where(ops.greater(a, 0), a.mul(b), b)),
];

const movement: OpCase[] = [
  unary("reshape", (x) => ops.reshape(x, [-1, 2]), real(B, 6)),
  unary("reshape two free axes", (x) => ops.reshape(x, [B, B, 3]), real(B, 3, B)),
  unary("transpose", (x) => ops.transpose(x, [2, 0, 1]), real(B, 2, 3)),
  unary("broadcast", (x) => ops.broadcastTo(x, [4, B, 3]), real(B, 1)),
  unary("sumTo", (x) => ops.sumTo(x, [1, 3]), real(2, B, 3)),
  unary(
    "flatten, expandDims, squeeze",
    (x) => ops.squeeze(ops.expandDims(ops.flatten(x), 0), 0),
    real(B, 2, 3),
  ),
  binary("concat", (a, b) => ops.concat([a, b, a], 1), real(B, 2, 3), real(B, 4, 3)),
  binary("concat free axis", (a, b) => ops.concat([a, b], 0), real(B, 3), real(2, 3)),
  binary("stack", (a, b) => ops.stack([a, b], 1), real(B, 3), real(B, 3)),
  unary("slice", (x) => ops.slice(x, 1, 1, -1), real(B, 5)),
  unary("slice free axis", (x) => ops.slice(ops.concat([x, x], 0), 0, 1), real(B, 5)),
  unary("split", (x) => ops.split(x, 1, [2, 3]), real(B, 5)),
  unary("split, some unused", (x) => ops.split(x, 1, [2, 1, 2]).slice(0, 2), real(B, 5, 2)),
  unary("pad", (x) => ops.pad(x, { 1: [1, 2] }, 0.5), real(B, 3)),
  unary("size", (x) => x.mul(ops.sizeValue(x.size(0), x))),
  unary("range", (x) => x.mul(ops.range(x.size(1), x.dtype)), real(3, B)),
  unary("barrier", (x) => ops.barrier(x, x.mul(2)).mul(x)),
];

const reductions: OpCase[] = [
  unary("sum all", (x) => ops.sum(x), real(B, 3, 2)),
  unary("sum axes", (x) => ops.sum(x, [0, -1], { keepDims: true }), real(B, 3, 2)),
  unary("mean free axis", (x) => ops.mean(x, 0), real(B, 3)),
  unary("mean", (x) => ops.mean(x, [1]), real(B, 3)),
  unary("max", (x) => ops.max(x, 1), apart(B, 4)),
  unary("min", (x) => ops.min(x), apart(B, 4)),
  unary("logSumExp", (x) => ops.logSumExp(x, -1), real(B, 4)),
  unary("variance", (x) => ops.variance(x, 0), real(B, 4)),
  unary("variance unbiased", (x) => ops.variance(x, 1, { correction: 1 }), real(B, 4)),
  unary("norm", (x) => ops.norm(x, 1), positive(B, 4)),
  frozen(unary("argMax", (x) => ops.argMax(x, 1), apart(B, 4))),
];

const linear: OpCase[] = [
  binary("matmul", (a, b) => ops.matmul(a, b), real(B, 4), real(4, 3)),
  binary(
    "matmul transposed",
    (a, b) => ops.matmul(a, b, { transposeA: true, transposeB: true }),
    real(4, B),
    real(3, 4),
  ),
  binary("matmul stacks", (a, b) => ops.matmul(a, b), real(B, 2, 3, 4), real(2, 4, 3)),
  binary(
    "matmul stacks transposed",
    (a, b) => ops.matmul(a, b, { transposeB: true }),
    real(B, 2, 4),
    real(B, 3, 4),
  ),
  binary("matmul rows", (a, b) => ops.matmul(a, b), real(B, 2, 4), real(4, 3)),
  unary("softmax", (x) => ops.softmax(x, -1), real(B, 4)),
  unary("softmax axis", (x) => ops.softmax(x, 1), real(B, 4, 2)),
  unary("logSoftmax", (x) => ops.logSoftmax(x), real(B, 4)),
  {
    name: "layerNorm",
    operands: [real(B, 2, 6), real(6), real(6)],
    f: (x, gain, bias) => ops.layerNorm(x as Value, gain as Value, bias as Value),
  },
];

const gradientControl: OpCase[] = [
  unary("stopGradient", (x) => x.mul(ops.stopGradient(x)), real(B, 3)),
  unary("straightThrough", (x) => ops.straightThrough(ops.round(x), x), real(B, 3)),
].map(frozen);

const indices = (count: number): Operand => ({ shape: [count], domain: "integer", dtype: "int64" });
const images = real(B, 2, 6, 6);
const spatial: OpCase[] = [
  {
    name: "gather",
    operands: [real(B, 3), indices(4)],
    f: (x, i) => ops.gather(ops.concat([x as Value, x as Value, x as Value], 0), i as Value, 0),
  },
  {
    name: "gather axis 1",
    operands: [real(B, 4), indices(5)],
    f: (x, i) => ops.gather(x as Value, i as Value, 1),
  },
  { name: "oneHot", operands: [indices(4)], f: (i) => ops.oneHot(i as Value, 4), noGradient: true },
  {
    name: "takeAlongAxis",
    operands: [real(2, 4), { shape: [2, 3], domain: "integer", dtype: "int64" }],
    f: (x, i) => ops.takeAlongAxis(x as Value, i as Value, 1),
  },
  binary("conv2d", (x, w) => ops.conv2d(x, w, { padding: 1 }), images, real(3, 2, 3, 3)),
  binary(
    "conv2d stride 2",
    (x, w) => ops.conv2d(x, w, { stride: 2, padding: 1 }),
    images,
    real(3, 2, 3, 3),
  ),
  binary("conv2d 1×1", (x, w) => ops.conv2d(x, w), images, real(3, 2, 1, 1)),
  binary(
    "convTranspose2d",
    (x, w) => ops.convTranspose2d(x, w, { stride: 2, padding: 1, outputPadding: 1 }),
    real(B, 2, 3, 3),
    real(2, 3, 3, 3),
  ),
  unary("maxPool2d", (x) => ops.maxPool2d(x, { size: 2 }), apart(B, 2, 4, 4)),
  unary("averagePool2d", (x) => ops.averagePool2d(x, { size: 2 }), apart(B, 2, 4, 4)),
];

/** Cases that together apply every operation; a test holds the table to that. */
export const opCases: readonly OpCase[] = [
  ...elementwise,
  ...movement,
  ...reductions,
  ...linear,
  ...gradientControl,
  ...spatial,
  ...shapingCases,
];
