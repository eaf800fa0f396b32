import { constant, full, range } from "../../ops/index.ts";
import { allocate, type Size, subSize, tensorOf } from "../../tensor/index.ts";
import type { Call, Operator, Operators } from "../call.ts";
import { constantOf, Sizes, sizesOf, tracedValue } from "../known.ts";

const constantRule: Operator = (call) => {
  const tensor = call.tensorAttribute("value");
  if (tensor !== undefined) return constant(tensor);
  const attribute = (name: string) => call.node.attributes.get(name);
  const float = attribute("value_float")?.number;
  if (float !== undefined) return constant(float, "float32");
  const integer = attribute("value_int")?.number;
  if (integer !== undefined) return constant(integer, "int64");
  const floats = attribute("value_floats")?.numbers;
  if (floats !== undefined) return constant(tensorOf(floats, [floats.length]));
  const integers = attribute("value_ints")?.numbers;
  if (integers !== undefined) return constant(tensorOf(integers, [integers.length], "int64"));
  return call.fail("has a value that is neither numbers nor a tensor");
};

/** start, start + step, … below the limit; from 0 by 1 the count may be symbolic. */
const rangeRule: Operator = (call) => {
  const [start, limit, step] = [0, 1, 2].map((i) => constantOf(call.known(i)));
  if (start === undefined || limit === undefined || step === undefined) return sizedRange(call);
  const [from, to, by] = [start, limit, step].map(({ data }) => Number(data[0])) as [
    number,
    number,
    number,
  ];
  const count = Math.max(Math.ceil((to - from) / by), 0);
  if (count > 1 << 24) call.fail(`would have ${count} elements`);
  const data = allocate(start.dtype, count);
  for (let i = 0; i < count; i++) {
    data[i] = start.dtype === "int64" ? BigInt(from + i * by) : from + i * by;
  }
  return constant({ dtype: start.dtype, shape: [count], data });
};

function sizedRange(call: Call): ReturnType<Operator> {
  const [start, limit, step] = [0, 1, 2].map((i) => sizesOf(call.known(i))?.sizes[0]) as Size[];
  if (start === undefined || limit === undefined || step !== 1) {
    return call.fail("runs over numbers that depend on the data");
  }
  const numbers = range(subSize(limit, start), "int64");
  return start === 0 ? numbers : numbers.add(tracedValue(new Sizes([start], true)));
}

export const sources: Operators = {
  Constant: constantRule,
  ConstantOfShape: (call) => {
    const value = call.tensorAttribute("value");
    const dtype = value?.dtype ?? "float32";
    return full(call.sizes(0), value === undefined ? 0 : Number(value.data[0]), dtype);
  },
  Range: rangeRule,
  /** Their ordinary rules are those of sizes. */
  Shape: (call) => call.fail("has no shape"),
  Size: (call) => call.fail("has no size"),
};
