// Radau IIA of order 5, for stiff systems: Hairer & Wanner, Solving Ordinary Differential Equations II,
// 2nd edition 1996, sections IV.5 and IV.8. Three implicit stages, A- and L-stable.
import { linearCombination, luFactor, luSolve } from "../numerics/index.ts";
import { ReparamError } from "../tensor/index.ts";
import {
  type ArrayProblem,
  arrayProblem,
  counting,
  follow,
  type StepOptions,
} from "./integrate.ts";
import type { Attempt, Interpolant, Stepper } from "./stepper.ts";
import { runNow, type Task } from "./task.ts";
import { denseOutput, type Trajectory } from "./trajectory.ts";
import { arraySpace, fullTolerance, type Tolerance } from "./vector-space.ts";

const root = Math.sqrt(6);
/** Table IV.5.6; the nodes are those of Radau's quadrature on the right. */
export const radauIIA5 = {
  nodes: [(4 - root) / 10, (4 + root) / 10, 1],
  stages: [
    [(88 - 7 * root) / 360, (296 - 169 * root) / 1800, (-2 + 3 * root) / 225],
    [(296 + 169 * root) / 1800, (88 + 7 * root) / 360, (-2 - 3 * root) / 225],
    [(16 - root) / 36, (16 + root) / 36, 1 / 9],
  ],
  /** Error weights over the stage increments Z_i, equation (IV.8.18), divided by γ₀. */
  error: [(-13 - 7 * root) / 3, (-13 + 7 * root) / 3, -1 / 3],
  /** 1/γ₀, the real eigenvalue of A⁻¹. */
  realEigenvalue: 3 + 3 ** (2 / 3) - 3 ** (1 / 3),
} as const;

export interface StiffOptions extends StepOptions<Float64Array> {
  /** ∂f/∂y [n, n] as rows; by differences of f where it is not given. */
  readonly jacobian?: (t: number, y: Float64Array) => readonly ArrayLike<number>[];
}

/**
 * Follows a stiff system by Radau IIA of order 5, with dense output of order 3. Each step solves a linear
 * system of 3n unknowns, so n should not be more than about a hundred. Throws as `integrate` does.
 */
export function integrateStiff(
  problem: ArrayProblem,
  options: StiffOptions = {},
): Trajectory<Float64Array> {
  const checked = arrayProblem(problem);
  const counted = counting(checked.f);
  const tolerance = fullTolerance(options.tolerance ?? {}, "integrateStiff");
  const stepper = radauStepper(counted.f as ArrayFunction, tolerance, options.jacobian);
  const task = follow({ ...checked, f: counted.f }, stepper, {
    ...options,
    space: arraySpace,
    evaluations: counted.count,
  });
  const { path, segments, end } = runNow(task);
  const dense = denseOutput(segments, end);
  return { ...path, ...(dense as Pick<Trajectory<Float64Array>, "at" | "derivative">) };
}

type ArrayFunction = (t: number, y: Float64Array) => Float64Array;

/** A step of Radau IIA; `previous` collocation polynomials start the next Newton iteration. */
export function radauStepper(
  f: ArrayFunction,
  tolerance: Required<Tolerance>,
  jacobian?: StiffOptions["jacobian"],
): Stepper<Float64Array> {
  let previous: Collocation | undefined;
  let jacobianAt: { readonly t: number; readonly J: Float64Array } | undefined;
  function* attempt(
    t: number,
    y: Float64Array,
    slope: Float64Array,
    h: number,
  ): Task<Attempt<Float64Array> | undefined> {
    const n = y.length;
    if (jacobianAt?.t !== t) {
      const J = jacobian === undefined ? differences(f, t, y, slope) : rowsOf(jacobian(t, y), n);
      jacobianAt = { t, J };
    }
    const { J } = jacobianAt;
    const Z = newton({ f, t, y, h, J, start: predicted(previous, t, y, h), tolerance });
    if (Z === undefined) return undefined;
    const end = linearCombination([1, 1], [y, Z[2]!]);
    const endSlope = f(t + h, end);
    const size = estimatedError({ f, t, y, slope, h, J, Z, end, tolerance });
    const collocation: Collocation = { t, h, y, Z };
    const interpolant = function* (): Task<Interpolant<Float64Array>> {
      previous = collocation;
      return {
        value: (theta) => collocationValue(collocation, theta),
        slope: (theta) => collocationSlope(collocation, theta),
      };
    };
    if (size <= 1) previous = collocation;
    return { y: end, slope: endSlope, error: size, interpolant };
  }
  return { errorOrder: 3, attempt };
}

interface Collocation {
  readonly t: number;
  readonly h: number;
  readonly y: Float64Array;
  /** Y_i − y at the three nodes. */
  readonly Z: readonly Float64Array[];
}

/** Lagrange weights at θ of the polynomial that is 0 at 0 and Z_i at c_i. */
function lagrange(theta: number): number[] {
  const c = radauIIA5.nodes;
  return c.map((ci, i) =>
    c.reduce(
      (product, cj, j) => (i === j ? product : (product * (theta - cj)) / (ci - cj)),
      theta / ci,
    ),
  );
}

const collocationValue = ({ y, Z }: Collocation, theta: number): Float64Array =>
  linearCombination([1, ...lagrange(theta)], [y, ...Z]);

function collocationSlope({ h, Z }: Collocation, theta: number): Float64Array {
  // Each weight is a cubic, whose central difference over ±1 is off by its leading coefficient.
  const c = radauIIA5.nodes;
  const [ahead, behind] = [lagrange(theta + 1), lagrange(theta - 1)];
  const weights = c.map((ci, i) => {
    const others = c.filter((_, j) => j !== i).map((cj) => ci - cj);
    const leading = 1 / (ci * others[0]! * others[1]!);
    return ((ahead[i]! - behind[i]!) / 2 - leading) / h;
  });
  return linearCombination(weights, Z);
}

/** The last step's polynomial continued, or zeros. */
function predicted(previous: Collocation | undefined, t: number, y: Float64Array, h: number) {
  return radauIIA5.nodes.map((c) => {
    if (previous === undefined) return new Float64Array(y.length);
    const theta = (t + c * h - previous.t) / previous.h;
    return linearCombination([1, -1], [collocationValue(previous, theta), y]);
  });
}

interface NewtonInput {
  readonly f: ArrayFunction;
  readonly t: number;
  readonly y: Float64Array;
  readonly h: number;
  readonly J: Float64Array;
  readonly start: readonly Float64Array[];
  readonly tolerance: Required<Tolerance>;
}

/** Z with Z_i = h Σ_j a_ij f(t + c_j h, y + Z_j), by simplified Newton; undefined if it does not converge. */
function newton({ f, t, y, h, J, start, tolerance }: NewtonInput): Float64Array[] | undefined {
  const n = y.length;
  const { nodes, stages } = radauIIA5;
  const lu = luFactor(stageMatrix(J, n, h), 3 * n);
  const Z = start.map((z) => z.slice());
  let last = Number.POSITIVE_INFINITY;
  let rate = 0;
  // As in the program RADAU5: iteration errors stay well below the error of the step.
  const enough = Math.max(
    (10 * Number.EPSILON) / tolerance.relative,
    Math.min(0.03, Math.sqrt(tolerance.relative)),
  );
  for (let iteration = 0; iteration < 10; iteration++) {
    const F = nodes.map((c, j) => f(t + c * h, linearCombination([1, 1], [y, Z[j]!])));
    const residual = new Float64Array(3 * n);
    for (let i = 0; i < 3; i++) {
      const row = linearCombination([-1, ...stages[i]!.map((a) => h * a)], [Z[i]!, ...F]);
      residual.set(row, i * n);
    }
    const change = luSolve(lu, residual);
    let norm = 0;
    for (let i = 0; i < 3; i++) {
      const part = change.subarray(i * n, (i + 1) * n);
      norm = Math.max(norm, arraySpace.scaledNorm(part, y, y, tolerance) as number);
      for (let a = 0; a < n; a++) Z[i]![a]! += part[a]!;
    }
    if (!Number.isFinite(norm)) return undefined;
    if (iteration > 0) rate = norm / last;
    if (rate >= 1) return undefined;
    if (norm === 0 || (iteration > 0 && (rate / (1 - rate)) * norm < enough)) return Z;
    last = norm;
  }
  return undefined;
}

/** 1 − h A⊗J, [3n, 3n]. */
function stageMatrix(J: Float64Array, n: number, h: number): Float64Array {
  const size = 3 * n;
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      const weight = -h * radauIIA5.stages[i]![j]!;
      for (let a = 0; a < n; a++) {
        const row = (i * n + a) * size + j * n;
        for (let c = 0; c < n; c++) matrix[row + c] = weight * J[a * n + c]!;
      }
    }
  }
  for (let i = 0; i < size; i++) matrix[i * size + i]! += 1;
  return matrix;
}

interface ErrorInput extends Omit<NewtonInput, "start"> {
  readonly slope: Float64Array;
  readonly Z: readonly Float64Array[];
  readonly end: Float64Array;
}

/** (γ₀⁻¹/h − J)⁻¹(f + Z·e/h), equations (IV.8.19) and, where the first is too large, (IV.8.20). */
function estimatedError({ f, t, y, slope, h, J, Z, end, tolerance }: ErrorInput): number {
  const n = y.length;
  const shifted = J.map((x) => -x);
  for (let i = 0; i < n; i++) shifted[i * n + i]! += radauIIA5.realEigenvalue / h;
  const lu = luFactor(shifted, n);
  const increments = linearCombination(
    radauIIA5.error.map((e) => e / h),
    Z,
  );
  const solved = (start: Float64Array) =>
    luSolve(lu, linearCombination([1, 1], [start, increments]));
  const norm = (error: Float64Array) => arraySpace.scaledNorm(error, y, end, tolerance) as number;
  const first = solved(slope);
  const size = norm(first);
  if (size <= 1) return size;
  return norm(solved(f(t, linearCombination([1, 1], [y, first]))));
}

function rowsOf(rows: readonly ArrayLike<number>[], n: number): Float64Array {
  if (rows.length !== n || rows.some((row) => row.length !== n)) {
    throw new ReparamError(`integrateStiff: the jacobian must be [${n}, ${n}].`);
  }
  return Float64Array.from(rows.flatMap((row) => Array.from(row)));
}

/** ∂f/∂y by forward differences. */
function differences(f: ArrayFunction, t: number, y: Float64Array, slope: Float64Array) {
  const n = y.length;
  const J = new Float64Array(n * n);
  const scale = y.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0) || 1;
  for (let j = 0; j < n; j++) {
    const delta = Math.sqrt(Number.EPSILON) * Math.max(Math.abs(y[j]!), 1e-5 * scale);
    const moved = y.slice();
    moved[j]! += delta;
    const after = f(t, moved);
    for (let i = 0; i < n; i++) J[i * n + j] = (after[i]! - slope[i]!) / (moved[j]! - y[j]!);
  }
  return J;
}
