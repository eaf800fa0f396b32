// What the encoder and the decoder of introspective autoencoders minimise; equations, names and papers are those of
// introvae.ts. Each is a function of the two networks, of images x [B, C, H, W], and of standard normal draws.
import { kl, Normal } from "../../distributions/index.ts";
import { exp, mean, relu, sqrt, stopGradient, sum } from "../../ops/index.ts";
import type { Value } from "../../trace/index.ts";

/** The two players as they are now. */
export interface Autoencoder {
  /** q(z|x) of images, [B, latents]. */
  readonly posterior: (x: Value) => Normal;
  /** Images in [0, 1] of latents. */
  readonly generate: (latent: Value) => Value;
}

/** Standard normal draws, each [B, latents]. */
export interface Draws {
  /** Of the latents of real images. */
  readonly real: Value;
  /** z_p. */
  readonly prior: Value;
  /** Of the latents of reconstructions and of samples, which only the soft variant reconstructs again. */
  readonly again: (of: "reconstructed" | "sampled") => Value;
}

export interface Weights {
  readonly margin: number;
  readonly adversarial: number;
  readonly reconstruction: number;
  readonly negative: number;
}

export type Terms = Readonly<Record<string, Value>> & { readonly loss: Value };

export type LossOf = (players: Autoencoder, x: Value, draws: Draws, weights: Weights) => Terms;

const prior = Normal({ mean: 0, std: 1 });

/** KL(E(x) ‖ N(0, I)), [B]. */
export const divergence = (q: Normal): Value => sum(kl(q, prior), -1);

/** ‖x − y‖², [B]. */
export const squaredError = (x: Value, y: Value): Value => sum(x.sub(y).square(), [1, 2, 3]);

/** A draw of q, by a standard normal one. */
const drawn = (q: Normal, noise: Value): Value => q.mean().add(sqrt(q.variance()).mul(noise));

const names = ["reconstructed", "sampled"] as const;

/** Equation 11. */
export const marginEncoder: LossOf = ({ posterior, generate }, x, draws, weights) => {
  const q = posterior(x);
  const generated = [generate(drawn(q, draws.real)), generate(draws.prior)] as const;
  const [real, error] = [mean(divergence(q)), mean(squaredError(x, generated[0])).mul(0.5)];
  const fake = generated.map((y) => divergence(posterior(stopGradient(y)))) as [Value, Value];
  const pushed = fake.map((each) => mean(relu(each.neg().add(weights.margin)))) as [Value, Value];
  const loss = real
    .add(pushed[0].add(pushed[1]).mul(weights.adversarial))
    .add(error.mul(weights.reconstruction));
  const [klReconstructed, klSampled] = [mean(fake[0]), mean(fake[1])];
  return { loss, reconstruction: error, klReal: real, klReconstructed, klSampled };
};

/** Equation 12. */
export const marginDecoder: LossOf = ({ posterior, generate }, x, draws, weights) => {
  const latent = stopGradient(drawn(posterior(x), draws.real));
  const generated = [generate(latent), generate(draws.prior)] as const;
  const error = mean(squaredError(x, generated[0])).mul(0.5);
  const [first, second] = generated.map((y) => mean(divergence(posterior(y)))) as [Value, Value];
  const loss = first.add(second).mul(weights.adversarial).add(error.mul(weights.reconstruction));
  return { loss };
};

/** s: the soft variant's terms are over the number of pixels. */
const scaleOf = (x: Value): number =>
  1 / x.shape.slice(1).reduce<number>((product, size) => product * (size as number), 1);

/** Equation 6 of the soft variant. */
export const softEncoder: LossOf = ({ posterior, generate }, x, draws, weights) => {
  const { reconstruction, negative } = weights;
  const scale = scaleOf(x);
  const q = posterior(x);
  const generated = [generate(drawn(q, draws.real)), generate(draws.prior)] as const;
  const [real, error] = [mean(divergence(q)), mean(squaredError(x, generated[0]))];
  const [first, second] = generated.map((y, i) => {
    const fixed = stopGradient(y);
    const of = posterior(fixed);
    const again = generate(drawn(of, draws.again(names[i] as (typeof names)[0])));
    const bound = squaredError(fixed, again).mul(reconstruction).add(divergence(of).mul(negative));
    return { kl: mean(divergence(of)), term: mean(exp(bound.mul(-2 * scale))) };
  }) as [{ kl: Value; term: Value }, { kl: Value; term: Value }];
  const loss = error
    .mul(reconstruction)
    .add(real)
    .mul(scale)
    .add(first.term.add(second.term).mul(0.25));
  const terms = { klReal: real, klReconstructed: first.kl, klSampled: second.kl };
  return { loss, reconstruction: error.mul(0.5), ...terms };
};

/** γ_r, weight of reconstructions of generated images in the soft variant's L_G. */
const gammaR = 1e-8;

/** Equation 7 of the soft variant. */
export const softDecoder: LossOf = ({ posterior, generate }, x, draws, { reconstruction }) => {
  const latent = stopGradient(drawn(posterior(x), draws.real));
  const generated = [generate(latent), generate(draws.prior)] as const;
  const error = mean(squaredError(x, generated[0])).mul(reconstruction);
  const [first, second] = generated.map((y, i) => {
    const of = posterior(y);
    const again = generate(stopGradient(drawn(of, draws.again(names[i] as (typeof names)[0]))));
    const back = mean(squaredError(stopGradient(y), again)).mul(reconstruction * gammaR);
    return mean(divergence(of)).add(back);
  }) as [Value, Value];
  return { loss: error.add(first.add(second).mul(0.5)).mul(scaleOf(x)) };
};

/** What the margin variant begins with: a plain autoencoder, which is equation 11 with α = 0. */
export const marginPlain: LossOf = ({ posterior, generate }, x, draws, { reconstruction }) => {
  const q = posterior(x);
  const error = mean(squaredError(x, generate(drawn(q, draws.real)))).mul(0.5);
  const real = mean(divergence(q));
  return { loss: error.mul(reconstruction).add(real), reconstruction: error, klReal: real };
};

/** What the soft variant begins with: equation 6 without generated images, scaled as there, for Adam's moments go on. */
export const softPlain: LossOf = (players, x, draws, weights) => {
  const doubled = { ...weights, reconstruction: 2 * weights.reconstruction };
  const { loss, ...terms } = marginPlain(players, x, draws, doubled);
  return { ...terms, loss: loss.mul(scaleOf(x)) };
};
