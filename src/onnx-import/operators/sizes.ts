import { constant } from "../../ops/index.ts";
import {
  addSize,
  divideExactly,
  floorDivSize,
  mulSize,
  type Size,
  sizeOf,
  subSize,
} from "../../tensor/index.ts";
import type { Call } from "../call.ts";
import { type Known, Sizes, sizesOf } from "../known.ts";

/** A rule for sizes: undefined where it does not apply, and the ordinary rule of the operator is taken. */
type SizeRule = (call: Call, operands: readonly Sizes[]) => Known | undefined;

/** Applies a rule where at least one operand is a symbolic size and the others are known integers. */
const onSizes =
  (rule: SizeRule) =>
  (call: Call): Known | undefined => {
    const inputs = Array.from({ length: call.count }, (_, i) => i)
      .filter((i) => call.has(i))
      .map((i) => call.known(i));
    if (!inputs.some((known) => known instanceof Sizes)) return undefined;
    const operands = inputs.map(sizesOf);
    if (operands.includes(undefined)) return undefined;
    return rule(call, operands as Sizes[]);
  };

type Combine = (a: Size, b: Size) => Size | undefined;

/** Element by element, one side repeated where it has one element. */
const binary = (combine: Combine) =>
  onSizes((_call, [a, b]) => {
    if (a === undefined || b === undefined) return undefined;
    const [x, y] = [a.sizes, b.sizes];
    if (x.length !== y.length && x.length !== 1 && y.length !== 1) return undefined;
    const count = x.length === 0 || y.length === 0 ? 0 : Math.max(x.length, y.length);
    const at = (list: readonly Size[], i: number): Size => list[list.length === 1 ? 0 : i] as Size;
    const sizes = Array.from({ length: count }, (_, i) => combine(at(x, i), at(y, i)));
    return sizes.includes(undefined) ? undefined : new Sizes(sizes as Size[], a.scalar && b.scalar);
  });

/** Division of integers goes towards zero, which for sizes is down. */
const quotient: Combine = (a, b) => {
  if (typeof b === "number") return b > 0 ? floorDivSize(a, b) : undefined;
  return divideExactly(a, b);
};

const extreme =
  (choose: (...numbers: number[]) => number): Combine =>
  (a, b) =>
    a === b ? a : typeof a === "number" && typeof b === "number" ? choose(a, b) : undefined;

const unchanged = onSizes((_call, [x]) => x);

const gather = onSizes((call, [x, indices]) => {
  if (x === undefined || indices === undefined || call.integer("axis", 0) !== 0) return undefined;
  const picked = indices.sizes.map((i) =>
    typeof i === "number" ? x.sizes[i < 0 ? i + x.sizes.length : i] : undefined,
  );
  return picked.includes(undefined) ? undefined : new Sizes(picked as Size[], indices.scalar);
});

const concat = onSizes(
  (_call, operands) => new Sizes(operands.flatMap((operand) => operand.sizes)),
);

const slice = onSizes((call, [x]) => {
  if (x === undefined || x.scalar || call.count < 3) return undefined;
  const [start = 0] = call.integers(1);
  const [end = 0] = call.integers(2);
  const [step = 1] = call.has(4) ? call.integers(4) : [1];
  if (step !== 1) return undefined;
  return new Sizes(x.sizes.slice(start, end));
});

const where = onSizes((_call, [condition, a, b]) => {
  if (condition === undefined || a === undefined || b === undefined) return undefined;
  const count = Math.max(condition.sizes.length, a.sizes.length, b.sizes.length);
  const at = (list: Sizes, i: number): Size => list.sizes[list.sizes.length === 1 ? 0 : i] as Size;
  const sizes = Array.from({ length: count }, (_, i) => at(at(condition, i) === 0 ? b : a, i));
  return new Sizes(sizes, condition.scalar && a.scalar && b.scalar);
});

/** A free size is some number above 0: it equals no other size, so that a test for −1 or 0 is decided. */
const equal = onSizes((_call, [a, b]) => {
  if (a === undefined || b === undefined) return undefined;
  const count = Math.max(a.sizes.length, b.sizes.length);
  const at = (list: Sizes, i: number): Size => list.sizes[list.sizes.length === 1 ? 0 : i] as Size;
  const data = Uint8Array.from({ length: count }, (_, i) => Number(at(a, i) === at(b, i)));
  return constant({ dtype: "bool", shape: a.scalar && b.scalar ? [] : [count], data });
});

const constantOfShape = (call: Call): Known | undefined => {
  // A list that is filled with one integer, to be compared with or chosen from sizes.
  const value = call.tensorAttribute("value");
  const shape = sizesOf(call.known(0))?.sizes;
  const [count] = shape ?? [];
  if (shape?.length !== 1 || typeof count !== "number" || count > 64) return undefined;
  if (value === undefined || value.dtype !== "int64") return undefined;
  return new Sizes(Array.from({ length: count }, () => Number(value.data[0])));
};

/** int32 and int64. */
const integerTypes = new Set([6, 7]);

/** Operators on sizes that stay symbolic, by ONNX name; tried before the ordinary rules. */
export const sizeOperators: Readonly<Record<string, (call: Call) => Known | undefined>> = {
  Shape: (call) => {
    const { shape } = call.value(0);
    const from = call.integer("start", 0);
    const to = call.integer("end", shape.length);
    return new Sizes(shape.slice(from, to));
  },
  Size: (call) => new Sizes([sizeOf(call.value(0).shape)], true),
  Add: binary(addSize),
  Sub: binary(subSize),
  Mul: binary((a, b) => mulSize(a, b)),
  Div: binary(quotient),
  Max: binary(extreme(Math.max)),
  Min: binary(extreme(Math.min)),
  // Fractions of sizes are ordinary values.
  Cast: (call) => (integerTypes.has(call.integer("to", 1)) ? unchanged(call) : undefined),
  CastLike: onSizes((call, [x]) => (call.known(0) instanceof Sizes ? x : undefined)),
  Identity: unchanged,
  Floor: unchanged,
  Ceil: unchanged,
  Gather: gather,
  Concat: concat,
  Slice: slice,
  Where: where,
  Equal: equal,
  ConstantOfShape: constantOfShape,
  Unsqueeze: onSizes((_call, [x]) => (x?.scalar ? new Sizes(x.sizes) : undefined)),
  Squeeze: onSizes((_call, [x]) => (x?.sizes.length === 1 ? new Sizes(x.sizes, true) : undefined)),
  Reshape: onSizes((call, [x]) => {
    if (x === undefined || !(call.known(0) instanceof Sizes)) return undefined;
    return new Sizes(x.sizes, call.sizes(1).length === 0);
  }),
  ReduceProd: onSizes((call, [x]) =>
    x === undefined ? undefined : new Sizes([sizeOf(x.sizes)], call.integer("keepdims", 1) === 0),
  ),
};
