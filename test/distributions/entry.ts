// What the tests of the shared contract know of a distribution, and helpers to write it down.
import type { Distribution } from "../../src/distributions/index.ts";
import { type Tensor, tensorOf } from "../../src/tensor/index.ts";
import type { Value } from "../../src/trace/index.ts";

export interface Entry {
  readonly name: string;
  /** The exported factory that the entry tests. */
  readonly factory: string;
  /** float64, with a leading batch axis of 2. */
  readonly parameters: readonly Tensor[];
  readonly make: (...parameters: Value[]) => Distribution;
  /** A batch of events inside the support, float64 where values are continuous. */
  readonly value: Tensor;
  /** All events of a discrete support, one a row: [count, 1, ...eventShape]; of an endless one, enough. */
  readonly events?: Tensor;
  /** Members that throw because they have no closed form, or because they do not exist. */
  readonly lacks?: readonly ("entropy" | "mean" | "variance")[];
  /** Points x of an integral over one dimension, and their events [count, 1, ...eventShape]. */
  readonly grid?: readonly [xs: readonly number[], events: Tensor];
  /** Pathwise gradients are implicit: not those of the draw as a function of its noise. */
  readonly implicit?: true;
}

export const f64 = (shape: readonly number[], ...values: number[]): Tensor =>
  tensorOf(values, shape, "float64");

export const line = (from: number, to: number, count = 4001): number[] =>
  Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));

/** Points of (0, 1), dense at both ends, where relaxed densities peak. */
export const unit = line(-30, 30).map((t) => 1 / (1 + Math.exp(-t)));

/** Points of (0, ∞), equally far apart in their logarithms. */
export const halfLine = line(-30, 12).map(Math.exp);

export const scalars = (xs: readonly number[]): [readonly number[], Tensor] => [
  xs,
  f64([xs.length, 1], ...xs),
];
