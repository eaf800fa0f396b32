import {
  broadcastTo,
  cast,
  constant,
  layerNorm,
  mean,
  reshape,
  sqrt,
  variance,
} from "../../ops/index.ts";
import { divideExactly, mulSize, type Shape, type Size, sizeOf } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Call, Operator, Operators } from "../call.ts";

/** A vector of channels against [batch, channels, …]. */
const channels = (v: Value, rank: number): Value =>
  reshape(v, [v.shape[0] as Size, ...Array<number>(Math.max(rank - 2, 0)).fill(1)]);

/** By stored statistics, or in training mode by the batch's own: Ioffe, Szegedy (2015), algorithms 1 and 2. */
const batchNormalization = (call: Call): readonly (Value | undefined)[] => {
  const [x, scale, offset, mu, sigma2] = [0, 1, 2, 3, 4].map((i) => call.value(i)) as [
    Value,
    Value,
    Value,
    Value,
    Value,
  ];
  const epsilon = call.number("epsilon", 1e-5);
  const apply = (centre: Value, spread: Value): Value => {
    const factor = scale.div(sqrt(spread.add(epsilon)));
    const shift = offset.sub(centre.mul(factor));
    return x.mul(channels(factor, x.rank)).add(channels(shift, x.rank));
  };
  if (call.integer("training_mode", 0) === 0) return [apply(mu, sigma2)];
  const axes = Array.from({ length: x.rank }, (_, i) => i).filter((i) => i !== 1);
  const [centre, spread] = [mean(x, axes), variance(x, axes)];
  const momentum = call.number("momentum", 0.9);
  const moved = (old: Value, now: Value): Value => old.mul(momentum).add(now.mul(1 - momentum));
  return [apply(centre, spread), moved(mu, centre), moved(sigma2, spread)];
};

/** Over all axes from `axis` on, gains and offsets of the shape of those axes. */
const layerNormalization = (call: Call): readonly Value[] => {
  const [x, scale, offset] = [call.value(0), call.value(1), call.optional(2)];
  const axis = call.integer("axis", -1);
  const from = axis < 0 ? axis + x.rank : axis;
  const epsilon = call.number("epsilon", 1e-5);
  const axes = Array.from({ length: x.rank - from }, (_, i) => i + from);
  const mu = mean(x, axes, { keepDims: true });
  const inverse = constant(1, x.dtype).div(
    sqrt(variance(x, axes, { keepDims: true }).add(epsilon)),
  );
  if (call.node.outputs.length === 1 && from === x.rank - 1 && scale.rank === 1) {
    const zero = offset ?? broadcastTo(constant(0, x.dtype), scale.shape);
    return [layerNorm(x, scale, zero, epsilon)];
  }
  const y = x.sub(mu).mul(inverse).mul(scale);
  return [offset === undefined ? y : y.add(offset), mu, inverse];
};

/** x / √(E x² + ε) · scale: Zhang, Sennrich, "Root mean square layer normalization" (2019), equation 4. */
const rmsNormalization: Operator = (call) => {
  const [x, scale] = [call.value(0), call.value(1)];
  const axis = call.integer("axis", -1);
  const from = axis < 0 ? axis + x.rank : axis;
  const axes = Array.from({ length: x.rank - from }, (_, i) => i + from);
  const squares = mean(x.square(), axes, { keepDims: true });
  return x.div(sqrt(squares.add(call.number("epsilon", 1e-5)))).mul(scale);
};

/** Every group of channels of every sample by itself: [B, C, …] as [B, groups, C/groups · …]. */
function normalizeGroups(call: Call, x: Value, groups: Size): Value {
  const [batch, count] = x.shape as unknown as [Size, Size];
  const members =
    divideExactly(count, groups) ?? call.fail("has channels that do not divide into groups");
  const flat = reshape(x, [batch, groups, mulSize(members, sizeOf(x.shape.slice(2)))]);
  const mu = mean(flat, [2], { keepDims: true });
  const spread = variance(flat, [2], { keepDims: true }).add(call.number("epsilon", 1e-5));
  return reshape(flat.sub(mu).div(sqrt(spread)), x.shape);
}

const instanceNormalization: Operator = (call) => {
  const [x, scale, offset] = [call.value(0), call.value(1), call.value(2)];
  const y = normalizeGroups(call, x, x.size(1));
  return y.mul(channels(scale, x.rank)).add(channels(offset, x.rank));
};

/** Gains and offsets are one a channel since operator set 21, and one a group before. */
const groupNormalization: Operator = (call) => {
  const [x, scale, offset] = [call.value(0), call.value(1), call.value(2)];
  const groups = call.integer("num_groups", 1);
  const y = normalizeGroups(call, x, groups);
  const count = x.size(1);
  const spreadOver = (v: Value): Value => {
    if (v.shape[0] === count) return channels(v, x.rank);
    const members = divideExactly(count, groups) as Size;
    const repeated = broadcastTo(reshape(v, [groups, 1]), [groups, members] as Shape);
    return channels(reshape(repeated, [count]), x.rank);
  };
  return y.mul(spreadOver(scale)).add(spreadOver(offset));
};

/** Nothing is dropped outside of training; the mask is all true. */
const dropout = (call: Call): readonly Value[] => {
  const x = call.value(0);
  const training = call.has(2) && call.numbers(2)[0] !== 0;
  if (training && (!call.has(1) || call.numbers(1)[0] !== 0)) {
    return call.fail("drops at random inside of the graph; export the model in inference mode");
  }
  return [x, cast(x.mul(0).add(1), "bool")];
};

export const norms: Operators = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  RMSNormalization: rmsNormalization,
  SimplifiedLayerNormalization: rmsNormalization,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  Dropout: dropout,
};
