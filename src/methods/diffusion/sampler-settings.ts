// The options of every sampler, as one schema: the command line's flags and the library's settings come from it.
import { z } from "zod";
import { spacingNames } from "./grid.ts";
import { coordinateNames } from "./runge-kutta-steps.ts";

export const samplerNames = [
  "ddpm",
  "ddim",
  "euler",
  "euler-ancestral",
  "heun",
  "dpm-solver-1",
  "dpm-solver-2",
  "dpm-solver-3",
  "dpm-solver++2m",
  "dpm-solver++3m",
  "dpm-solver++2m-sde",
  "dpm-solver++3m-sde",
  "unipc",
  "deis",
  "exponential-rk",
  "adaptive",
] as const;

const atLeast0 = (): z.ZodNumber => z.number().min(0, "must be 0 or more");

/** Options of a sampler besides those of its grid. */
export const samplerFields = {
  sampler: z.enum(samplerNames).default("dpm-solver++2m").describe("how noise becomes data"),
  steps: z.int().min(1, "must be at least 1").default(20).describe("steps from noise to data"),
  spacing: z
    .enum(spacingNames)
    .optional()
    .describe("of the noise levels; uniform for rectified flows, else karras"),
  rho: z.number().positive("must be above 0").default(7).describe("exponent of the spacing karras"),
  finish: z
    .enum(["clean", "least"])
    .default("clean")
    .describe("whether the last step leads to no noise, or to the least noise of the process"),
  eta: atLeast0()
    .optional()
    .describe("fresh noise of ddim (0 by default), euler-ancestral and the SDE samplers (1)"),
  variance: z
    .enum(["posterior", "forward"])
    .default("posterior")
    .describe("of ddpm: the smaller or the larger choice of its noise"),
  churn: atLeast0().default(0).describe("of heun: S_churn, noise added before every step"),
  churnMin: atLeast0().default(0).describe("of heun: S_min, the least noise level that is churned"),
  churnMax: atLeast0().default(1e6).describe("of heun: S_max, the largest one"),
  churnNoise: atLeast0().default(1).describe("of heun: S_noise, the scale of the added noise"),
  coordinate: z
    .enum(coordinateNames)
    .optional()
    .describe("of heun: what it integrates over; time for rectified flows, else sigma"),
  order: z
    .int()
    .min(1)
    .max(4)
    .optional()
    .describe("of unipc and deis (3 by default), exponential-rk (4) and adaptive (5)"),
  variant: z
    .enum(["exact", "published", "bh1", "bh2"])
    .optional()
    .describe("of dpm-solver++3m: exact, or as commonly published; of unipc: bh2 or bh1"),
  continued: z
    .enum(["data", "noise"])
    .optional()
    .describe(
      "of dpm-solver-1 to 3 (noise by default) and exponential-rk (data): what is continued within a step",
    ),
  midpoint: z
    .number()
    .gt(0, "must be above 0")
    .lt(1, "must be below 1")
    .default(0.5)
    .describe(
      "of dpm-solver-2: where in a step, in log-SNR, the network is asked what holds for the whole step",
    ),
  polynomial: z
    .enum(["time", "sigma", "log-snr"])
    .optional()
    .describe("of deis: what its polynomials are in; time by default"),
  startUp: z
    .enum(["lower-order", "same-order"])
    .default("lower-order")
    .describe(
      "first steps of multistep samplers: of lower order, or as many evaluations as the order takes",
    ),
  tolerance: z
    .number()
    .positive("must be above 0")
    .default(1e-3)
    .describe("of adaptive: relative error of a step"),
};

const samplerSchema = z.object(samplerFields);

/** All options of samplers, with their defaults. */
export type SamplerSettings = z.infer<typeof samplerSchema>;
