// The order with which each method converges, by least squares on errors at fixed steps.
import {
  bogackiShampine,
  dop853,
  dormandPrince,
  etd1,
  etdrk2,
  etdrk3,
  etdrk4,
  euler,
  heun,
  hillSystem,
  integrate,
  integrateExponential,
  integrateStiff,
  magnus,
  matrixPart,
  rungeKutta4,
} from "reparam/ode";
import { exactPropagator, relativeError } from "./precision.ts";

/** −slope of log error over log steps. */
function measuredOrder(errors: readonly number[], steps: readonly number[]): number {
  const [x, y] = [steps.map(Math.log), errors.map(Math.log)];
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const above = x.reduce((sum, v, i) => sum + (v - mx) * (y[i]! - my), 0);
  return -above / x.reduce((sum, v) => sum + (v - mx) ** 2, 0);
}

export interface MeasuredOrder {
  readonly name: string;
  readonly order: number;
  readonly measured: number;
}

/** Nonlinear and explicit in t, so that no order condition drops out. */
const problem = {
  f: (t: number, y: Float64Array) => [y[1]! * Math.cos(t) + 0.1 * y[0]! ** 2, -y[0]! - t * y[1]!],
  interval: [0, 2] as const,
  y0: Float64Array.of(1, 0.3),
};
const exactEnd = (p: typeof problem) =>
  integrate(p, { tolerance: { relative: 1e-14, absolute: 1e-15 } }).states.at(-1)!;

function rungeKuttaOrders(): MeasuredOrder[] {
  const end = exactEnd(problem);
  return [euler, heun, bogackiShampine, rungeKutta4, dormandPrince, dop853].map((method) => {
    const steps = method.order === 8 ? [6, 8, 11, 14, 18] : [40, 80, 160];
    const errors = steps.map((count) =>
      relativeError(integrate(problem, { method, steps: count }).states.at(-1)!, end),
    );
    return { name: method.name, order: method.order, measured: measuredOrder(errors, steps) };
  });
}

function radauOrder(): MeasuredOrder {
  const end = exactEnd(problem);
  const steps = [10, 20, 40];
  const errors = steps.map((count) => {
    // An absolute tolerance that nothing misses makes all steps the longest; the relative one is Newton's.
    const options = { tolerance: { relative: 1e-9, absolute: 1e9 }, maxStep: 2 / count };
    const path = integrateStiff(problem, { ...options, firstStep: 2 / count });
    return relativeError(path.states.at(-1)!, end);
  });
  return { name: "Radau IIA 5", order: 5, measured: measuredOrder(errors, steps) };
}

function exponentialOrders(): MeasuredOrder[] {
  const L = [
    [-3, 1],
    [0, -1],
  ];
  const f = (t: number, y: Float64Array) => Float64Array.of(Math.sin(t) * y[1]!, Math.cos(y[0]!));
  const semilinear = { ...problem, linear: matrixPart(L), f };
  const whole = (t: number, y: Float64Array) => {
    const slope = f(t, y);
    return [-3 * y[0]! + y[1]! + slope[0]!, -y[1]! + slope[1]!];
  };
  const end = exactEnd({ ...problem, f: whole });
  return [etd1, etdrk2, etdrk3, etdrk4].map((method) => {
    const steps = [40, 80, 160];
    const errors = steps.map((count) =>
      relativeError(integrateExponential(semilinear, { method, steps: count }).states.at(-1)!, end),
    );
    return { name: method.name, order: method.order, measured: measuredOrder(errors, steps) };
  });
}

function magnusOrders(): MeasuredOrder[] {
  const { A, interval } = hillSystem;
  const end = exactPropagator(hillSystem)(interval[1]);
  const steps = [60, 120, 240];
  return ([2, 4, 6] as const).map((order) => {
    const errors = steps.map((count) =>
      relativeError(
        magnus(A, interval, { order, steps: count }).propagator(interval[1]).flat(),
        end,
      ),
    );
    return { name: `Magnus ${order}`, order, measured: measuredOrder(errors, steps) };
  });
}

export const measuredOrders = (): MeasuredOrder[] => [
  ...rungeKuttaOrders(),
  radauOrder(),
  ...exponentialOrders(),
  ...magnusOrders(),
];
