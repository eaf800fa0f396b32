// One definition of a formula for numbers of the host, in float64, and for traced values.
import * as ops from "../../ops/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";

/** What formulas of noise levels are written in. */
export interface Arithmetic<T> {
  add(a: T, b: T | number): T;
  sub(a: T, b: T | number): T;
  mul(a: T, b: T | number): T;
  div(a: T, b: T | number): T;
  sqrt(a: T): T;
  exp(a: T): T;
  expm1(a: T): T;
  log(a: T): T;
  /** log(1 + eᵃ) */
  softplus(a: T): T;
  sin(a: T): T;
  /** Of numbers only: throws for traced values. */
  acos(a: T): T;
}

export const numbers: Arithmetic<number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  sqrt: Math.sqrt,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  softplus: (a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a))),
  sin: Math.sin,
  acos: Math.acos,
};

export const values: Arithmetic<Value> = {
  add: (a, b) => a.add(b),
  sub: (a, b) => a.sub(b),
  mul: (a, b) => a.mul(b),
  div: (a, b) => a.div(b),
  sqrt: ops.sqrt,
  exp: ops.exp,
  expm1: ops.expm1,
  log: ops.log,
  softplus: (a) => ops.maximum(a, 0).add(ops.log1p(ops.exp(ops.abs(a).neg()))),
  sin: ops.sin,
  acos: () => {
    throw new ReparamError(
      "the cosine schedule has no traced inverse. Draw its training times uniformly, or take another process.",
    );
  },
};
