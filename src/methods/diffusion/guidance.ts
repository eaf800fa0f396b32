/**
 * Classifier-free guidance (Ho & Salimans 2022, eq. 6): x̂₀ = x̂₀(x, none) + s·(x̂₀(x, c) − x̂₀(x, none)), which they
 * write with w = s − 1. At s = 1 the network is asked with the class only, at s = 0 without it only. What holds
 * for x̂₀ holds for ε and every other prediction, for they are affine in x̂₀ with the same x.
 */
import { allocate, ReparamError, type Tensor } from "../../tensor/index.ts";
import type { NoiseLevel } from "./grid.ts";
import type { Denoiser } from "./sample.ts";
import { tensorSpace } from "./tensor-space.ts";

/** The class of each row, and none; undefined where the network is told no classes. */
export interface Labels {
  readonly told: Tensor;
  readonly none: Tensor;
}

/** Throws for guidance of a model that is told no classes. */
export function labelsOf(
  classes: number | undefined,
  label: Tensor | undefined,
  guidance: number,
): Labels | undefined {
  if (classes === undefined && guidance !== 1) {
    throw new ReparamError(
      `guidance ${guidance}: the model is told no classes. Leave it at 1, or train with --conditional.`,
    );
  }
  if (classes === undefined || label === undefined) return undefined;
  const data = allocate(label.dtype, label.data.length);
  data.fill(classes as never);
  return { told: label, none: { ...label, data } };
}

/** A denoiser with classes, guided: two evaluations of a network for each of it where s is neither 0 nor 1. */
export function guided(
  ask: (x: Tensor, level: NoiseLevel, label: Tensor | undefined) => Promise<Tensor>,
  labels: Labels | undefined,
  guidance: number,
): Denoiser {
  if (labels === undefined || guidance === 1) return (x, level) => ask(x, level, labels?.told);
  if (guidance === 0) return (x, level) => ask(x, level, labels.none);
  return async (x, level) => {
    const without = await ask(x, level, labels.none);
    const told = await ask(x, level, labels.told);
    return tensorSpace.combine([1 - guidance, guidance], [without, told]);
  };
}
