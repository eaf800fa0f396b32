/** How the networks of this folder are trained. */
import {
  adamW,
  chain,
  clipByGlobalNorm,
  type Optimizer,
  onlyPaths,
  parallel,
  type Schedule,
  schedules,
} from "../../optim/index.ts";
import type { TransformerOptions } from "./options.ts";

export type TrainingOptions = Pick<
  TransformerOptions,
  "learningRate" | "warmupSteps" | "decaySteps" | "weightDecay" | "clip"
>;

/** Settings of a run where the user names none. */
export const textTraining = {
  ...{ batchSize: 32, epochs: 1, data: "state-of-the-union" },
  load: { tokenizer: "characters" },
};

/** Weights of linear layers and embeddings shrink; norms, biases and what mixes heads do not. */
const decays = (path: string): boolean => path.endsWith(".weight");

/**
 * AdamW with β₂ = 0.95 (Brown et al., "Language models are few-shot learners", 2020, appendix B), a linear
 * warm-up, a cosine to a tenth, and a limit of the gradient's norm, as far as the options want them.
 */
export function textOptimizer(o: TrainingOptions): Optimizer {
  const settings = { learningRate: rateOf(o), beta2: 0.95 };
  const descent = parallel(
    onlyPaths(decays, adamW({ ...settings, weightDecay: o.weightDecay })),
    onlyPaths((path) => !decays(path), adamW({ ...settings, weightDecay: 0 })),
  );
  return o.clip === 0 ? descent : chain(clipByGlobalNorm(o.clip), descent);
}

function rateOf({ learningRate, warmupSteps, decaySteps }: TrainingOptions): number | Schedule {
  const rate =
    decaySteps === 0
      ? learningRate
      : schedules.cosine({ start: learningRate, total: decaySteps, floor: learningRate / 10 });
  return warmupSteps === 0 ? rate : schedules.linearWarmup(warmupSteps, rate);
}
