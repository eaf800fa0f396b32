// Fixed steps of exponential Runge-Kutta methods for ẏ = L y + N(t, y), in any vector space.
import { flatten, type MatrixLike, multiply, phiFunctions } from "../numerics/index.ts";
import { ReparamError } from "../tensor/index.ts";
import { type ExponentialTableau, etdrk4, type PhiTerm } from "./exponential-tableaux.ts";
import type { RightHandSide } from "./stepper.ts";
import { type Pending, runAsync, runNow, settle, type Task } from "./task.ts";
import { arraySpace, type VectorSpace } from "./vector-space.ts";

/** The linear part L, known by what functions of it do to a vector. */
export interface LinearPart<V> {
  /** φ_k(h·L)·v; φ_0(z) = eᶻ, φ_{k+1}(z) = (φ_k(z) − 1/k!)/z; k is 0 to 3. */
  phi(k: 0 | 1 | 2 | 3, h: number, v: V): Pending<V>;
}

/** L as a square matrix [n, n]; the functions of one h are kept for the next step. */
export function matrixPart(L: MatrixLike): LinearPart<Float64Array> {
  const n = L instanceof Float64Array ? Math.round(Math.sqrt(L.length)) : L.length;
  const flat = flatten(L, n, n, "matrixPart");
  const kept = new Map<number, Float64Array[]>();
  return {
    phi(k, h, v) {
      // Equal steps differ in their last bits.
      const key = Number(h.toPrecision(12));
      let functions = kept.get(key);
      if (functions === undefined) {
        if (kept.size >= 8) kept.clear();
        functions = phiFunctions(
          flat.map((x) => x * h),
          n,
          3,
        );
        kept.set(key, functions);
      }
      return multiply(functions[k]!, v, n, n, 1);
    },
  };
}

/** L as one number, in any space: the semilinear equations of diffusion models. */
export function scalarPart<V>(rate: number, space: VectorSpace<V>): LinearPart<V> {
  return {
    phi: (k, h, v) => {
      const value = phiFunctions(Float64Array.of(rate * h), 1, 3)[k]![0]!;
      return space.combine([value], [v]);
    },
  };
}

/** ẏ = L y + N(t, y), y(interval[0]) = y0. */
export interface SemilinearProblem<V> {
  readonly linear: LinearPart<V>;
  readonly f: RightHandSide<V>;
  readonly interval: readonly [start: number, end: number];
  readonly y0: V;
}

export interface ExponentialOptions {
  /** ETDRK4 by default. */
  readonly method?: ExponentialTableau;
  /** Number of equal steps, or their ends; 100 by default. */
  readonly steps?: number | readonly number[];
}

export interface ExponentialPath<V> {
  readonly times: readonly number[];
  readonly states: readonly V[];
  /** Calls of N. */
  readonly evaluations: number;
}

/** Follows a semilinear system of the host by equal or given steps. */
export function integrateExponential(
  problem: SemilinearProblem<Float64Array>,
  options: ExponentialOptions = {},
): ExponentialPath<Float64Array> {
  return runNow(exponentialSteps(problem, arraySpace, options));
}

/** The same in another vector space, whose operations and N may return promises. */
export function integrateExponentialAsync<V>(
  problem: SemilinearProblem<V>,
  space: VectorSpace<V>,
  options: ExponentialOptions = {},
): Promise<ExponentialPath<V>> {
  return runAsync(exponentialSteps(problem, space, options));
}

function* exponentialSteps<V>(
  { linear, f, interval: [start, end], y0 }: SemilinearProblem<V>,
  space: VectorSpace<V>,
  { method = etdrk4, steps = 100 }: ExponentialOptions,
): Task<ExponentialPath<V>> {
  if (typeof steps === "number" && !(Number.isInteger(steps) && steps > 0)) {
    throw new ReparamError(
      `integrateExponential: steps must be a positive whole number, got ${steps}.`,
    );
  }
  const ends =
    typeof steps === "number"
      ? Array.from({ length: steps }, (_, i) => start + ((end - start) * (i + 1)) / steps)
      : steps;
  const times = [start];
  const states = [y0];
  let evaluations = 0;
  for (const next of ends) {
    const t = times.at(-1)!;
    const y = states.at(-1)!;
    const h = next - t;
    const slopes: V[] = [];
    for (const [i, node] of method.nodes.entries()) {
      const row = method.stages[i]!;
      const U = i === 0 ? y : yield* stage({ linear, space, y, h, slopes }, node, row);
      slopes.push(yield* settle(f(t + node * h, U)));
      evaluations++;
    }
    times.push(next);
    states.push(yield* stage({ linear, space, y, h, slopes }, 1, method.weights));
  }
  return { times, states, evaluations };
}

interface Stage<V> {
  readonly linear: LinearPart<V>;
  readonly space: VectorSpace<V>;
  readonly y: V;
  readonly h: number;
  readonly slopes: readonly V[];
}

/** e^{node·hL} y + h Σ_j row_j(hL) N_j, each φ applied once to the sum of what it multiplies. */
function* stage<V>(
  { linear, space, y, h, slopes }: Stage<V>,
  node: number,
  row: readonly (readonly PhiTerm[])[],
): Task<V> {
  const groups = new Map<string, { term: PhiTerm; factors: number[]; vectors: V[] }>();
  for (const [j, terms] of row.entries()) {
    for (const term of terms) {
      const key = `${term.k} ${term.scale}`;
      const group = groups.get(key) ?? { term, factors: [], vectors: [] };
      group.factors.push(h * term.factor);
      group.vectors.push(slopes[j]!);
      groups.set(key, group);
    }
  }
  const parts = [yield* settle(linear.phi(0, node * h, y))];
  for (const { term, factors, vectors } of groups.values()) {
    const sum = yield* settle(space.combine(factors, vectors));
    parts.push(yield* settle(linear.phi(term.k, term.scale * h, sum)));
  }
  return yield* settle(
    space.combine(
      parts.map(() => 1),
      parts,
    ),
  );
}
