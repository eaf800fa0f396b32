import type { Model, Scope } from "../../nn/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import type { NormalizationName } from "./layers.ts";

/** Sizes that the networks of a game are made for. */
export interface NetworkSizes {
  /** Shape of a row of data: [D], or [C, H, W]. */
  readonly row: readonly number[];
  readonly latents: number;
  readonly width: number;
  /** Hidden layers of the multilayer perceptron. */
  readonly layers: number;
  /** Classes that both networks are told; none where they are not. */
  readonly classes: number | undefined;
  /** In the discriminator. */
  readonly normalization: NormalizationName;
  readonly spectral: boolean;
  /** Rate of dropout in the discriminator. */
  readonly dropout: number;
  /** In the generator: batch normalization, by class where there are classes. */
  readonly generatorNormalization: NormalizationName;
}

/** Latents to rows. */
export interface Generator {
  readonly init: (key: Key) => Model;
  /** z [B, latents], label int32 [B] → [B, ...row]: images in (−1, 1). */
  readonly rows: (model: Model, z: Value, scope: Scope, label?: Value) => Value;
}

/** Rows to features, on which the game puts the head that makes an output of them. */
export interface FeatureNetwork {
  readonly features: number;
  readonly init: (key: Key) => Model;
  /** [B, ...row] → [B, features]. */
  readonly of: (model: Model, rows: Value, scope: Scope) => Value;
}

export interface Networks {
  readonly generator: Generator;
  readonly discriminator: FeatureNetwork;
}
