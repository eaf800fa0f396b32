// Noise processes and predictions against the papers' own expressions in Python, and against each other.
import { describe, expect, it } from "vitest";
import {
  denoisedCoefficients,
  denoisedOf,
  inputScale,
  networkInput,
  noised,
  type Prediction,
  predictionNames,
  targetCoefficients,
  targetOf,
} from "../../../src/methods/diffusion/prediction.ts";
import { noiseProcess, processNames } from "../../../src/methods/diffusion/process.ts";
import {
  drawTimes,
  lossWeight,
  type timeLawNames,
  weightingNames,
} from "../../../src/methods/diffusion/weighting.ts";
import { tensor, tensorOf } from "../../../src/tensor/index.ts";
import { evaluate, Key, trace } from "../../../src/trace/index.ts";
import { readGolden } from "../../golden/read.ts";

const golden = readGolden("diffusion");
const numbersOf = (name: string) => Array.from(golden[name]!.data as Float64Array);
const tensorNamed = (name: string) =>
  tensor(golden[name]!.data as Float64Array<ArrayBuffer>, golden[name]!.shape);

function expectClose(got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number) {
  expect(got.length).toBe(want.length);
  for (let i = 0; i < want.length; i++) {
    const scale = Math.max(1e-300, Math.abs(want[i]!));
    expect(Math.abs(got[i]! - want[i]!) / scale).toBeLessThan(tolerance);
  }
}

describe.each(processNames)("process %s", (name) => {
  const process = noiseProcess(name);
  const times = numbersOf(`${name}.times`);

  it("has the α and σ of its paper, on the host and in a graph", () => {
    const levels = times.map(process.host.level);
    expectClose(
      levels.map(({ alpha }) => alpha),
      numbersOf(`${name}.alpha`),
      1e-13,
    );
    expectClose(
      levels.map(({ sigma }) => sigma),
      numbersOf(`${name}.sigma`),
      // 1 − ᾱ cancels in the formula of the cosine schedule's paper
      name === "vp-cosine" ? 1e-10 : 1e-12,
    );
    const program = trace(({ t }) => process.traced.level(t), {
      t: { dtype: "float64" as const, shape: [times.length] },
    });
    const traced = evaluate(program, { t: tensorOf(times, [times.length], "float64") });
    expectClose(traced.alpha.data as Float64Array, numbersOf(`${name}.alpha`), 1e-13);
    expectClose(
      traced.sigma.data as Float64Array,
      levels.map(({ sigma }) => sigma),
      1e-13,
    );
  });

  it("has λ falling in t, and finds the time of a λ", () => {
    const lambdas = times.map(process.host.halfLogSnr);
    for (let i = 1; i < times.length; i++) expect(lambdas[i]!).toBeLessThan(lambdas[i - 1]!);
    const back = lambdas.map(process.host.timeOf);
    for (const [i, t] of back.entries()) expect(t).toBeCloseTo(times[i]!, 10);
    if (name === "vp-cosine") return;
    const program = trace(({ l }) => ({ t: process.traced.timeOf(l) }), {
      l: { dtype: "float64" as const, shape: [times.length] },
    });
    const { t } = evaluate(program, { l: tensorOf(lambdas, [times.length], "float64") });
    for (const [i, value] of (t.data as Float64Array).entries()) {
      expect(value).toBeCloseTo(times[i]!, 9);
    }
  });

  it("tells the network a number of 0 to 1000 that grows with the noise", () => {
    const told = process.interval.map(process.host.conditioning);
    expect(told[0]).toBeGreaterThanOrEqual(0);
    expect(told[1]).toBeGreaterThan(990);
    expect(told[1]).toBeLessThan(1000 + 1e-9);
    expect(told[0]).toBeLessThan(11);
  });

  it("makes float32 levels in a graph that are those of the host to six digits", () => {
    const count = 50;
    const [least, most] = process.interval;
    const grid = Float32Array.from({ length: count }, (_, i) => least + ((most - least) * i) / 49);
    const program = trace(({ t }) => process.traced.level(t), {
      t: { dtype: "float32" as const, shape: [count] },
    });
    const traced = evaluate(program, { t: tensor(grid, [count]) });
    const levels = Array.from(grid, process.host.level);
    const alphas = levels.map(({ alpha }) => alpha);
    const sigmas = levels.map(({ sigma }) => sigma);
    expectClose(traced.alpha.data as Float32Array, alphas, 2e-6);
    expectClose(traced.sigma.data as Float32Array, sigmas, 2e-6);
  });
});

describe("the continuous linear schedule", () => {
  it("is that of a thousand steps of β from 0.0001 to 0.02, but for ¼Σβ²", () => {
    const { host } = noiseProcess("vp-linear");
    const got = [0.1, 0.25, 0.5, 0.75, 1].map((t) => host.level(t).alpha);
    expectClose(got, numbersOf("discrete-alpha"), 0.036);
  });
});

describe.each(predictionNames)("prediction %s", (name) => {
  const p: Prediction = { name, sigmaData: 0.5 };

  it("has the target and the denoised data of its paper", () => {
    const inputs = {
      x0: tensorNamed("x0"),
      eps: tensorNamed("eps"),
      F: tensorNamed("output"),
      alpha: tensorNamed("alpha"),
      sigma: tensorNamed("sigma"),
    };
    const program = trace(({ x0, eps, F, alpha, sigma }) => {
      const level = { alpha, sigma };
      const x = noised(level, x0, eps);
      const target = targetOf(p, level, x0, eps);
      return {
        target,
        denoised: denoisedOf(p, level, x, F),
        inverse: denoisedOf(p, level, x, target),
        input: networkInput(p, level, x),
        x,
      };
    }, inputs);
    const got = evaluate(program, inputs);
    expectClose(got.target.data as Float64Array, numbersOf(`${name}.target`), 1e-12);
    expectClose(got.denoised.data as Float64Array, numbersOf(`${name}.denoised`), 1e-12);
    // What is denoised from the exact target is the data themselves.
    expectClose(got.inverse.data as Float64Array, numbersOf("x0"), 1e-12);
    const first = { alpha: numbersOf("alpha")[0]!, sigma: numbersOf("sigma")[0]! };
    const { skip, output } = denoisedCoefficients(p, first);
    const { data, noise } = targetCoefficients(p, first);
    const x = (got.x.data as Float64Array)[0]!;
    expect(skip * x + output * numbersOf("output")[0]!).toBeCloseTo(
      numbersOf(`${name}.denoised`)[0]!,
      12,
    );
    expect(data * numbersOf("x0")[0]! + noise * numbersOf("eps")[0]!).toBeCloseTo(
      numbersOf(`${name}.target`)[0]!,
      12,
    );
    expect(inputScale(p, first) * x).toBeCloseTo((got.input.data as Float64Array)[0]!, 12);
  });

  it.each(weightingNames)("weights its error by %s as an error of the data", (weighting) => {
    const inputs = { alpha: tensorNamed("alpha"), sigma: tensorNamed("sigma") };
    const { weight } = evaluate(
      trace((level) => ({ weight: lossWeight(weighting, p, level) }), inputs),
      inputs,
    );
    const [alpha, sigma] = [numbersOf("alpha"), numbersOf("sigma")];
    for (const i of alpha.keys()) {
      const level = { alpha: alpha[i]!, sigma: sigma[i]! };
      const { output } = denoisedCoefficients(p, level);
      const snr = (level.alpha / level.sigma) ** 2;
      const ofData = {
        simple: 1 / output ** 2,
        snr,
        "truncated-snr": Math.max(1, snr),
        "min-snr": Math.min(5, snr),
        edm: (1 / snr + 0.25) / (0.25 / snr),
      }[weighting];
      expect((weight.data as Float64Array)[i]! / output ** 2 / ofData).toBeCloseTo(1, 12);
    }
  });
});

describe("times to train at", () => {
  const count = 4000;
  const draw = (law: (typeof timeLawNames)[number], process: ReturnType<typeof noiseProcess>) => {
    const program = trace(() => ({ t: drawTimes(law, process, new Key("t"), count) }), {});
    return evaluate(program, {}, { seed: 3, step: 0 }).t.data as Float32Array;
  };
  const mean = (xs: ArrayLike<number>) => Array.from(xs).reduce((s, x) => s + x, 0) / xs.length;

  it("are uniform, or one in each of B parts", () => {
    const process = noiseProcess("vp-linear");
    expect(mean(draw("uniform", process))).toBeCloseTo(0.5005, 1);
    const sorted = Float32Array.from(draw("stratified", process)).sort();
    for (const [i, t] of sorted.entries()) {
      expect(Math.abs((t - 1e-3) / (1 - 1e-3) - (i + 0.5) / count)).toBeLessThan(0.6 / count);
    }
  });

  it("have the mean and spread of log σ that are asked for", () => {
    for (const process of [noiseProcess("edm"), noiseProcess("flow")]) {
      const logs = Array.from(draw("log-normal", process), (t) => -process.host.halfLogSnr(t));
      const m = mean(logs);
      const std = Math.sqrt(mean(logs.map((x) => (x - m) ** 2)));
      expect(Math.abs(m + 1.2)).toBeLessThan(0.06);
      expect(Math.abs(std - 1.2)).toBeLessThan(0.05);
    }
    const logits = Array.from(draw("logit-normal", noiseProcess("flow")), (t) =>
      Math.log(t / (1 - t)),
    );
    expect(Math.abs(mean(logits))).toBeLessThan(0.06);
    const uniform = Array.from(draw("log-uniform", noiseProcess("ve")));
    expect(Math.abs(mean(uniform) - 0.5)).toBeLessThan(0.02);
  });

  it("refuse laws that do not fit the process", () => {
    expect(() => draw("logit-normal", noiseProcess("edm"))).toThrow(/0 … 1/);
    expect(() => draw("log-normal", noiseProcess("vp-cosine"))).toThrow(/uniformly/);
    expect(() => noiseProcess("edm", { sigma: [1, 0.1] })).toThrow(/smaller one first/);
    expect(() => noiseProcess("flow", { interval: [0.5, 0.5] })).toThrow(/later one/);
    expect(() => noiseProcess("ddpm" as never)).toThrow(/There are: vp-linear/);
  });
});
