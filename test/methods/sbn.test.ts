// The stochastic binary network with every estimator: its gradient against the sum over all paths, what it draws,
// and what it refuses.
import { describe, expect, it } from "vitest";
import { loadFolder } from "../../src/data/index.ts";
import { compileFunction, dataShape, evaluateSplit, fit } from "../../src/run/index.ts";
import { weightsOf } from "../../src/step/index.ts";
import type { Tensor } from "../../src/tensor/index.ts";
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

const name = "stochastic-binary-network";
const tiny = { hidden: 2, layers: 2, dynamicBinarization: false } as const;
const [x, y] = [
  [1, 0],
  [0, 1],
];
const bytes = [...x!, ...y!].map((bit) => 255 * bit);

/** Probability of every path of units, and log p(y | h₂) at its end. */
function paths(parameters: Parameters) {
  const [first, second, output] = ["layers.0", "layers.1", "output"].map((p) => `network.${p}`);
  return bitVectors(2).flatMap((h1) =>
    bitVectors(2).map((h2) => ({
      p: Math.exp(
        logCoins(affine(parameters, first!, x!), h1) +
          logCoins(affine(parameters, second!, h1), h2),
      ),
      logWeight: logCoins(affine(parameters, output!, h2), y!),
    })),
  );
}

const lossOfOne = (parameters: Parameters): number =>
  -paths(parameters).reduce((s, { p, logWeight }) => s + p * logWeight, 0);
const lossOfTwo = (parameters: Parameters): number => -boundOfTwo(paths(parameters));
const ofNetwork = (path: string): boolean => path.startsWith("network.");

describe("the mean gradient is that of E log p(y | h)", () => {
  it.each([
    { estimator: "score-function" },
    { estimator: "score-function", baseline: "none" },
    { estimator: "score-function", samples: 3 },
    { estimator: "score-function", baseline: "input-dependent" },
    { estimator: "rebar" },
    { estimator: "rebar", samples: 2 },
    { estimator: "relax" },
    { estimator: "muprop" },
    { estimator: "muprop", samples: 3 },
    { estimator: "muprop", baseline: "input-dependent" },
    { estimator: "arm" },
    { estimator: "arm", samples: 2 },
  ])("$estimator, samples $samples, baseline $baseline", async (options) => {
    const method = await createOn(name, [1, 2, 2], { ...tiny, ...options });
    expectExact(await meanGradient(method, bytes), lossOfOne, ofNetwork);
  });
});

it("exact has the gradient itself", async () => {
  const method = await createOn(name, [1, 2, 2], { ...tiny, estimator: "exact" });
  // Few rows: the sum of many has a rounding error, and nothing else to hide it.
  expectExact(await meanGradient(method, bytes, { groups: 2, rows: 2 }), lossOfOne, ofNetwork);
});

describe("the mean gradient is that of the bound by two samples", () => {
  it.each([
    { estimator: "vimco" },
    { estimator: "score-function", bound: "iwae" },
    { estimator: "score-function", bound: "iwae", baseline: "input-dependent" },
  ])("$estimator, baseline $baseline", async (options) => {
    const method = await createOn(name, [1, 2, 2], { ...tiny, ...options, samples: 2 });
    expectExact(await meanGradient(method, bytes), lossOfTwo, ofNetwork);
  });
});

it.each(["gumbel-softmax", "st-gumbel-softmax", "straight-through"])(
  "%s, which is biased, points about the right way",
  async (estimator) => {
    const method = await createOn(name, [1, 2, 2], { ...tiny, estimator, temperature: 0.5 });
    const measured = await meanGradient(method, bytes, { groups: 10 });
    expect(agreement(measured, lossOfOne, ofNetwork)).toBeGreaterThan(0.7);
  },
);

describe("refuses", () => {
  it.each([
    [{ estimator: "pathwise" }, /pathwise does not work with.*Bernoulli.*Those that do: .*rebar/],
    [{ estimator: "doubly-reparameterized" }, /does not work with/],
    [{ estimator: "exact" }, /2\^200 outcomes/],
    [{ estimator: "rebar", bound: "iwae" }, /target of rebar is the objective/],
    [{ estimator: "vimco", bound: "elbo" }, /target of vimco is the multi-sample bound/],
    [{ estimator: "vimco", samples: 1 }, /at least 2, got 1/],
    [{ estimator: "muprop", baseline: "leave-one-out" }, /at least 2 samples, got 1/],
    [{ estimator: "gumbel-softmax", baseline: "none" }, /takes no baseline/],
    [{ temperatureFloor: 2 }, /temperatureFloor 2 is above temperature 1/],
    [{ layers: 0 }, /layers/],
  ])("%o", async (options, message) => {
    await expect(createOn(name, [1, 28, 28], options)).rejects.toThrow(message);
  });

  it("images of one row", async () => {
    await expect(createOn(name, [1, 1, 28], {})).rejects.toThrow(/two rows or more/);
  });
});

describe("on digits", async () => {
  const sample = new URL("../data/mnist-sample", import.meta.url).pathname;
  const dataset = await loadFolder(sample, { validation: 0, binarize: "fixed" });

  it("bounds fall with their samples, and draws keep the upper half", async () => {
    const { findMethod } = await import("../../src/methods/index.ts");
    const { options, create } = await findMethod(name);
    const chosen = { hidden: 32, dynamicBinarization: false, boundSamples: 64, learningRate: 1e-2 };
    const method = create(options.parse(chosen), dataShape(dataset, 64));
    const { train, test } = dataset;
    const { state } = await fit({
      ...{ method, train, batchSize: 64, seed: 3, steps: 60, threads: 1 },
    });
    const weights = weightsOf(method, state);
    const figure = async (each: "evaluate" | "bound"): Promise<number> => {
      const compiled = await compileFunction(method, each, weights, { threads: 1 });
      const { metrics } = await evaluateSplit(compiled, test);
      await compiled.release();
      return Object.values(metrics)[0]!;
    };
    const [single, many] = [await figure("evaluate"), await figure("bound")];
    expect(many).toBeLessThan(single);
    // Fair coins have 392 log 2 = 272 nats a lower half.
    expect(single).toBeLessThan(200);

    const draw = await compileFunction(method, "reconstruct", weights, { threads: 1 });
    const pixels = test.columns.image!.data.slice(0, 784) as Uint8Array<ArrayBuffer>;
    const image: Tensor = { dtype: "uint8", shape: [1, 1, 28, 28], data: pixels };
    const [a, b] = [await draw.run({ image }, { seed: 0 }), await draw.run({ image }, { seed: 1 })];
    await draw.release();
    for (let i = 0; i < 392; i++) {
      expect(a.image!.data[i]).toBeCloseTo(Number(pixels[i]) / 255, 6);
    }
    expect(Array.from(a.image!.data.slice(392), Number)).not.toEqual(
      Array.from(b.image!.data.slice(392), Number),
    );
  });
});
