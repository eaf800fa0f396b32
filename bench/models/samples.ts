import type { Column, Split } from "../../src/data/index.ts";
import type { Phase } from "../../src/step/index.ts";
import { fillUniform } from "../../src/tensor/index.ts";

/** A training of the benchmark: what is trained, and synthetic samples to train it on. */
export interface Training {
  readonly phase: Phase;
  readonly samples: Split;
  readonly batchSize: number;
}

function uniformNumbers(count: number, path: string): Float32Array<ArrayBuffer> {
  const numbers = new Float32Array(count);
  fillUniform(numbers, { seed: 0, step: 0, path });
  return numbers;
}

/** Bytes about as sparse as MNIST: four fifths background. */
export function sparseImages(length: number, shape: readonly number[]): Column {
  const uniform = uniformNumbers(length * shape.reduce((a, b) => a * b, 1), "images");
  const ink = (u: number): number => (u < 0.2 ? 1 + Math.floor((u / 0.2) * 255) : 0);
  return { dtype: "uint8", shape, data: Uint8Array.from(uniform, ink) };
}

/** Bytes uniform on 0 … 255. */
export function denseImages(length: number, shape: readonly number[]): Column {
  const uniform = uniformNumbers(length * shape.reduce((a, b) => a * b, 1), "images");
  return { dtype: "uint8", shape, data: Uint8Array.from(uniform, (u) => Math.floor(u * 256)) };
}

/** Integers uniform on 0 … classes − 1. */
export function integers(length: number, shape: readonly number[], classes: number): Column {
  const uniform = uniformNumbers(length * shape.reduce((a, b) => a * b, 1), "integers");
  return { dtype: "int32", shape, data: Int32Array.from(uniform, (u) => Math.floor(u * classes)) };
}
