/**
 * Quantization by a relaxed choice: a linear layer gives logits o of the codes, and in training
 *
 *   values = Σ_k w_k·e_k,   w = softmax((o + g)/τ),   g = −log(−log u), u ~ U(0, 1)
 *
 * (or, "hard", the code of the largest w with the gradient of the sum), with τ falling from update to update.
 * Afterwards the largest logit decides. loss = klWeight·KL(softmax(o) ‖ uniform).
 * Jang, Gu, Poole, "Categorical reparameterization with Gumbel-softmax" (2017), equation 2; as a tokenizer Ramesh et
 * al., "Zero-shot text-to-image generation" (2021), section 2.1.
 */
import {
  argMax,
  cast,
  constant,
  exp,
  gather,
  log,
  logSoftmax,
  matmul,
  maximum,
  mean,
  reshape,
  softmax,
  straightThrough,
  sum,
} from "../../ops/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import { type Key, uniform, type Value } from "../../trace/index.ts";
import { normal } from "../initializers.ts";
import { initLinear, type LinearParams, linear } from "../linear.ts";
import { buffer, type ModelBuffer, type Scope } from "../scope.ts";
import { checkTable, defineQuantizer, type Quantizer, rowsOf } from "./quantizer.ts";
import { initUsage, trackUsage, type Usage, type UsageOptions } from "./usage.ts";

export interface GumbelOptions extends Pick<UsageOptions, "window"> {
  readonly dimension: number;
  readonly codes: number;
  /** τ of the first update. Default 1. */
  readonly temperature?: number;
  /** τ falls to this. Default 1/16, as in Ramesh et al. */
  readonly temperatureFloor?: number;
  /** What τ is multiplied by at each update; 1 keeps it. Default 0.999. */
  readonly temperatureDecay?: number;
  /** Whether the decoder sees one code, not a mixture. Default false. */
  readonly hard?: boolean;
  /** Default 5e-4. */
  readonly klWeight?: number;
}

type GumbelParams = {
  readonly logits: LinearParams;
  /** [codes, dimension]. */
  readonly codebook: Value;
  /** Count of updates. */
  readonly updates: ModelBuffer;
  readonly usage?: Usage;
};

/** Throws where codes and dimension are no positive integers, or too large for the memory. */
export function gumbelQuantizer(options: GumbelOptions): Quantizer {
  const { dimension, codes, temperature = 1, temperatureFloor = 1 / 16 } = options;
  const { temperatureDecay = 0.999, hard = false, klWeight = 5e-4 } = options;
  checkTable("gumbelQuantizer", codes, dimension);
  if (!(temperature > 0 && temperatureFloor > 0 && temperatureDecay > 0)) {
    throw new ReparamError("gumbelQuantizer: temperature, its floor and decay must be above 0.");
  }
  const init = (key: Key): GumbelParams => {
    const usage = initUsage(codes, options);
    const fans = { fanIn: dimension, fanOut: codes };
    return {
      logits: initLinear(key.at("logits"), dimension, codes),
      codebook: normal(1)(key.at("codebook"), [codes, dimension], fans),
      updates: buffer(constant(0)),
      ...(usage === undefined ? {} : { usage }),
    };
  };
  const relaxed = (params: GumbelParams, logits: Value, scope: Scope): Value => {
    const falling = exp(params.updates.value.mul(Math.log(temperatureDecay))).mul(temperature);
    scope.update(params.updates, params.updates.value.add(1));
    const noise = log(log(uniform(scope.key.at("gumbel"), logits.shape)).neg()).neg();
    const weights = softmax(logits.add(noise).div(maximum(falling, temperatureFloor)), -1);
    const mixture = matmul(weights, params.codebook);
    if (!hard) return mixture;
    const drawn = cast(argMax(weights, -1), "int32");
    return straightThrough(gather(params.codebook, drawn, 0), mixture);
  };
  return defineQuantizer<GumbelParams>({
    name: "gumbelQuantizer",
    dimension,
    codebooks: [codes],
    init,
    quantize: (params, z, scope) => {
      const logits = linear(params.logits, rowsOf(z)); // [N, K]
      const indices = cast(argMax(logits, -1), "int32");
      const values = scope.train
        ? relaxed(params, logits, scope)
        : gather(params.codebook, indices, 0);
      const logShares = logSoftmax(logits);
      const kl = mean(sum(softmax(logits, -1).mul(logShares), -1)).add(Math.log(codes));
      return {
        values: reshape(values, z.shape),
        indices: reshape(indices, [...z.shape.slice(0, -1), 1]),
        losses: { kl: kl.mul(klWeight) },
        statistics: trackUsage(params.usage, indices, scope, options),
        lookups: [],
      };
    },
    lookup: ({ codebook }, indices) =>
      gather(codebook, reshape(indices, indices.shape.slice(0, -1)), 0),
  });
}
