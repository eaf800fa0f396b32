import {
  allocate,
  divideExactly,
  elementCount,
  type Shape,
  ShapeError,
  type Size,
  type Tensor,
} from "../tensor/index.ts";
import {
  defineOp,
  type EvaluatedSpec,
  type Lowering,
  type Node,
  type Value,
} from "../trace/index.ts";
import { broadcastShapes, broadcastStrides, eachOffset } from "./broadcast.ts";
import { takes } from "./forms.ts";
import { reshape, sumTo } from "./movement.ts";

interface MatmulAttributes extends Readonly<Record<string, unknown>> {
  /** Use the matrices of a (of b) transposed. */
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Rows, inner size and columns of a product. */
function productShape(a: Value, b: Value, { transposeA, transposeB }: MatmulAttributes): Shape {
  if (a.rank < 2 || b.rank < 2) {
    throw new ShapeError(
      "matmul",
      `wants matrices, got ${a} and ${b}. Add an axis with expandDims.`,
    );
  }
  if (a.dtype !== b.dtype)
    throw new ShapeError("matmul", `dtypes differ: ${a} and ${b}. Use cast().`);
  const rows = a.size(transposeA ? -1 : -2);
  const inner = a.size(transposeA ? -2 : -1);
  const columns = b.size(transposeB ? -2 : -1);
  const other = b.size(transposeB ? -1 : -2);
  if (inner !== other) {
    const note = transposeA || transposeB ? ` (transposed: ${transposeA}, ${transposeB})` : "";
    throw new ShapeError(
      "matmul",
      `inner sizes differ: ${a} times ${b}${note}: ${inner} against ${other}.`,
    );
  }
  const batch = broadcastShapes("matmul", a.shape.slice(0, -2), b.shape.slice(0, -2));
  return [...batch, rows, columns];
}

const matmulOp = defineOp<MatmulAttributes>({
  name: "matmul",
  infer: (xs, attributes) => {
    const [a, b] = xs as unknown as [Value, Value];
    return [{ dtype: a.dtype, shape: productShape(a, b, attributes) }];
  },
  grad: ({ dy, xs, wanted, attributes: { transposeA, transposeB } }) => {
    const [a, b] = xs as unknown as [Value, Value];
    const product = (x: Value, y: Value, tx: boolean, ty: boolean): Value =>
      matmul(x, y, { transposeA: tx, transposeB: ty });
    const da = (): Value =>
      transposeA ? product(b, dy, transposeB, true) : product(dy, b, false, !transposeB);
    const db = (): Value =>
      transposeB ? product(dy, a, true, transposeA) : product(a, dy, !transposeA, false);
    return [
      wanted[0] ? sumTo(da(), a.shape) : undefined,
      wanted[1] ? sumTo(db(), b.shape) : undefined,
    ];
  },
  lower: (to, [a, b], node, attributes) => [
    lowerMatmul(to, a as string, b as string, node, attributes),
  ],
  evaluate: ([a, b], attributes, [out]) => [
    multiply(a as Tensor, b as Tensor, attributes, out as EvaluatedSpec),
  ],
});

/** Gemm takes transposed operands for free; so does the runtime's FusedMatMul for stacks of matrices. */
function lowerMatmul(
  to: Lowering,
  a: string,
  b: string,
  node: Node,
  { transposeA, transposeB }: MatmulAttributes,
): string {
  if (!transposeA && !transposeB) return to.emit("MatMul", [a, b]);
  const [x, y] = node.inputs as unknown as [Value, Value];
  if (x.rank === 2 && y.rank === 2) {
    if (transposeA && !transposeB && isLong(x, y) && takes(to, "turned-operand")) {
      return turnedProduct(to, [a, x], [b, y]);
    }
    return to.emit("Gemm", [a, b], { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 });
  }
  if (takes(to, "fused-transpose") && x.dtype === "float32") {
    const attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 };
    return to.emit("FusedMatMul", [a, b], attributes, "com.microsoft");
  }
  const turn = (name: string, rank: number): string => {
    const order = Array.from({ length: rank }, (_, i) => i);
    order.splice(rank - 2, 2, rank - 1, rank - 2);
    return to.emit("Transpose", [name], { perm: order });
  };
  return to.emit("MatMul", [transposeA ? turn(a, x.rank) : a, transposeB ? turn(b, y.rank) : b]);
}

/** A weight gradient of a sequence model: the inner axis is rows of examples, and known to be many. */
const isLong = (x: Value, y: Value): boolean =>
  x.dtype === "float32" &&
  divideExactly(x.size(0), 64) !== undefined &&
  [x.size(1), y.size(1)].every((size) => typeof size === "number" && size >= 64);

/** aᵀ·b with the narrower operand turned before the product, which then reads both along their rows. */
function turnedProduct(
  to: Lowering,
  [a, x]: readonly [string, Value],
  [b, y]: readonly [string, Value],
): string {
  const turned = (name: string, { shape }: Value): string => {
    const [rows, columns] = shape as readonly [Size, Size];
    // As a stack of one: the runtime would join the transpose of a matrix with the product again.
    const turn = to.emit("Transpose", [to.reshape(name, [1, rows, columns])], { perm: [0, 2, 1] });
    return to.reshape(turn, [columns, rows]);
  };
  if ((x.size(1) as number) <= (y.size(1) as number)) return to.emit("Gemm", [turned(a, x), b]);
  return to.emit("Transpose", [to.emit("Gemm", [turned(b, y), a])], { perm: [1, 0] });
}

/** Plain product of stacks of matrices, accumulated in float64. */
function multiply(
  a: Tensor,
  b: Tensor,
  { transposeA, transposeB }: MatmulAttributes,
  { dtype, shape }: EvaluatedSpec,
): Tensor {
  const [rows, columns] = shape.slice(-2) as [number, number];
  const inner = a.shape.at(transposeA ? -2 : -1) as number;
  const batch = shape.slice(0, -2);
  const strides = [a, b].map((x) => broadcastStrides(x.shape.slice(0, -2), batch));
  const x = a.data as Float32Array;
  const y = b.data as Float32Array;
  const [xRow, xInner] = transposeA ? [1, rows] : [inner, 1];
  const [yInner, yColumn] = transposeB ? [1, inner] : [columns, 1];
  const data = allocate(dtype, elementCount(shape));
  eachOffset(batch, strides, (position, [p, q]) => {
    const atX = (p as number) * rows * inner;
    const atY = (q as number) * inner * columns;
    const atZ = position * rows * columns;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) {
          sum +=
            (x[atX + i * xRow + k * xInner] as number) *
            (y[atY + k * yInner + j * yColumn] as number);
        }
        data[atZ + i * columns + j] = sum;
      }
    }
  });
  return { dtype, shape, data };
}

export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/**
 * Matrix product of the last two axes, [..., n, k] × [..., k, m] → [..., n, m]; leading axes broadcast.
 * The options take the matrices of an operand transposed at no cost.
 */
export function matmul(
  a: Value,
  b: Value,
  { transposeA = false, transposeB = false }: MatmulOptions = {},
): Value {
  // A stack of vectors times one matrix is a single large product.
  if (a.rank > 2 && b.rank === 2 && !transposeA) {
    const rows = reshape(a, [-1, a.size(-1)]);
    const product = matmulOp.apply([rows, b], { transposeA, transposeB })[0] as Value;
    return reshape(product, [...a.shape.slice(0, -1), product.size(-1)]);
  }
  return matmulOp.apply([a, b], { transposeA, transposeB })[0] as Value;
}
