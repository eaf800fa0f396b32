// Options and small parts that the methods of this folder share.
import { z } from "zod";
import type { BatchSpec, DataShape } from "../../step/index.ts";
import { dim, ReparamError, type Shape } from "../../tensor/index.ts";
import { type StartKind, startKinds } from "./centres.ts";

export const B = dim("B");

/** How EM runs, as options of a method. */
export const emFields = {
  starts: z.int().min(1).default(1).describe("runs from different starts; the likeliest is kept"),
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
  startRows: z.int().min(1).default(20_000).describe("rows that the start is made from, about"),
};

/** What clusters the start is made from. */
export const startField = (usual: StartKind) =>
  z.enum(startKinds).default(usual).describe("clusters that the start is made from");

/** A column of the data that a method can read, or an error that says what it wants. */
export function columnOf(
  { columns }: DataShape,
  name: string,
  fits: (dtype: string, shape: Shape) => boolean,
  wanted: string,
): BatchSpec[string] {
  const column = columns[name];
  if (column !== undefined && fits(column.dtype, column.shape)) return column;
  throw new ReparamError(wanted);
}

/** The column of weights, where the data has one. */
export const weightColumn = ({ columns: { weight } }: DataShape): BatchSpec =>
  weight?.dtype === "float64" && weight.shape.length === 1
    ? { weight: { dtype: "float64", shape: [B] } }
    : {};
