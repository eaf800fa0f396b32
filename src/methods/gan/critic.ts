import { kl, Normal } from "../../distributions/index.ts";
import { initLinear, type LinearParams, linear, type Model, type Scope } from "../../nn/index.ts";
import { mean, reshape, sum } from "../../ops/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import {
  classRow,
  type Dense,
  dense,
  initClassTable,
  initDense,
  type Weighting,
} from "./layers.ts";
import type { FeatureNetwork, Told } from "./networks.ts";

/** A discriminator: features, and the head that makes one output of them. */
export type Critic = {
  readonly body: Model;
  readonly head: Dense;
  /** Rows by class whose product with the features is added (Miyato, Koyama, "cGANs with projection", 2018, eq. 3). */
  readonly classes?: Dense;
  /** A stochastic code between features and head (Peng et al., "Variational discriminator bottleneck", 2019). */
  readonly bottleneck?: { readonly mean: LinearParams; readonly logVariance: LinearParams };
};

export interface CriticSizes {
  readonly classes: number | undefined;
  /** Size of the code; 0 for none. */
  readonly bottleneck: number;
  readonly weighting: Weighting;
}

export function initCritic(key: Key, network: FeatureNetwork, sizes: CriticSizes): Critic {
  const { classes, bottleneck, weighting } = sizes;
  const { features } = network;
  const code = bottleneck === 0 ? features : bottleneck;
  const linearOf = (name: string): LinearParams =>
    initLinear(key.at(name), features, bottleneck, { initializer: weighting.initializer });
  return {
    body: network.init(key.at("body")),
    head: initDense(key.at("head"), code, 1, weighting),
    ...(classes === undefined
      ? {}
      : { classes: initClassTable(key.at("classes"), classes, code, weighting) }),
    ...(bottleneck === 0
      ? {}
      : { bottleneck: { mean: linearOf("mean"), logVariance: linearOf("logVariance") } }),
  };
}

/** What a discriminator says of rows. */
export interface Verdict {
  /** [B]; above 0 for real where the loss has a threshold. */
  readonly output: Value;
  /** [B, features]. */
  readonly features: Value;
  /** KL(E(z | x) ‖ N(0, I)) of the bottleneck, [B]. */
  readonly information?: Value;
}

export function judge(
  critic: Critic,
  network: FeatureNetwork,
  rows: Value,
  scope: Scope,
  told: Told,
): Verdict {
  const { label } = told;
  const features = network.of(critic.body, rows, scope.at("body"), told);
  const { code, information } = codeOf(critic, features, scope);
  let output = reshape(dense(critic.head, code, scope), [-1]);
  if (critic.classes !== undefined && label !== undefined) {
    output = output.add(sum(code.mul(classRow(critic.classes, label, scope)), -1));
  }
  return information === undefined ? { output, features } : { output, features, information };
}

function codeOf(
  { bottleneck }: Critic,
  features: Value,
  scope: Scope,
): { code: Value; information?: Value } {
  if (bottleneck === undefined) return { code: features };
  const q = Normal({
    mean: linear(bottleneck.mean, features),
    logVariance: linear(bottleneck.logVariance, features),
  });
  const information = sum(kl(q, Normal({ mean: 0, std: 1 })), -1);
  const code = scope.train ? q.pathwiseSample(scope.key.at("code")) : q.mean();
  return { code, information };
}

/** E‖D(x) − D(T(x))‖² of two outputs [B] (Zhang, Zhang, Odena, Lee, "Consistency regularization for GANs", 2020). */
export const consistency = (plain: Value, augmented: Value): Value =>
  mean(plain.sub(augmented).square());
