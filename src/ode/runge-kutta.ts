// One step of an explicit Runge-Kutta method, for any tableau and any vector space.
import { ReparamError } from "../tensor/index.ts";
import type { Attempt, Interpolant, RightHandSide, Stepper } from "./stepper.ts";
import { denseSlopes, denseWeights, hermiteDense, joinedError, type Tableau } from "./tableau.ts";
import { isPending, settle, type Task } from "./task.ts";
import type { Tolerance, VectorSpace } from "./vector-space.ts";

/** A stepper of `tableau`; without a tolerance it makes no error estimates and serves fixed steps only. */
export function explicitStepper<V>(
  tableau: Tableau,
  f: RightHandSide<V>,
  space: VectorSpace<V>,
  tolerance?: Required<Tolerance>,
): Stepper<V> {
  const { error } = tableau;
  if (tolerance !== undefined && error === undefined) {
    throw new ReparamError(
      `integrate: ${tableau.name} has no error estimate. Give a number of steps, or take heun, bogackiShampine, dormandPrince or dop853.`,
    );
  }
  const stageRows = tableau.stages.map(sparse);
  const weights = sparse(tableau.weights);
  const errorRows = error?.rows.map(sparse) ?? [];
  function* attempt(t: number, y: V, slope: V, h: number): Task<Attempt<V>> {
    const ks = [slope];
    let y1: V | undefined;
    for (let i = 1; i <= tableau.nodes.length; i++) {
      const row = stageRows[i] ?? weights;
      const pending = combination(space, y, h, row, ks);
      const point = isPending(pending) ? ((yield pending) as V) : pending;
      const k = f(t + (tableau.nodes[i] ?? 1) * h, point);
      ks.push(isPending(k) ? ((yield k) as V) : k);
      if (row === weights) y1 = point;
    }
    const end = y1 as V;
    const norms: number[] = [];
    if (tolerance !== undefined) {
      for (const row of errorRows) {
        const difference = yield* settle(weighted(space, h, row, ks));
        norms.push(yield* settle(space.scaledNorm(difference, y, end, tolerance)));
      }
    }
    const done = { y: end, slope: ks.at(-1)!, error: joinedError(norms) };
    return { ...done, interpolant: () => interpolant({ t, y, h, ks }) };
  }
  const rows = tableau.dense ?? hermiteDense(tableau.weights);
  function* interpolant({ t, y, h, ks }: Stages<V>): Task<Interpolant<V>> {
    const all = [...ks];
    for (const [i, row] of (tableau.extra?.stages ?? []).entries()) {
      const point = yield* settle(combination(space, y, h, sparse(row), all));
      all.push(yield* settle(f(t + tableau.extra!.nodes[i]! * h, point)));
    }
    return {
      value: (theta) => combination(space, y, h, sparse(denseWeights(rows, theta)), all),
      slope: (theta) => space.combine(denseSlopes(rows, theta), all),
    };
  }
  return { errorOrder: error?.order ?? tableau.order, attempt };
}

interface Stages<V> {
  readonly t: number;
  readonly y: V;
  readonly h: number;
  readonly ks: readonly V[];
}

/** A row without its zeros. */
interface SparseRow {
  readonly places: readonly number[];
  readonly values: readonly number[];
}

function sparse(row: readonly number[]): SparseRow {
  const places = row.flatMap((value, i) => (value === 0 ? [] : [i]));
  return { places, values: places.map((i) => row[i]!) };
}

/** y + h Σ row[i]·ks[i] */
function combination<V>(
  space: VectorSpace<V>,
  y: V,
  h: number,
  { places, values }: SparseRow,
  ks: readonly V[],
) {
  const coefficients = [1];
  const vectors = [y];
  for (let i = 0; i < places.length; i++) {
    coefficients.push(h * values[i]!);
    vectors.push(ks[places[i]!]!);
  }
  return space.combine(coefficients, vectors);
}

/** h Σ row[i]·ks[i] */
function weighted<V>(
  space: VectorSpace<V>,
  h: number,
  { places, values }: SparseRow,
  ks: readonly V[],
) {
  return space.combine(
    values.map((value) => h * value),
    places.map((i) => ks[i]!),
  );
}
