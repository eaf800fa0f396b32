// Samplers on a mixture of Gaussians whose denoiser is known in closed form, in float64.
import { describe, expect, it } from "vitest";
import { askMixture, type GaussianMixture } from "../../../src/methods/diffusion/exact-mixture.ts";
import { levelAt, levelOf } from "../../../src/methods/diffusion/grid.ts";
import { logLikelihood } from "../../../src/methods/diffusion/likelihood.ts";
import { denoisedCoefficients, inputScale } from "../../../src/methods/diffusion/prediction.ts";
import {
  type NoiseProcess,
  noiseProcess,
  type ProcessName,
} from "../../../src/methods/diffusion/process.ts";
import {
  type Denoiser,
  denoiserOf,
  type SamplerOptions,
  sampleDiffusion,
} from "../../../src/methods/diffusion/sample.ts";
import { tensorSpace } from "../../../src/methods/diffusion/tensor-space.ts";
import { arraySpace, etdrk3, integrateExponential, scalarPart } from "../../../src/ode/index.ts";
import { type Tensor, tensorOf } from "../../../src/tensor/index.ts";

const mixture: GaussianMixture = {
  weights: [0.3, 0.5, 0.2],
  means: [
    [-1, 0.5],
    [0.8, -0.4],
    [0.2, 1.2],
  ],
  stds: [0.35, 0.5, 0.25],
};
const denoise: Denoiser = (x, level) => askMixture(mixture, x, level).denoised;

/** An interval inside of the process's: σ̂ from 3 to 0.15. */
const interior = (process: NoiseProcess): readonly [number, number] => [
  levelOf(process, 0.15).t,
  levelOf(process, 3).t,
];

const starts = tensorOf(
  [1.1, -0.6, 0.3, 2.2, -2.5, 0.4, 0.9, 0.8, -0.2, -1.7, 1.9, 1.4],
  [6, 2],
  "float64",
);

/** x at the end from the same six points at the beginning. */
async function end(process: NoiseProcess, options: SamplerOptions): Promise<Float64Array> {
  const interval = interior(process);
  const { sigma } = levelAt(process, interval[1]);
  const start = { ...starts, data: (starts.data as Float64Array).map((v) => v * sigma) } as Tensor;
  const shape = start.shape;
  const { x } = await sampleDiffusion(denoise, { process, shape, start, interval, ...options });
  return x.data as Float64Array;
}

const distance = (a: Float64Array, b: Float64Array): number =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0));

const references = new Map<ProcessName, Promise<Float64Array>>();
function reference(process: NoiseProcess): Promise<Float64Array> {
  let found = references.get(process.name);
  if (found === undefined) {
    found = end(process, { sampler: "adaptive", tolerance: 1e-12, finish: "least" });
    references.set(process.name, found);
  }
  return found;
}

/** The order that the error falls by between two numbers of steps. */
async function measuredOrder(process: NoiseProcess, options: SamplerOptions, steps: number) {
  const exact = await reference(process);
  const errors: number[] = [];
  for (const count of [steps, 2 * steps]) {
    const got = await end(process, { ...options, steps: count, finish: "least" });
    errors.push(distance(got, exact));
  }
  return Math.log2(errors[0]! / errors[1]!);
}

type Case = readonly [ProcessName, SamplerOptions, order: number, steps: number];

const cases = (
  [
    ["vp-linear", { sampler: "ddim" }, 1],
    ["flow", { sampler: "ddim", spacing: "uniform" }, 1],
    ["edm", { sampler: "euler", spacing: "karras" }, 1],
    ["edm", { sampler: "heun", spacing: "karras" }, 2],
    ["vp-cosine", { sampler: "heun" }, 2],
    ["flow", { sampler: "heun", spacing: "uniform" }, 2],
    ["vp-linear", { sampler: "dpm-solver-1" }, 1],
    ["vp-linear", { sampler: "dpm-solver-2" }, 2],
    ["vp-linear", { sampler: "dpm-solver-2", midpoint: 0.4 }, 1, 160],
    ["vp-linear", { sampler: "dpm-solver-3" }, 3],
    ["edm", { sampler: "dpm-solver-2", continued: "data" }, 2],
    ["vp-linear", { sampler: "dpm-solver++2m" }, 2],
    ["sub-vp", { sampler: "dpm-solver++2m", spacing: "karras" }, 2],
    ["vp-linear", { sampler: "dpm-solver++3m" }, 3],
    ["flow", { sampler: "dpm-solver++3m" }, 3],
    ["vp-linear", { sampler: "dpm-solver++3m", variant: "published" }, 2, 160],
    ["vp-linear", { sampler: "dpm-solver++2m-sde", eta: 0 }, 2],
    ["vp-linear", { sampler: "unipc", order: 1 }, 2],
    ["vp-linear", { sampler: "unipc", order: 2 }, 3],
    ["vp-linear", { sampler: "unipc", order: 2, variant: "bh1" }, 3],
    ["ve", { sampler: "unipc", order: 3 }, 4, 80],
    ["vp-linear", { sampler: "deis", order: 2 }, 2],
    ["vp-linear", { sampler: "deis", order: 3 }, 3],
    ["vp-linear", { sampler: "deis", order: 4 }, 4],
    ["edm", { sampler: "deis", order: 3, polynomial: "sigma" }, 3],
    ["edm", { sampler: "deis", order: 3, polynomial: "log-snr" }, 3],
    ["edm", { sampler: "exponential-rk", order: 2 }, 2],
    ["edm", { sampler: "exponential-rk", order: 3 }, 3],
    ["vp-linear", { sampler: "exponential-rk", order: 4 }, 4],
  ] as readonly (readonly [ProcessName, SamplerOptions, number, number?])[]
).map(([name, options, order, steps = 40]): Case => [name, options, order, steps]);

const multistep = /2m$|3m$|unipc|deis/;

describe("order of convergence, same-order start-up, interior interval", () => {
  it.each(cases)("%s %o is of order %d", async (name, options, order, steps) => {
    const process = noiseProcess(name);
    const startUp = multistep.test(options.sampler!) ? ({ startUp: "same-order" } as const) : {};
    const spacing = options.spacing ?? "log-snr";
    const got = await measuredOrder(process, { ...options, ...startUp, spacing }, steps);
    expect(Math.abs(got - order)).toBeLessThan(0.15);
  });
});

/** The largest difference of two samplers' ends over the same steps. */
async function difference(
  name: ProcessName,
  one: SamplerOptions,
  other: SamplerOptions,
): Promise<number> {
  const process = noiseProcess(name);
  const [a, b] = await Promise.all([end(process, one), end(process, other)]);
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
}

it("at some other midpoint than the middle, few steps are nearer to the exact flow", async () => {
  const process = noiseProcess("edm");
  const exact = await reference(process);
  const errorOf = async (midpoint: number): Promise<number> => {
    const options = { sampler: "dpm-solver-2", steps: 4, spacing: "karras", midpoint } as const;
    return distance(await end(process, { ...options, finish: "least" }), exact);
  };
  const middle = await errorOf(0.5);
  const others = await Promise.all([0.35, 0.4, 0.45, 0.55, 0.6, 0.65].map(errorOf));
  expect(Math.min(...others)).toBeLessThan(0.9 * middle);
});

describe("samplers that are the same", () => {
  const steps = { steps: 7, finish: "least" } as const;
  const same: readonly (readonly [ProcessName, SamplerOptions, SamplerOptions])[] = [
    ["vp-linear", { sampler: "ddim" }, { sampler: "dpm-solver-1" }],
    ["vp-cosine", { sampler: "ddim" }, { sampler: "dpm-solver-1", continued: "data" }],
    ["edm", { sampler: "ddim" }, { sampler: "euler" }],
    ["vp-linear", { sampler: "ddpm" }, { sampler: "ddim", eta: 1 }],
    ["ve", { sampler: "ddpm" }, { sampler: "euler-ancestral" }],
    ["vp-linear", { sampler: "ddim", eta: 1 }, { sampler: "euler-ancestral", eta: 1 }],
    ["vp-linear", { sampler: "deis", order: 1 }, { sampler: "ddim" }],
    ["vp-linear", { sampler: "dpm-solver++2m" }, { sampler: "dpm-solver++2m-sde", eta: 0 }],
    ["vp-linear", { sampler: "dpm-solver++3m" }, { sampler: "dpm-solver++3m-sde", eta: 0 }],
    [
      "vp-linear",
      { sampler: "ddim", spacing: "exponential" },
      { sampler: "ddim", spacing: "log-snr" },
    ],
  ];
  it.each(same)("%s: %o and %o", async (name, one, other) => {
    expect(await difference(name, { ...steps, ...one }, { ...steps, ...other })).toBeLessThan(
      1e-12,
    );
  });

  it.each(["heun", "dpm-solver++2m", "dpm-solver++3m", "unipc", "deis", "dpm-solver-2"] as const)(
    "%s in one step to no noise is Euler's step",
    async (sampler) => {
      const one = { steps: 1, finish: "clean" } as const;
      const got = await difference("vp-linear", { ...one, sampler }, { ...one, sampler: "euler" });
      expect(got).toBeLessThan(1e-14);
    },
  );

  it("Heun's method in σ differs from Heun's method in t, but Euler's steps are one", async () => {
    const flow = { ...steps, spacing: "uniform" } as const;
    const inSigma = { ...flow, sampler: "heun", coordinate: "sigma" } as const;
    expect(await difference("flow", inSigma, { ...flow, sampler: "heun" })).toBeGreaterThan(1e-4);
    // x + (t' − t)·(ε − x₀), Liu, Gong, Liu 2023, algorithm 1
    const process = noiseProcess("flow");
    const levels = interior(process);
    let x = starts.data as Float64Array;
    x = x.map((v) => v * levels[1]);
    for (let i = 0; i < 7; i++) {
      const t = levels[1] + ((levels[0] - levels[1]) * i) / 7;
      const tensor = tensorOf(x, [6, 2], "float64");
      const denoised = (await denoise(tensor, levelAt(process, t))).data as Float64Array;
      x = x.map((v, k) => v + ((levels[0] - levels[1]) / 7) * ((v - denoised[k]!) / t));
    }
    const got = await end(process, { ...flow, sampler: "euler" });
    expect(distance(got, x)).toBeLessThan(1e-12);
  });

  it("DDIM is exponential Euler, and exponential-rk the method of that name, of ode/", async () => {
    const process = noiseProcess("edm");
    const [least, most] = interior(process);
    const steps = 6;
    const path = integrateExponential(
      {
        linear: scalarPart(-1, arraySpace),
        f: (halfLogSnr, u) => {
          const level = levelOf(process, Math.exp(-halfLogSnr));
          return askMixture(mixture, tensorOf(u, [6, 2], "float64"), level).denoised
            .data as Float64Array;
        },
        interval: [-Math.log(most), -Math.log(least)],
        y0: (starts.data as Float64Array).map((v) => v * most),
      },
      { steps, method: etdrk3 },
    );
    const options = { steps, finish: "least", spacing: "log-snr" } as const;
    const got = await end(process, { ...options, sampler: "exponential-rk", order: 3 });
    expect(distance(got, path.states.at(-1)!)).toBeLessThan(1e-12);
  });
});

describe("a Gaussian", () => {
  const spread = 0.7;
  const gaussian: GaussianMixture = { weights: [1], means: [[0.4]], stds: [spread] };
  const about = (name: ProcessName, options: SamplerOptions, count = 1000) =>
    sampleDiffusion((x, level) => askMixture(gaussian, x, level).denoised, {
      ...{ process: noiseProcess(name), shape: [count, 1], dtype: "float64", seed: 5 },
      ...options,
    });
  const moments = ({ data }: Tensor) => {
    const values = Array.from(data as Float64Array);
    const mean = values.reduce((s, v) => s + v, 0) / values.length;
    const variance = values.reduce((s, v) => s + (v - mean) ** 2, 0) / (values.length - 1);
    return { mean, std: Math.sqrt(variance) };
  };

  it.each([
    ["vp-linear", { sampler: "ddpm", steps: 200 }],
    ["vp-linear", { sampler: "ddpm", steps: 200, variance: "forward" }],
    ["ve", { sampler: "euler-ancestral", steps: 200 }],
    ["flow", { sampler: "ddim", eta: 0.7, steps: 250, spacing: "log-snr" }],
    ["edm", { sampler: "heun", churn: 40, steps: 60 }],
    ["flow", { sampler: "heun", churn: 20, steps: 60, spacing: "log-snr" }],
    ["vp-cosine", { sampler: "dpm-solver++2m-sde", steps: 60 }],
    ["edm", { sampler: "dpm-solver++2m-sde", eta: 0.5, steps: 60 }],
    ["edm", { sampler: "dpm-solver++3m-sde", steps: 60 }],
  ] as const)("keeps its mean and spread under %s %o", async (name, options) => {
    const { mean, std } = moments((await about(name, options)).x);
    // Four standard errors of 1000 draws, and one percent for the steps.
    expect(Math.abs(mean - 0.4)).toBeLessThan((4 * spread) / Math.sqrt(1000) + 0.01);
    expect(Math.abs(std / spread - 1)).toBeLessThan(4 / Math.sqrt(2000) + 0.01);
  });

  it("has too little spread by DDPM's posterior variance in few steps, and more by the forward one", async () => {
    const few = { sampler: "ddpm", steps: 8, spacing: "log-snr" } as const;
    const small = moments((await about("vp-linear", few)).x).std;
    const large = moments((await about("vp-linear", { ...few, variance: "forward" })).x).std;
    expect(small).toBeLessThan(spread);
    expect(large).toBeGreaterThan(small);
  });
});

describe("a network of another prediction", () => {
  it.each(["noise", "v", "edm", "flow"] as const)("%s samples as its x̂₀ does", async (name) => {
    const process = noiseProcess("vp-linear");
    const about = { process, shape: [6, 2], dtype: "float64", steps: 9 } as const;
    const p = { name, sigmaData: 0.7 };
    // The network that says exactly what it should: F = (x̂₀ − c_skip·x)/c_out of the x that c_in scaled.
    const network: Denoiser = async (input, level) => {
      const scale = inputScale(p, level);
      const x = (await tensorSpace.combine([1 / scale], [input])) as Tensor;
      const { skip, output } = denoisedCoefficients(p, level);
      return tensorSpace.combine([1 / output, -skip / output], [await denoise(x, level), x]);
    };
    const theirs = await sampleDiffusion(denoiserOf(p, network), about);
    const ours = await sampleDiffusion(denoise, about);
    expect(distance(theirs.x.data as Float64Array, ours.x.data as Float64Array)).toBeLessThan(1e-9);
  });
});

describe("going backwards", () => {
  it("encodes data so that the same sampler decodes them", async () => {
    const process = noiseProcess("vp-linear");
    const options = { sampler: "heun", steps: 60, spacing: "log-snr" } as const;
    const about = { process, shape: [6, 2], interval: interior(process) };
    const there = await sampleDiffusion(denoise, {
      ...{ ...about, ...options },
      start: starts,
      backwards: true,
    });
    const back = await sampleDiffusion(denoise, {
      ...{ ...about, ...options },
      start: there.x,
      finish: "least",
    });
    const gap = distance(back.x.data as Float64Array, starts.data as Float64Array);
    expect(gap).toBeLessThan(2e-3);
    expect(distance(there.x.data as Float64Array, starts.data as Float64Array)).toBeGreaterThan(1);
  });
});

describe("likelihood", () => {
  it.each(["vp-linear", "edm", "flow", "ve"] as const)(
    "of %s is the exact density to 0.001 nats",
    async (name) => {
      const process = noiseProcess(name);
      // The prior at the most noise, N(0, σ̂² + σ_d²), is that of data whose mean is 0.
      const centred = { ...mixture, means: mixture.means.map(([a, b]) => [a! - 0.14, b! - 0.19]) };
      const answer = async (x: Tensor, level: Parameters<Denoiser>[1]) =>
        askMixture(centred, x, level);
      const data = tensorOf([-1, 0.5, 0.5, 0, 0.2, 1.3, 1.5, -1, -0.4, 0.1], [5, 2], "float64");
      const { logDensity } = await logLikelihood(answer, data, {
        ...{ process, tolerance: 1e-5, sigmaData: 1 },
      });
      const { sigma, alpha } = levelAt(process, process.interval[0]);
      const exact = askMixture(centred, data, { alpha: 1, sigma: sigma / alpha }).logDensity.data;
      for (const [i, got] of logDensity.entries()) {
        expect(Math.abs(got - Number(exact[i]))).toBeLessThan(1e-3);
      }
      if (name !== "edm") return;
      // Its least noise is too small to be seen in the density of the data themselves.
      const clean = askMixture(centred, data, { alpha: 1, sigma: 0 }).logDensity.data;
      for (const [i, got] of logDensity.entries()) {
        expect(Math.abs(got - Number(clean[i]))).toBeLessThan(1e-3);
      }
    },
  );
});

describe("refusals", () => {
  const process = noiseProcess("vp-linear");
  const attempt = (options: SamplerOptions) =>
    sampleDiffusion(denoise, { process, shape: [1, 2], ...options });
  it.each([
    [{ steps: 0 }, /steps: must be at least 1/],
    [{ steps: 2.5 }, /steps/],
    [{ sampler: "dpm-solver-2", midpoint: 1 }, /midpoint: must be below 1/],
    [{ sampler: "ddim", midpoint: 0.4 }, /ddim has no option midpoint/],
    [{ sampler: "ddim", churn: 3 }, /ddim has no option churn. It takes steps/],
    [{ sampler: "heun", eta: 1 }, /heun has no option eta/],
    [{ sampler: "heun", coordinate: "time" }, /rectified flow, and this one is vp-linear/],
    [{ sampler: "unipc", variant: "published" }, /bh1 or bh2/],
    [{ sampler: "exponential-rk", order: 1 }, /2, 3 or 4/],
    [{ sampler: "adaptive", steps: 3 }, /adaptive has no option steps/],
    [{ sampler: "ddjm" as never }, /sampler: /],
    [{ stepz: 3 } as never, /stepz/],
  ] as const)("%o", async (options, message) => {
    await expect(attempt(options)).rejects.toThrow(message);
  });

  it("of noise on the way back, and of denoisers that answer something else", async () => {
    const about = { process, shape: [6, 2], start: starts, backwards: true } as const;
    await expect(sampleDiffusion(denoise, { ...about, sampler: "ddpm" })).rejects.toThrow(/noise/);
    await expect(
      sampleDiffusion(() => tensorOf([1], [1]), { process, shape: [6, 2] }),
    ).rejects.toThrow(/must return float32 \[6,2\]/);
  });
});
