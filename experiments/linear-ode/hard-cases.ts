// Stiffness, many periods, and a time at which the first components of all known solutions vanish.
import { identity, luFactor, luSolve, multiply } from "reparam/numerics";
import { type ClosedForm, generalSolution, rotatingSystem } from "reparam/ode";
import { exactPropagator, liouvilleGap, relativeError, timesOf } from "./precision.ts";

interface Case {
  readonly name: string;
  readonly system: ClosedForm;
  readonly known: readonly ((t: number) => ArrayLike<number>)[];
  readonly times: readonly number[];
}

/** R e^{Dt} in a frame that turns once in 2π: decays 1 and `ratio`. */
function stiff(ratio: number): Case {
  const gap = ratio - 1;
  const system: ClosedForm = {
    name: "stiff",
    size: 2,
    interval: [0, 2],
    A: (t) => {
      const [c, s] = [Math.cos(t), Math.sin(t)];
      return Float64Array.of(-1 - gap * s * s, gap * c * s - 1, gap * c * s + 1, -1 - gap * c * c);
    },
    fundamental: (t) => {
      const [c, s, slow, fast] = [Math.cos(t), Math.sin(t), Math.exp(-t), Math.exp(-ratio * t)];
      return Float64Array.of(c * slow, -s * fast, s * slow, c * fast);
    },
  };
  const known = (t: number) => [Math.cos(t) * Math.exp(-t), Math.sin(t) * Math.exp(-t)];
  const times = [0.1 / ratio, 1 / ratio, 10 / ratio, ...timesOf([0.01, 2], 100)];
  return { name: `decays 1 and ${ratio.toExponential(0)}`, system, known: [known], times };
}

/** ẋ = φ̇(t)·Jx: circles, at a speed that swings. */
function periods(count: number): Case {
  const phase = (t: number) => t + 0.3 * Math.sin(t);
  const interval = [0, 2 * Math.PI * count] as const;
  const system: ClosedForm = {
    name: "periods",
    size: 2,
    interval,
    A: (t) => Float64Array.of(0, 1 + 0.3 * Math.cos(t), -1 - 0.3 * Math.cos(t), 0),
    fundamental: (t) => {
      const [c, s] = [Math.cos(phase(t)), Math.sin(phase(t))];
      return Float64Array.of(c, s, -s, c);
    },
  };
  const known = (t: number) => [Math.cos(phase(t)), -Math.sin(phase(t))];
  return { name: `${count} periods`, system, known: [known], times: timesOf(interval, 2001) };
}

/** A turning frame; all known solutions lie in the plane of the other axes at t = 3. */
function vanishing(n: number): Case {
  const system = rotatingSystem(n);
  const start = luSolve(luFactor(system.fundamental(3), n), identity(n), n);
  const known = Array.from({ length: n - 1 }, (_, j) => {
    const constants = Float64Array.from({ length: n }, (_, i) => start[i * n + j + 1]!);
    return (t: number) => multiply(system.fundamental(t), constants, n, n, 1);
  });
  const times = [...timesOf(system.interval, 201), 3];
  return { name: `first components vanish, n = ${n}`, system, known, times };
}

export const hardCases = (quick: boolean): readonly Case[] => [
  stiff(1e6),
  periods(quick ? 50 : 1000),
  vanishing(3),
  vanishing(5),
];

/** The reduction at tolerance 1e-10: error of the propagator, Liouville's formula, evaluations, panels. */
export function solveHard({ system, known, times }: Case) {
  const general = generalSolution({ ...system, known });
  const exact = exactPropagator(system);
  const errors = times.map((t) => relativeError(general.propagator(t).flat(), exact(t)));
  // Where a solution decays below rounding beside another, the determinant of both says nothing.
  const decayed = general.logDeterminant(system.interval[1]).log < -30;
  return {
    error: Math.max(...errors),
    estimate: general.errorEstimate,
    ...(decayed
      ? {}
      : { liouvilleGap: liouvilleGap(system, (t) => general.logDeterminant(t).log) }),
    evaluationsOfA: general.evaluations.A,
    panels: general.breaks.length - 1,
  };
}
