import type { Distribution } from "../../distributions/index.ts";
import type { FunctionInput } from "../../step/index.ts";
import type { Key, Value } from "../../trace/index.ts";

/** A distribution over latents given images, as every variational autoencoder here has one. */
export interface Posterior {
  /** Batch [B], the whole latent one event. */
  readonly q: Distribution;
  /** log p(z) of samples, [m, B]. */
  readonly logPrior: (z: Value) => Value;
  /** KL to the prior, [B]. */
  readonly kl: Value;
  /** m exact samples of every row, [m, B, ...latent], through which no gradient need flow. */
  readonly sample: (key: Key, m: number) => Value;
  /** log p(z) − log q(z | x) of such samples, [m, B]. */
  readonly logWeight: (z: Value) => Value;
  /** What stands for the image when one latent is wanted, [B, ...latent]. */
  readonly mode: Value;
  /** What `encode` returns beside that latent. */
  readonly described: Readonly<Record<string, Value>>;
}

/** How latents of new images are drawn. */
export interface LatentPrior {
  readonly summary: string;
  readonly inputs: Readonly<Record<string, FunctionInput>>;
  /** Noise and knobs to latents [B, ...latent]. */
  readonly latent: (inputs: Readonly<Record<string, Value>>) => Value;
}

/** Elements of a flattened latent that are replaced, from position `at` on. */
export interface Edit {
  readonly at: number;
  readonly values: readonly number[];
}

/** Changes of one image's latent that show what its elements mean, `columns` in a row. */
export interface Traversal {
  readonly summary: string;
  readonly columns: number;
  readonly edits: readonly Edit[];
}
