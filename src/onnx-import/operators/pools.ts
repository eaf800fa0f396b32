import {
  averagePool2d,
  cast,
  expandDims,
  type Margins,
  max,
  maximum,
  maxPool2d,
  mean,
  pad,
  power,
  slice,
  squeeze,
} from "../../ops/index.ts";
import { addSize, floorDivSize, isFloat, type Size } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Call, Operator, Operators } from "../call.ts";
import { roundedUp, type WindowSettings, windowSettings } from "./window.ts";

const axesFrom = (x: Value, first: number): number[] =>
  Array.from({ length: x.rank - first }, (_, i) => i + first);

interface Pooling {
  /** [batch, channels, height, width]; sequences have height 1. */
  readonly x: Value;
  readonly window: WindowSettings;
  readonly sequence: boolean;
  /** Added at the bottom and right for `ceil_mode`. */
  readonly extra: readonly [number, number];
}

function poolingOf(call: Call, given: Value): Pooling {
  if (given.rank !== 3 && given.rank !== 4) {
    return call.fail(`is for sequences and images here, got ${given}`);
  }
  const kernel = call.list("kernel_shape") ?? call.fail("lacks its kernel_shape");
  const sequence = given.rank === 3;
  const settings = windowSettings(call, given.shape.slice(2), kernel);
  const up = call.integer("ceil_mode", 0) === 1;
  const rounded = kernel.map((_, i) =>
    up ? roundedUp(given.shape[i + 2] as Size, settings, i) : 0,
  );
  const image = (list: readonly number[], first: number) => (sequence ? [first, ...list] : list);
  return {
    x: sequence ? expandDims(given, 2) : given,
    sequence,
    extra: image(rounded, 0) as [number, number],
    window: {
      kernel: image(settings.kernel, 1),
      strides: image(settings.strides, 1),
      dilations: image(settings.dilations, 1),
      before: image(settings.before, 0),
      after: image(settings.after, 0),
    },
  };
}

const marginsOf = ({ window: { before, after }, extra }: Pooling): Margins => [
  ...(before as [number, number]),
  ...(after.map((n, i) => n + (extra[i] as number)) as [number, number]),
];

const restored = ({ sequence }: Pooling, y: Value): Value => (sequence ? squeeze(y, 2) : y);

const padded = (x: Value, [top, left, bottom, right]: Margins, value: number): Value =>
  top + left + bottom + right === 0 ? x : pad(x, { 2: [top, bottom], 3: [left, right] }, value);

/** Windows may have holes, or reach far into the border: then as the maximum of shifted images. */
const maxPool: Operator = (call) => {
  const given = call.value(0);
  const pooling = poolingOf(call, isFloat(given.dtype) ? given : cast(given, "float32"));
  const { x, window } = pooling;
  if (call.node.outputs.length > 1)
    call.fail("gives the places of its maxima, which is not supported");
  const finish = (y: Value): Value => cast(restored(pooling, y), given.dtype);
  const margins = marginsOf(pooling);
  const plain =
    window.dilations.every((d) => d === 1) &&
    margins.every((m, i) => 2 * m <= (window.kernel[i % 2] as number));
  const [stride, kernel] = [window.strides, window.kernel] as unknown as [Pair, Pair];
  if (plain) return finish(maxPool2d(x, { size: kernel, stride, padding: margins }));
  const wide = padded(x, margins, -3.4028234663852886e38);
  return restored(
    pooling,
    shifted(wide, window).reduce((a, b) => maximum(a, b)),
  );
};

type Pair = readonly [number, number];

/** For every tap of the kernel, what it sees at all positions of the window: [B, C, Ho, Wo] each. */
function shifted(x: Value, { kernel, strides, dilations }: WindowSettings): Value[] {
  const along = (v: Value, axis: 0 | 1, tap: number): Value => {
    const [k = 1, step = 1, dilation = 1] = [kernel[axis], strides[axis], dilations[axis]];
    const reach = (k - 1) * dilation + 1;
    const last = floorDivSize(addSize(v.size(axis + 2), -reach), step);
    const start = tap * dilation;
    const end = addSize(
      addSize(start, 1),
      typeof last === "number" ? last * step : scaled(last, step),
    );
    return slice(v, axis + 2, start, end, { step });
  };
  const rows = Array.from({ length: kernel[0] ?? 1 }, (_, i) => along(x, 0, i));
  return rows.flatMap((row) => Array.from({ length: kernel[1] ?? 1 }, (_, j) => along(row, 1, j)));
}

const scaled = (size: Size, times: number): Size =>
  Array.from({ length: times }).reduce<Size>((total) => addSize(total, size), 0);

/** Means of windows; without `count_include_pad` of what lies in the image only. */
const averagePool: Operator = (call) => {
  const pooling = poolingOf(call, call.value(0));
  const { x, window, extra } = pooling;
  const margins = marginsOf(pooling);
  const sums = windowSums(padded(x, margins, 0), window);
  const include = call.integer("count_include_pad", 0) === 1;
  const [a, b, c, d] = margins;
  const within: Margins = [a, b, c - extra[0], d - extra[1]];
  const outside: Margins = [0, 0, extra[0], extra[1]];
  const ones = x.mul(0).add(1);
  const counted = include ? padded(padded(ones, within, 1), outside, 0) : padded(ones, margins, 0);
  return restored(pooling, sums.div(windowSums(counted, window)));
};

function windowSums(x: Value, window: WindowSettings): Value {
  if (window.dilations.every((d) => d === 1)) {
    const [size, stride] = [window.kernel, window.strides] as unknown as [Pair, Pair];
    return averagePool2d(x, { size, stride }).mul(size[0] * size[1]);
  }
  return shifted(x, window).reduce((a, b) => a.add(b));
}

/** x / (bias + α/n · Σ x²)^β over n channels around each (Krizhevsky, Sutskever, Hinton 2012, section 3.3). */
const localResponse: Operator = (call) => {
  const x = call.value(0);
  const size = call.integer("size", 5);
  const [alpha, beta, bias] = [
    call.number("alpha", 1e-4),
    call.number("beta", 0.75),
    call.number("bias", 1),
  ];
  const before = Math.floor((size - 1) / 2);
  const squares = pad(x.square(), { 1: [before, size - 1 - before] });
  const channels = x.size(1);
  const shiftedBy = Array.from({ length: size }, (_, i) =>
    slice(squares, 1, i, addSize(channels, i)),
  );
  const total = shiftedBy
    .reduce((a, b) => a.add(b))
    .mul(alpha / size)
    .add(bias);
  return x.div(power(total, beta));
};

export const pools: Operators = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: (call) => {
    const x = call.value(0);
    return mean(x, axesFrom(x, 2), { keepDims: true });
  },
  GlobalMaxPool: (call) => {
    const x = call.value(0);
    return max(x, axesFrom(x, 2), { keepDims: true });
  },
  LRN: localResponse,
};
