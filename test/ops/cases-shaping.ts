// Orders, scans, Einstein's notation, resampling, and convolutions in groups or along sequences.
import * as ops from "../../src/ops/index.ts";
import { dim, type Shape } from "../../src/tensor/index.ts";
import type { Value } from "../../src/trace/index.ts";
import type { OpCase, Operand } from "./cases.ts";

const B = dim("B");
const real = (...shape: Shape): Operand => ({ shape, domain: "real" });
const apart = (...shape: Shape): Operand => ({ shape, domain: "apart" });
const unary = (
  name: string,
  f: (x: Value) => Value | readonly Value[],
  operand: Operand,
): OpCase => ({ name, operands: [operand], f });
const binary = (
  name: string,
  f: (a: Value, b: Value) => Value,
  a: Operand,
  b: Operand,
): OpCase => ({ name, operands: [a, b], f });
const einsum = (equation: string, ...operands: Operand[]): OpCase => ({
  name: `einsum ${equation}`,
  operands,
  f: (...xs) => ops.einsum(equation, ...xs),
});

const scans: OpCase[] = [
  unary("cumulativeSum", (x) => ops.cumulativeSum(x, 1), real(B, 4, 2)),
  unary(
    "cumulativeSum exclusive, free axis",
    (x) => ops.cumulativeSum(x, 0, { exclusive: true, reverse: true }),
    real(B, 3),
  ),
  unary("prod", (x) => ops.prod(x, 1), apart(B, 7, 2)),
  unary("prod with zeros", (x) => ops.prod(ops.relu(x), 1, { keepDims: true }), apart(B, 3)),
  unary("flip", (x) => ops.flip(x, [1, 2]), real(B, 3, 2)),
  unary("flip free axis", (x) => ops.flip(x, 0), real(B, 3)),
  unary("tile", (x) => ops.tile(x, [2, 1, 3]), real(B, 3, 2)),
  unary("slice step", (x) => ops.slice(x, 1, 1, 8, { step: 3 }), real(B, 9, 2)),
  unary("slice step, rest", (x) => ops.slice(x, 1, 0, 8, { step: 5 }), real(B, 9)),
  unary("slice step, free axis", (x) => ops.slice(x, 0, 0, undefined, { step: 2 }), real(B, 3)),
  {
    ...binary(
      "scan",
      (x, start) =>
        ops.scan((sum, row) => ({ carry: sum.mul(0.5).add(row), output: sum }), start, x).outputs,
      real(4, B, 3),
      real(B, 3),
    ),
    noGradient: true,
  },
  unary("topK", (x) => ops.topK(x, 2, 1)[0], apart(B, 5, 2)),
  unary("topK smallest", (x) => ops.topK(x, 3, 1, { largest: false })[0], apart(B, 5)),
  unary("sort", (x) => ops.sort(x, 1), apart(B, 5)),
  unary("sort free axis", (x) => ops.sort(x, 0, { descending: true }), apart(B, 3)),
  {
    ...unary("topK positions, equal elements", (x) => ops.topK(ops.round(x), 3, 1), real(B, 6)),
    noGradient: true,
  },
  { ...unary("argSort", (x) => ops.argSort(ops.round(x), 1), real(B, 6)), noGradient: true },
  { ...unary("argMin", (x) => ops.argMin(ops.round(x), 1), real(B, 6)), noGradient: true },
];

const contractions: OpCase[] = [
  einsum("bhqd,bhkd->bhqk", real(B, 2, 3, 4), real(B, 2, 2, 4)),
  einsum("bti,io", real(B, 2, 3), real(3, 2)),
  einsum("bij,bjk->ki", real(B, 2, 3), real(B, 3, 2)),
  einsum("bi,bj->bij", real(B, 2), real(B, 3)),
  einsum("bi,bi->b", real(B, 3), real(B, 3)),
  einsum("ba,cb->ca", real(3, B), real(2, 3)),
  einsum("bii->bi", real(B, 3, 3)),
  einsum("bb", real(B, B)),
  einsum("b...i,...ij->...bj", real(B, 2, 3), real(1, 3, 2)),
  einsum("ai,bi,ij,bjk->kab", real(2, 3), real(B, 3), real(3, 2), real(B, 2, 2)),
  einsum("bi,cj,ck->ck", real(B, 2), real(3, 2), real(3, 2)),
];

const resampling: OpCase[] = [
  unary("upsampleNearest2d", (x) => ops.upsampleNearest2d(x, [2, 3]), real(B, 2, 2, 3)),
  unary("upsampleNearest2d 2", (x) => ops.upsampleNearest2d(x, 2), real(B, 2, 2, 3)),
  unary("resizeBilinear2d 2", (x) => ops.resizeBilinear2d(x, 2), real(B, 1, 3, 2)),
  unary("resizeBilinear2d 3, 1", (x) => ops.resizeBilinear2d(x, [3, 1]), real(B, 1, 2, 3)),
  unary(
    "resizeBilinear2d 1/2, 1/3",
    (x) => ops.resizeBilinear2d(x, [1 / 2, 1 / 3]),
    real(B, 2, 4, 6),
  ),
  unary("resizeBilinear2d free size", (x) => ops.resizeBilinear2d(x, 3), real(1, 2, B, 2)),
  unary("pixelShuffle", (x) => ops.pixelShuffle(x, 2), real(B, 8, 2, 3)),
  unary("pixelUnshuffle", (x) => ops.pixelUnshuffle(x, 2), real(B, 2, 4, 2)),
];

const convolutions: OpCase[] = [
  binary(
    "conv2d groups",
    (x, w) => ops.conv2d(x, w, { padding: 1, groups: 2 }),
    real(B, 4, 4, 5),
    real(6, 2, 3, 3),
  ),
  binary(
    "conv2d depthwise, stride and dilation",
    (x, w) => ops.conv2d(x, w, { padding: 2, groups: 3, stride: 2, dilation: 2 }),
    real(B, 3, 6, 5),
    real(3, 1, 3, 2),
  ),
  {
    name: "conv2d groups, bias",
    operands: [real(B, 4, 3, 3), real(2, 2, 1, 1), real(2)],
    f: (x, w, bias) => ops.conv2d(x as Value, w as Value, { bias: bias as Value, groups: 2 }),
  },
  binary(
    "convTranspose2d groups",
    (x, w) => ops.convTranspose2d(x, w, { stride: 2, padding: 1, outputPadding: 1, groups: 2 }),
    real(B, 4, 2, 3),
    real(4, 3, 3, 3),
  ),
  binary(
    "conv1d causal",
    (x, w) => ops.conv1d(x, w, { padding: [4, 0], dilation: 2 }),
    real(B, 2, 6),
    real(3, 2, 3),
  ),
];

export const shapingCases: readonly OpCase[] = [
  ...scans,
  ...contractions,
  ...resampling,
  ...convolutions,
];
