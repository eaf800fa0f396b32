// How the tests look at the distributions of the table.
import { expect } from "vitest";
import type { Distribution } from "../../src/distributions/index.ts";
import { full } from "../../src/ops/index.ts";
import type { Tensor, TensorSpec } from "../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../src/trace/index.ts";
import type { Entry } from "./entry.ts";

export type Outputs = Record<string, Value>;

/** Evaluates functions of an entry's distribution at its own parameters. */
export function run<O extends Outputs>(
  entry: Entry,
  build: (p: Distribution) => O,
  seed = 3,
): { readonly [K in keyof O]: Tensor } {
  const specs: TensorSpec[] = [...entry.parameters];
  const program = trace((xs) => build(entry.make(...(xs as Value[]))), specs);
  return evaluate(program, [...entry.parameters], { seed, step: 0 }) as { [K in keyof O]: Tensor };
}

export const numbers = (x: Tensor): number[] =>
  Array.from(x.data as ArrayLike<number | bigint>, Number);

/** Whether a member exists; calling it tells. */
export function has(p: Distribution, member: "cdf" | "icdf"): boolean {
  if (p.eventShape.length > 0) return false;
  try {
    p[member](full([1], 0.5, "float64"));
    return true;
  } catch (error) {
    expect(String(error)).toMatch(/no closed form/);
    return false;
  }
}
