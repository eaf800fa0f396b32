/**
 * Lookup-free quantization: each number of z becomes its sign, and the signs are the bits of the index.
 *
 *   values = sign(z) (straight-through),   index = Σ 2ⁱ·[z_i > 0]
 *   loss   = commitmentWeight·‖z − sg(sign z)‖² + entropyWeight·(E[H(q(c | z))] − diversity·H(E[q(c | z)]))
 *
 * with q(c | z) ∝ exp(−‖z − c‖²/τ) over all codes c ∈ {−1, 1}^d: each vector is to be sure of its code, and all codes
 * are to be used. Yu et al., "Language model beats diffusion: tokenizer is key to visual generation" (2024),
 * equations 4 to 6.
 *
 * The bits are independent given z, bit i being 1 with probability σ(4z_i/τ), so that the first entropy is a sum
 * over bits, exactly. The second is that of a mixture over 2^d codes; it is computed exactly for groups of bits, and
 * the groups are added, which is exact where there is one group and otherwise an upper bound.
 */
import {
  abs,
  cast,
  concat,
  expandDims,
  greater,
  log,
  maximum,
  mean,
  sigmoid,
  softplus,
  split,
  stopGradient,
  straightThrough,
  sum,
} from "../../ops/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { type FiniteScalarParams, usageOf, watched } from "./finite-scalar.ts";
import { countOfLevels, digitsOfIndex, indexOfDigits, wholeNumbers } from "./levels.ts";
import { defineQuantizer, type Quantizer, rowsOf } from "./quantizer.ts";
import type { UsageOptions } from "./usage.ts";

export interface LookupFreeOptions extends Pick<UsageOptions, "window"> {
  /** Numbers of a vector; there are 2^bits codes. At most 31. */
  readonly bits: number;
  /** Default 0.1. */
  readonly entropyWeight?: number;
  /** Weight of the use of all codes against sureness. Default 1. */
  readonly diversity?: number;
  /** Default 0.25. */
  readonly commitmentWeight?: number;
  /** τ. Default 0.1. */
  readonly temperature?: number;
  /** Most bits in a group of the second entropy, which costs 2^groupBits numbers a vector. Default 8. */
  readonly groupBits?: number;
}

/** Throws unless bits are 1 to 31. */
export function lookupFree(options: LookupFreeOptions): Quantizer {
  const { bits, entropyWeight = 0.1, diversity = 1, commitmentWeight = 0.25 } = options;
  const { temperature = 0.1, groupBits = 8 } = options;
  if (!Number.isInteger(bits) || bits < 1 || bits > 31) {
    throw new ReparamError(`lookupFree: bits must be a whole number from 1 to 31, got ${bits}.`);
  }
  const levels = Array.from({ length: bits }, () => 2);
  const codes = countOfLevels("lookupFree", levels);
  return defineQuantizer<FiniteScalarParams>({
    name: "lookupFree",
    dimension: bits,
    codebooks: [codes],
    init: () => usageOf(codes, options),
    quantize: (params, z, scope) => {
      const bit = cast(greater(z, 0), "float32");
      const signs = bit.mul(2).sub(1);
      const indices = indexOfDigits(wholeNumbers(bit), levels);
      const vectors = rowsOf(z);
      const commitment = mean(vectors.sub(stopGradient(rowsOf(signs))).square());
      const entropy = entropyGap(vectors.mul(4 / temperature), { diversity, groupBits });
      return {
        values: straightThrough(signs, z),
        indices: expandDims(indices, -1),
        losses: {
          commitment: commitment.mul(commitmentWeight),
          entropy: entropy.mul(entropyWeight),
        },
        statistics: watched(params, indices, scope, options),
        lookups: [],
      };
    },
    lookup: (_params, indices) => cast(digitsOfIndex(indices, levels), "float32").mul(2).sub(1),
  });
}

/** E[H(q)] − diversity·H(E[q]) in nats, by the logits of the bits [N, d]. */
export function entropyGap(
  logits: Value,
  { diversity, groupBits }: { readonly diversity: number; readonly groupBits: number },
): Value {
  // H(σ(a)) = log(1 + e^−|a|) + |a|·σ(−|a|), which neither overflows nor cancels.
  const size = abs(logits);
  const each = softplus(size.neg()).add(size.mul(sigmoid(size.neg())));
  const own = mean(sum(each, -1));
  const bits = split(sigmoid(logits), -1, logits.size(-1) as number); // each [N, 1]
  let all: Value | undefined;
  for (let from = 0; from < bits.length; from += groupBits) {
    const average = mean(jointOf(bits.slice(from, from + groupBits)), 0); // [2^b]
    const entropy = sum(average.mul(log(maximum(average, 1e-12)))).neg();
    all = all === undefined ? entropy : all.add(entropy);
  }
  return all === undefined ? own : own.sub(all.mul(diversity));
}

/** Probabilities of all patterns of independent bits, each given as [N, 1]: [N, 2^b]. */
const jointOf = (bits: readonly Value[]): Value =>
  bits
    .slice(1)
    .reduce(
      (joint, one) => concat([joint.mul(one.neg().add(1)), joint.mul(one)], -1),
      concat([(bits[0] as Value).neg().add(1), bits[0] as Value], -1),
    );
