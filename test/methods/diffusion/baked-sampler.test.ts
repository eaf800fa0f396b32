// Every sampler of fixed steps as one graph, against its plan run step by step, with the same noise.
import { describe, expect, it } from "vitest";
import { bakedSample, transitionsOf } from "../../../src/methods/diffusion/baked-sampler.ts";
import { runPlan } from "../../../src/methods/diffusion/plan.ts";
import { noiseProcess, type ProcessName } from "../../../src/methods/diffusion/process.ts";
import { planOf, type SamplerOptions } from "../../../src/methods/diffusion/sample.ts";
import { normalLike, tensorSpace } from "../../../src/methods/diffusion/tensor-space.ts";
import { runNow } from "../../../src/ode/index.ts";
import { sin } from "../../../src/ops/index.ts";
import { dim, type Tensor } from "../../../src/tensor/index.ts";
import { evaluate, trace } from "../../../src/trace/index.ts";

const shape = [3, 2];
const noise = (index: number): Tensor =>
  normalLike({ dtype: "float32", shape }, { seed: 9, step: 0, path: `noise.${index}` });

/** Any function of x and the time will do: sin(x)/(1 + t). */
const denoise = (x: Tensor, { t }: { readonly t: number }): Tensor => ({
  ...x,
  data: (x.data as Float32Array<ArrayBuffer>).map((v) => Math.sin(v) / (1 + t)),
});

const cases: readonly (readonly [ProcessName, SamplerOptions, slots: number])[] = [
  ["edm", { sampler: "euler" }, 1],
  ["vp-linear", { sampler: "ddpm" }, 1],
  ["vp-linear", { sampler: "ddim", eta: 0.5 }, 1],
  ["edm", { sampler: "heun", churn: 20 }, 3],
  ["flow", { sampler: "heun" }, 3],
  ["vp-cosine", { sampler: "dpm-solver-2" }, 2],
  ["vp-linear", { sampler: "dpm-solver-3" }, 3],
  ["edm", { sampler: "dpm-solver++2m" }, 2],
  ["edm", { sampler: "dpm-solver++3m", startUp: "same-order" }, 5],
  ["edm", { sampler: "dpm-solver++3m-sde" }, 3],
  ["ve", { sampler: "unipc", order: 3 }, 5],
  ["vp-linear", { sampler: "deis", order: 4 }, 4],
  ["edm", { sampler: "exponential-rk", order: 4 }, 5],
];

describe("a sampler in one graph", () => {
  it.each(cases)("is that of %s %o", (name, options, slots) => {
    const process = noiseProcess(name);
    const plan = planOf({ ...options, steps: 6 }, { process });
    const start = tensorSpace.combine([plan.levels[0]!.sigma], [noise(-1)]) as Tensor;
    const stepwise = runNow(runPlan(plan, start, { combine: tensorSpace.combine, denoise, noise }))
      .data as Float32Array;
    const draws = Array.from({ length: plan.draws }, (_, i) => noise(i));
    const fresh: Tensor = {
      dtype: "float32",
      shape: [plan.draws, ...shape],
      data: Float32Array.from(draws.flatMap(({ data }) => Array.from(data as Float32Array))),
    };
    const B = dim("B");
    const program = trace(
      ({ start: x, fresh: given }) => ({
        x: bakedSample(
          plan,
          (at, t) => sin(at).div(t.add(1)),
          x,
          plan.draws > 0 ? given : undefined,
        ),
      }),
      {
        start: { dtype: "float32" as const, shape: [B, 2] },
        fresh: { dtype: "float32" as const, shape: [plan.draws, B, 2] },
      },
    );
    const graph = evaluate(program, { start, fresh }).x.data as Float32Array;
    const scale = Math.max(...stepwise.map(Math.abs));
    for (const [i, value] of graph.entries()) {
      expect(Math.abs(value - stepwise[i]!) / scale).toBeLessThan(2e-5);
    }
    const widths = transitionsOf(plan).rest.map(({ matrix }) => matrix.length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(slots);
    expect(transitionsOf(plan).rest.length).toBe(plan.evaluations);
  });
});
