// Losses of introspective autoencoders against PyTorch in float64: values, and gradients at the weights of the player.
import { expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import { Normal } from "../../src/distributions/index.ts";
import {
  type LossOf,
  marginDecoder,
  marginEncoder,
  marginPlain,
  softDecoder,
  softEncoder,
  softPlain,
  type Weights,
} from "../../src/methods/vae/introvae-losses.ts";
import { matmul, reshape, sigmoid } from "../../src/ops/index.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../src/trace/index.ts";
import { readGolden, readGoldenMeta } from "../golden/read.ts";

const golden = readGolden("introvae");
const weights = readGoldenMeta("introvae").weights as unknown as Weights;
const inputs = ["x", "mean", "logVariance", "decoder", "real", "prior", "reconstructed", "sampled"];
const tensors = Object.fromEntries(inputs.map((name) => [name, golden[name] as unknown as Tensor]));

/** The loss of the golden players, and its gradients at some of their weights. */
function compute(lossOf: LossOf, own: readonly string[], given: Weights = weights) {
  const traced = trace((all) => {
    const at = all as Record<string, Value>;
    const { x, mean, logVariance, decoder, real, prior } = at as Record<string, Value> & {
      [K in "x" | "mean" | "logVariance" | "decoder" | "real" | "prior"]: Value;
    };
    const { loss } = lossOf(
      {
        posterior: (images) => {
          const flat = reshape(images, [5, 9]);
          return Normal({ mean: matmul(flat, mean), logVariance: matmul(flat, logVariance) });
        },
        generate: (latent) => reshape(sigmoid(matmul(latent, decoder)), [5, 1, 3, 3]),
      },
      x,
      { real, prior, again: (of) => at[of] as Value },
      given,
    );
    const found = gradients(
      loss,
      own.map((name) => at[name] as Value),
    );
    return { loss, ...Object.fromEntries(own.map((name, i) => [name, found[i] as Value])) };
  }, tensors);
  const outputs = evaluate(traced, tensors, { seed: 0, step: 0 }) as Record<string, Tensor>;
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [name, [...data].map(Number)]),
  ) as Record<string, number[]>;
}

const encoder = ["mean", "logVariance"];

it.each([
  ["marginEncoder", marginEncoder, encoder],
  ["marginDecoder", marginDecoder, ["decoder"]],
  ["softEncoder", softEncoder, encoder],
  ["softDecoder", softDecoder, ["decoder"]],
] as const)("%s", (name, lossOf, own) => {
  for (const [key, values] of Object.entries(compute(lossOf, own))) {
    const wanted = golden[key === "loss" ? name : `${name}.${key}`]?.data as Float64Array;
    expect(values).toHaveLength(wanted.length);
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(wanted[i] as number, 9);
  }
});

it("begins with the encoder's loss without generated images", () => {
  const all = compute(marginEncoder, encoder, { ...weights, adversarial: 0 });
  for (const [key, values] of Object.entries(compute(marginPlain, encoder))) {
    expect(values.map((value, i) => value - (all[key]?.[i] as number))).toEqual(
      values.map(() => expect.closeTo(0, 9)),
    );
  }
  // The exponentials are nothing where generated images are this far from the prior.
  const [near] = compute(softEncoder, [], { ...weights, negative: 1e4 }).loss as [number];
  const [begun] = compute(softPlain, []).loss as [number];
  expect(begun).toBeCloseTo(near, 9);
});
