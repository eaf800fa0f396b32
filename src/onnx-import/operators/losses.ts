import {
  cast,
  equal,
  expandDims,
  logSoftmax,
  mean,
  oneHot,
  reshape,
  sum,
  transpose,
  where,
} from "../../ops/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Call, Operators } from "../call.ts";

/** −w[t]·log p[t] at every place, reduced: classes on axis 1 of `logits` [B, C, …], targets [B, …]. */
function negativeLogLikelihood(call: Call, logProbabilities: Value): Value {
  const targets = call.value(1);
  const classes = logProbabilities.size(1);
  if (typeof classes !== "number") return call.fail("wants a fixed count of classes");
  const ignored = call.node.attributes.has("ignore_index")
    ? call.integer("ignore_index", 0)
    : undefined;
  const skip = ignored === undefined ? undefined : equal(targets, ignored);
  const safe = skip === undefined ? targets : where(skip, 0, targets);
  const hot = classesSecond(oneHot(integers(safe), classes, logProbabilities.dtype));
  const weights = call.optional(2);
  const shape = Array.from({ length: logProbabilities.rank }, (_, i) => (i === 1 ? classes : 1));
  const weighted = weights === undefined ? hot : hot.mul(reshape(weights, shape));
  const kept = skip === undefined ? weighted : where(expandDims(skip, 1), 0, weighted);
  const losses = sum(kept.mul(logProbabilities), [1]).neg();
  const reduction = call.text("reduction", "mean");
  if (reduction === "none") return losses;
  if (reduction === "sum") return sum(losses);
  const plain = weights === undefined && skip === undefined;
  return plain ? mean(losses) : sum(losses).div(sum(kept));
}

/** A new last axis of classes moved to the second place. */
const classesSecond = (hot: Value): Value => {
  const order = Array.from({ length: hot.rank - 1 }, (_, i) => i);
  order.splice(1, 0, hot.rank - 1);
  return transpose(hot, order);
};

const integers = (x: Value): Value =>
  x.dtype === "int32" || x.dtype === "int64" ? x : cast(x, "int64");

export const losses: Operators = {
  NegativeLogLikelihoodLoss: (call) => negativeLogLikelihood(call, call.value(0)),
  SoftmaxCrossEntropyLoss: (call) => {
    const logProbabilities = logSoftmax(call.value(0), 1);
    return [negativeLogLikelihood(call, logProbabilities), logProbabilities];
  },
};
