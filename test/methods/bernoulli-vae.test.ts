// The binary autoencoder: its gradient by every estimator against the sum over all latents, its bounds against
// log p(x), and what it refuses.
import { describe, expect, it } from "vitest";
import { compileFunction } from "../../src/run/index.ts";
import { initialState, weightsOf } from "../../src/step/index.ts";
import { leafMap, type Tensor } from "../../src/tensor/index.ts";
import {
  affine,
  agreement,
  bitVectors,
  boundOfTwo,
  createOn,
  expectExact,
  logCoins,
  meanGradient,
  type Parameters,
} from "./mean-gradients.ts";

const name = "bernoulli-vae";
const tiny = { latents: 3 } as const;
const x = [1, 0, 1, 1];
const bytes = x.map((bit) => 255 * bit);
const image = [1, 2, 2] as const;

/** q(z | x), log p(x | z) and log p(x, z) − log q(z | x) of all latents z. */
function latents(parameters: Parameters) {
  const logits = affine(parameters, "logits", x);
  return bitVectors(3).map((z) => {
    const logQ = logCoins(logits, z);
    const logLikelihood = logCoins(affine(parameters, "decoder.0", z), x);
    return {
      ...{ p: Math.exp(logQ), logLikelihood },
      logWeight: logLikelihood - 3 * Math.log(2) - logQ,
    };
  });
}

const lossOfOne = (parameters: Parameters): number =>
  -latents(parameters).reduce((s, { p, logWeight }) => s + p * logWeight, 0);
const lossOfTwo = (parameters: Parameters): number => -boundOfTwo(latents(parameters));
const logEvidence = (parameters: Parameters): number =>
  Math.log(latents(parameters).reduce((s, { p, logWeight }) => s + p * Math.exp(logWeight), 0));
const ofNetworks = (path: string): boolean => /^(logits|decoder)\./.test(path);

describe("the mean gradient is that of the evidence lower bound", () => {
  it.each([
    { estimator: "score-function" },
    { estimator: "score-function", samples: 3 },
    { estimator: "score-function", baseline: "input-dependent" },
    { estimator: "rebar" },
    { estimator: "relax" },
    { estimator: "muprop" },
    { estimator: "muprop", baseline: "input-dependent" },
    { estimator: "arm" },
  ])("$estimator, samples $samples, baseline $baseline", async (options) => {
    const method = await createOn(name, image, { ...tiny, ...options });
    expectExact(await meanGradient(method, bytes), lossOfOne, ofNetworks);
  });
});

it("exact has the gradient itself", async () => {
  const method = await createOn(name, image, { ...tiny, estimator: "exact" });
  // Few rows: the sum of many has a rounding error, and nothing else to hide it.
  expectExact(await meanGradient(method, bytes, { groups: 2, rows: 2 }), lossOfOne, ofNetworks);
});

describe("the mean gradient is that of the bound by two samples", () => {
  it.each([{ estimator: "vimco" }, { estimator: "score-function", bound: "iwae" }])(
    "$estimator",
    async (options) => {
      const method = await createOn(name, image, { ...tiny, ...options, samples: 2 });
      expectExact(await meanGradient(method, bytes), lossOfTwo, ofNetworks);
    },
  );
});

describe("what an estimator learns for itself follows its own error down", () => {
  it("a baseline: half the squared distance of its prediction from the signal", async () => {
    const options = { ...tiny, estimator: "score-function", baseline: "input-dependent" };
    const method = await createOn(name, image, options);
    const ofBias = (path: string): boolean => path === "estimator.prediction.output.bias";
    const { parameters, gradient } = await meanGradient(method, bytes);
    const reconstruction = (given: Parameters): number =>
      latents(given).reduce((s, { p, logLikelihood }) => s + p * logLikelihood, 0);
    const relu = (xs: readonly number[]): number[] => xs.map((v) => Math.max(0, v));
    const prediction = affine(
      parameters,
      "estimator.prediction.output",
      relu(affine(parameters, "estimator.prediction.hidden", x)),
    )[0]!;
    // Of the signals before, 3 = 2.4/0.8 was the mean; that of the rest is to be predicted.
    const wanted = prediction - (reconstruction(parameters) + 3);
    const [[bias]] = [...gradient].filter(([path]) => ofBias(path)).map(([, each]) => each) as [
      [{ mean: number; standardError: number }],
    ];
    expect(Math.abs(bias.mean - wanted)).toBeLessThan(4 * bias.standardError);
    expect(Math.abs(wanted)).toBeGreaterThan(10 * bias.standardError);
  });

  it("a control variate: the variance, which a scale of the wrong sign makes large", async () => {
    for (const estimator of ["rebar", "relax"]) {
      const method = await createOn(name, image, { ...tiny, estimator });
      const { gradient } = await meanGradient(method, bytes, { scale: -1 });
      const [{ mean, standardError }] = gradient.get("estimator.scale") as [
        { mean: number; standardError: number },
      ];
      // Down the gradient is up to the positive side.
      expect(mean, estimator).toBeLessThan(-4 * standardError);
    }
  });
});

it.each(["gumbel-softmax", "st-gumbel-softmax", "straight-through"])(
  "%s, which is biased, points about the right way",
  async (estimator) => {
    const method = await createOn(name, image, { ...tiny, estimator, temperature: 0.5 });
    const measured = await meanGradient(method, bytes, { groups: 10 });
    expect(agreement(measured, lossOfOne, ofNetworks)).toBeGreaterThan(0.7);
  },
);

describe("its figures", async () => {
  const method = await createOn(name, image, { ...tiny, boundSamples: 500 });
  const weights = weightsOf(method, initialState(method.phases[0]!, 5));
  const parameters: Parameters = new Map(
    [...leafMap(weights)].map(([path, { data }]) => [
      path.replace(/^params\./, ""),
      Array.from(data, Number),
    ]),
  );
  const rows = 400;
  const data = Uint8Array.from({ length: rows * 4 }, (_, i) => bytes[i % 4]!);
  const batch: Tensor = { dtype: "uint8", shape: [rows, ...image], data };
  const meanOf = async (each: "evaluate" | "bound"): Promise<number> => {
    const compiled = await compileFunction(method, each, weights, { threads: 1 });
    const outputs = await compiled.run({ image: batch });
    await compiled.release();
    const values = Array.from(Object.values(outputs)[0]!.data as Float32Array);
    return values.reduce((s, v) => s + v, 0) / rows;
  };

  it("evaluate: the negative evidence lower bound of exact bits", async () => {
    expect(Math.abs((await meanOf("evaluate")) - lossOfOne(parameters))).toBeLessThan(0.02);
  });

  it("bound: all but −log p(x) with 500 samples", async () => {
    const gap = (await meanOf("bound")) + logEvidence(parameters);
    expect(Math.abs(gap)).toBeLessThan(0.003);
  });

  it("encode: the likelier bits, with their probabilities", async () => {
    const compiled = await compileFunction(method, "encode", weights, { threads: 1 });
    const { latent, probabilities } = await compiled.run({ image: batch });
    await compiled.release();
    for (const [i, p] of (probabilities!.data as Float32Array).entries()) {
      expect(latent!.data[i]).toBe(p > 0.5 ? 1 : 0);
    }
    const logits = affine(parameters, "logits", x);
    for (const [i, a] of logits.entries()) {
      expect(probabilities!.data[i]).toBeCloseTo(1 / (1 + Math.exp(-a)), 5);
    }
  });
});

it.each([
  [{ estimator: "pathwise" }, /pathwise does not work with Independent.*Those that do: .*arm/],
  [{ estimator: "doubly-reparameterized" }, /does not work with/],
  [{ estimator: "exact" }, /2\^200 outcomes, and at most 4096/],
  [{ estimator: "rebar", bound: "iwae" }, /target of rebar is the objective/],
  [{ estimator: "vimco", beta: 2 }, /no KL term that could be weighed/],
  [{ estimator: "straight-through", baseline: "none" }, /takes no baseline/],
  [{ temperature: 0.4 }, /temperatureFloor 0.5 is above temperature 0.4/],
  [{ latents: 0 }, /latents/],
] as const)("refuses %o", async (options, message) => {
  await expect(createOn(name, [1, 28, 28], options)).rejects.toThrow(message);
});
