import type { Initializer, Model, Scope } from "../../nn/index.ts";
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
  /** Of weights, in place of the architecture's own. */
  readonly initializer?: Initializer | undefined;
  /** Of the residual networks: a block of self-attention in both. */
  readonly attention: boolean;
  /** Of the residual generator: size of the class vector that all blocks share; 0 for a table a block. */
  readonly classEmbedding: number;
  /** Of the residual generator: every block is given a part of z of its own. */
  readonly hierarchical: boolean;
  /** Of the style-based generator: layers from z to w. */
  readonly mappingLayers: number;
  /** Of the style-based generator: share of rows with two styles in training. */
  readonly styleMixing: number;
}

/** What networks are told besides rows and latents. */
export interface Told {
  /** The class of every row, int32 [B]. */
  readonly label?: Value | undefined;
  /** Share that the newest layers of growing networks have, a scalar from 0 to 1; all of it where absent. */
  readonly fade?: Value | undefined;
}

/** Latents to rows. */
export interface Generator {
  readonly init: (key: Key) => Model;
  /** z [B, latents] → [B, ...row]: images in [−1, 1], nearly so where the last layer is linear. */
  readonly rows: (model: Model, z: Value, scope: Scope, told: Told) => Value;
  /** Where latents become styles before they become rows. */
  readonly styles?: Styles;
}

/** The two halves of a generator with an intermediate latent space. */
export interface Styles {
  /** Layers that are each given a style of their own. */
  readonly layers: number;
  /** Size of a style. */
  readonly size: number;
  /** Numbers of noise that a row takes, all layers together. */
  readonly noise: number;
  /** z [B, latents] → w [B, size]. */
  readonly map: (model: Model, z: Value, told: Told) => Value;
  /** The average w of the training, [size]. */
  readonly average: (model: Model) => Value;
  /** w [B, layers, size], noise [B, noise] → rows. */
  readonly synthesize: (model: Model, w: Value, noise: Value, told: Told) => Value;
}

/** Rows to features, on which the game puts the head that makes an output of them. */
export interface FeatureNetwork {
  readonly features: number;
  readonly init: (key: Key) => Model;
  /** [B, ...row] → [B, features]. */
  readonly of: (model: Model, rows: Value, scope: Scope, told: Told) => Value;
}

export interface Networks {
  readonly generator: Generator;
  readonly discriminator: FeatureNetwork;
  /** Of the head on the features; Glorot's uniform where absent. */
  readonly headInitializer?: Initializer;
  /** Rows of data as these networks see them; as they are where absent. */
  readonly view?: (rows: Value, fade?: Value) => Value;
  /** The reverse for rows of the generator: without the margin that `view` adds. */
  readonly crop?: (rows: Value) => Value;
}

/** Networks of one size, and how long they train at it. */
export interface Stage {
  readonly name: string;
  readonly networks: Networks;
  /** Steps of the generator over which the newest layers come in; 0 where there are none. */
  readonly fadeSteps: number;
  /** Steps of the generator; those of the run's settings where absent. */
  readonly iterations?: number;
}
