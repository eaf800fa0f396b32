/**
 * Images as grids of integers, by rounding: Mentzer, Minnen, Agustsson, Tschannen, "Finite scalar quantization: VQ-VAE
 * made simple" (2023); Su Jianlin, "Embarrassingly simple FSQ: rounding surpasses VQ-VAE" (2023).
 *
 *   z = encoder(x) [B, h, w, d],   k_i = Round((L_i − 1)·σ(z_i)),   x̂ = decoder(k),   loss = ‖x − x̂‖²/σ²
 *
 * with the gradient straight through the rounding. Each place of the grid is one integer below ΠL_i; nothing but the
 * networks is learned. As lookup-free quantization (Yu et al. 2024) each number has two levels, its sign, and an entropy
 * penalty spreads the codes.
 */
import { z } from "zod";
import {
  finiteScalar,
  lookupFree,
  type Quantizer,
  residualFiniteScalar,
} from "../../nn/quantizers/index.ts";
import { type DataShape, defineMethod, type Method } from "../../step/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import { createTokenizer, tokenizerOptions } from "./tokenizer.ts";

const options = z.object({
  quantizer: z
    .enum(["fsq", "lfq"])
    .default("fsq")
    .describe("fsq: rounding to levels; lfq: signs, with an entropy penalty (Yu et al. 2024)"),
  levels: z
    .string()
    .regex(/^\d+(,\d+)*$/, 'must be whole numbers such as "8,5,5,5"')
    .default("8,5,5,5")
    .describe("of fsq: levels of each number, separated by commas; their product is the codebook"),
  bound: z
    .enum(["sigmoid", "tanh", "symmetric"])
    .default("sigmoid")
    .describe("of fsq: how numbers are bounded before rounding; tanh is that of the paper"),
  stages: z
    .int()
    .min(1)
    .default(1)
    .describe("residual stages: each rounds what is left, an integer each; bound symmetric"),
  bits: z.int().min(1).max(31).default(10).describe("of lfq: numbers at each place of the grid"),
  entropyWeight: z.number().min(0).default(0.1).describe("of lfq: weight of the entropy penalty"),
  diversity: z
    .number()
    .min(0)
    .default(1)
    .describe("of lfq: weight of the use of all codes within the penalty"),
  commitmentWeight: z.number().min(0).default(0.25).describe("of lfq: weight of the commitment"),
  entropyTemperature: z
    .number()
    .positive()
    .default(0.1)
    .describe("of lfq: how far from 0 a number is a sure sign"),
  ...tokenizerOptions,
});

type Options = z.infer<typeof options>;

function quantizerOf(o: Options, window: number): Quantizer {
  if (o.quantizer === "lfq") {
    const { bits, entropyWeight, diversity, commitmentWeight } = o;
    if (o.stages > 1) {
      throw new ReparamError("fsq: residual stages are for the quantizer fsq. Leave out --stages.");
    }
    const penalty = { entropyWeight, diversity, commitmentWeight };
    return lookupFree({ bits, ...penalty, temperature: o.entropyTemperature, window });
  }
  const levels = o.levels.split(",").map(Number);
  if (o.stages === 1) return finiteScalar({ levels, bound: o.bound, window });
  if (o.bound === "tanh") {
    throw new ReparamError(
      "fsq: residual stages need a grid with the ends at ±1, which that of the bound tanh is not. Leave out --bound or --stages.",
    );
  }
  return residualFiniteScalar({ levels, stages: o.stages, window });
}

function create(o: Options, data: DataShape): Method {
  const window = Math.max(1, Math.ceil(data.trainSize / data.batchSize));
  return createTokenizer({ name: "fsq", quantizer: quantizerOf(o, window) }, o, data);
}

export const fsq = defineMethod({
  name: "fsq",
  summary: "Image tokenizer by finite scalar quantization",
  paper:
    "Mentzer, Minnen, Agustsson, Tschannen, Finite Scalar Quantization: VQ-VAE Made Simple (2023), section 3",
  options,
  training: { batchSize: 64, epochs: 10, data: "mnist" },
  create,
});
