import {
  allocate,
  elementCount,
  formatShape,
  type Shape,
  ShapeError,
  type Tensor,
} from "../tensor/index.ts";
import { defineOp, type EvaluatedSpec, likeFirst, type Op, type Value } from "../trace/index.ts";
import { axisOf } from "./movement.ts";
import { mean, sum } from "./reduce.ts";

/** Applies f to every line along an axis. */
function mapLines(x: Tensor, axis: number, f: (line: Float64Array) => void): Tensor {
  const size = x.shape[axis] as number;
  const inner = elementCount(x.shape.slice(axis + 1));
  const data = allocate(x.dtype, x.data.length);
  const line = new Float64Array(size);
  for (let start = 0; start < data.length; start += size * inner) {
    for (let k = 0; k < inner; k++) {
      for (let i = 0; i < size; i++) line[i] = x.data[start + i * inner + k] as number;
      f(line);
      for (let i = 0; i < size; i++) data[start + i * inner + k] = line[i] as number;
    }
  }
  return { ...x, data };
}

/** log Σ exp of a line, shifted by its maximum. */
function lineLogSumExp(line: Float64Array): number {
  const shift = line.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return shift + Math.log(line.reduce((s, v) => s + Math.exp(v - shift), 0));
}

interface AxisAttributes extends Readonly<Record<string, unknown>> {
  readonly axis: number;
}

const softmaxOp: Op<AxisAttributes> = defineOp<AxisAttributes>({
  name: "softmax",
  infer: likeFirst,
  grad: ({ dy, y, attributes: { axis } }) => {
    const inner = sum(dy.mul(y), axis, { keepDims: true });
    return [y.mul(dy.sub(inner))];
  },
  lower: (to, [x], _node, { axis }) => [to.emit("Softmax", [x as string], { axis })],
  evaluate: ([x], { axis }) => [
    mapLines(x as Tensor, axis, (line) => {
      const total = lineLogSumExp(line);
      for (const [i, v] of line.entries()) line[i] = Math.exp(v - total);
    }),
  ],
});

/** exp(x) / Σ exp(x) along an axis. */
export const softmax = (x: Value, axis = -1): Value =>
  softmaxOp.apply([x], { axis: axisOf("softmax", axis, x.rank) })[0] as Value;

const logSoftmaxOp: Op<AxisAttributes> = defineOp<AxisAttributes>({
  name: "logSoftmax",
  infer: likeFirst,
  grad: ({ dy, xs: [x], attributes: { axis } }) => [
    dy.sub(softmax(x as Value, axis).mul(sum(dy, axis, { keepDims: true }))),
  ],
  lower: (to, [x], _node, { axis }) => [to.emit("LogSoftmax", [x as string], { axis })],
  evaluate: ([x], { axis }) => [
    mapLines(x as Tensor, axis, (line) => {
      const total = lineLogSumExp(line);
      for (const [i, v] of line.entries()) line[i] = v - total;
    }),
  ],
});

/** x − log Σ exp(x) along an axis. */
export const logSoftmax = (x: Value, axis = -1): Value =>
  logSoftmaxOp.apply([x], { axis: axisOf("logSoftmax", axis, x.rank) })[0] as Value;

/** Outputs: the result, and mean and 1/√(variance + ε) of every row, which the gradient reuses. */
const layerNormOp = defineOp<{ epsilon: number }>({
  name: "layerNorm",
  infer: ([x]) => {
    const { dtype, shape } = x as Value;
    const rows: Shape = [...shape.slice(0, -1), 1];
    return [
      { dtype, shape },
      { dtype, shape: rows },
      { dtype, shape: rows },
    ];
  },
  grad: ({ dys, xs, ys }) => {
    const [dy, dMean, dScale] = dys;
    const [x, gain] = xs as unknown as [Value, Value, Value];
    const [, rowMean, rowScale] = ys as unknown as [Value, Value, Value];
    const normal = x.sub(rowMean).mul(rowScale);
    const lead = x.shape.slice(0, -1).map((_, i) => i);
    let dx: Value | undefined;
    if (dy !== undefined) {
      const inner = dy.mul(gain);
      const centred = inner.sub(mean(inner, -1, { keepDims: true }));
      dx = centred.sub(normal.mul(mean(inner.mul(normal), -1, { keepDims: true }))).mul(rowScale);
    }
    // The statistics are outputs of their own: second derivatives reach x through them.
    const size = x.size(-1) as number;
    const more: Value[] = [];
    if (dMean !== undefined) more.push(dMean.mul(1 / size));
    if (dScale !== undefined)
      more.push(
        dScale
          .mul(rowScale.square())
          .mul(normal)
          .mul(-1 / size),
      );
    for (const part of more) dx = dx === undefined ? part.add(x.mul(0)) : dx.add(part);
    return [dx, dy && sum(dy.mul(normal), lead), dy && sum(dy, lead)];
  },
  lower: (to, xs, _node, { epsilon }) =>
    to.emitAll("LayerNormalization", xs, 3, { axis: -1, epsilon: { float: epsilon } }),
  evaluate: ([x, gain, bias], { epsilon }, outs) => {
    const size = (x as Tensor).shape.at(-1) as number;
    const rows = (outs[1] as EvaluatedSpec).shape;
    const means: number[] = [];
    const scales: number[] = [];
    const y = mapLines(x as Tensor, (x as Tensor).shape.length - 1, (line) => {
      const m = line.reduce((s, v) => s + v, 0) / size;
      const scale = 1 / Math.sqrt(line.reduce((s, v) => s + (v - m) ** 2, 0) / size + epsilon);
      means.push(m);
      scales.push(scale);
      for (const [i, v] of line.entries()) {
        line[i] = (v - m) * scale * (gain?.data[i] as number) + (bias?.data[i] as number);
      }
    });
    const rowTensor = (values: number[]): Tensor => {
      const data = allocate(y.dtype, values.length);
      for (const [i, v] of values.entries()) data[i] = v;
      return { dtype: y.dtype, shape: rows, data };
    };
    return [y, rowTensor(means), rowTensor(scales)];
  },
});

/**
 * Layer normalization over the last axis (Ba, Kiros, Hinton 2016):
 * (x − mean)/√(variance + ε) · gain + bias, with gain and bias of shape [features].
 */
export function layerNorm(x: Value, gain: Value, bias: Value, epsilon = 1e-5): Value {
  const features = x.size(-1);
  for (const p of [gain, bias]) {
    if (p.rank !== 1 || p.shape[0] !== features) {
      throw new ShapeError(
        "layerNorm",
        `gain and bias must be [${features}], got ${formatShape(p.shape)}.`,
      );
    }
  }
  return layerNormOp.apply([x, gain, bias], { epsilon })[0] as Value;
}
