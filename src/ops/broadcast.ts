import {
  elementCount,
  formatShape,
  type NumberArray,
  type Shape,
  ShapeError,
  type Size,
  type Tensor,
} from "../tensor/index.ts";

/** Shape of an elementwise result by NumPy's rule: axes align at the end, 1 stretches. */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  if (a === b) return a;
  const rank = Math.max(a.length, b.length);
  const shape: Size[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeError(
        op,
        `${formatShape(a)} and ${formatShape(b)} do not broadcast: axis ${i - rank} is ${x} against ${y}. ` +
          "Reshape one of them so that sizes agree or are 1.",
      );
    }
    shape.push(x === 1 ? y : x);
  }
  return shape;
}

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

/** Row-major strides, with 0 on axes that broadcast from 1 (aligned at the end of `to`). */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const strides = new Array<number>(to.length).fill(0);
  let stride = 1;
  for (let i = from.length - 1; i >= 0; i--) {
    const size = from[i] as number;
    if (size !== 1) strides[to.length - from.length + i] = stride;
    stride *= size;
  }
  return strides;
}

/** Calls `visit(position, offsets)` for every element of `shape` in row-major order. */
export function eachOffset(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
  visit: (position: number, offsets: readonly number[]) => void,
): void {
  const count = elementCount(shape);
  const index = new Array<number>(shape.length).fill(0);
  const offsets = strides.map(() => 0);
  for (let position = 0; position < count; position++) {
    visit(position, offsets);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] as number) + 1;
      const wraps = next === shape[axis];
      index[axis] = wraps ? 0 : next;
      for (const [k, s] of strides.entries()) {
        const step = s[axis] as number;
        offsets[k] = (offsets[k] as number) + (wraps ? -step * (next - 1) : step);
      }
      if (!wraps) break;
    }
  }
}

/** Elements as plain numbers; int64 is exact only below 2⁵³, which indices and sizes are. */
export const numbers = (x: Tensor): NumberArray =>
  x.dtype === "int64"
    ? Float64Array.from(x.data as BigInt64Array, Number)
    : (x.data as NumberArray);
