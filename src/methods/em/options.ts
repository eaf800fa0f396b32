// Options and small parts that the methods of this folder share.
import { z } from "zod";
import type { BatchSpec, DataShape } from "../../step/index.ts";
import { dim } from "../../tensor/index.ts";
import { type StartKind, startKinds } from "./centres.ts";

export const B = dim("B");

/** How EM runs, as options of a method. */
export const emFields = {
  starts: z
    .int()
    .min(1)
    .default(1)
    .describe("runs from different starts (n_init); the likeliest is kept"),
  tolerance: z
    .number()
    .min(0)
    .default(1e-6)
    .describe("ends when the loss changes by less than this in an iteration"),
  algorithm: z
    .enum(["batch", "online"])
    .default("batch")
    .describe("an update after every pass, or after every batch (Cappé, Moulines 2009)"),
  stepExponent: z
    .number()
    .min(0.5)
    .max(1)
    .default(0.6)
    .describe("κ of online EM: batch t counts (t + 1)^−κ"),
  startRows: z
    .int()
    .min(1)
    .default(20_000)
    .describe("rows that the start is made from, about; of online EM the first chunk"),
};

/** What clusters the start is made from. */
export const startField = (usual: StartKind) =>
  z.enum(startKinds).default(usual).describe("clusters that the start is made from");

/** The column of weights, where the data has one. */
export const weightColumn = ({ columns: { weight } }: DataShape): BatchSpec =>
  weight !== undefined && /^float/.test(weight.dtype) && weight.shape.length === 1
    ? { weight: { dtype: weight.dtype, shape: [B] } }
    : {};
