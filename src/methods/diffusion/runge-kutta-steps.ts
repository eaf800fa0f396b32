/**
 * Steps of explicit Runge-Kutta methods along the probability flow, and the noise that Karras et al. churn in before
 * them (2022, algorithm 2):
 *
 *   sigma: of x/α over σ̂ = σ/α, where the slope is ε = (x/α − x̂₀)/σ̂        (their eq. 3 for σ(t) = t)
 *   time:  of x over t, for rectified flows, where the slope is ε − x₀         (Liu, Gong, Liu 2023, eq. 2)
 */
import type { Tableau } from "../../ode/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import { levelAt, levelOf, type NoiseLevel, relativeNoise } from "./grid.ts";
import type { PlanWriter, Register, Term } from "./plan.ts";
import type { NoiseProcess } from "./process.ts";

export const coordinateNames = ["sigma", "time"] as const;
export type CoordinateName = (typeof coordinateNames)[number];

/** A variable to integrate over: u = x/scale has the slope Σ of the two coefficients times x and x̂₀. */
interface Coordinate {
  readonly variable: (level: NoiseLevel) => number;
  readonly scale: (level: NoiseLevel) => number;
  readonly slope: (level: NoiseLevel) => readonly [x: number, denoised: number];
  readonly levelOf: (process: NoiseProcess, variable: number) => NoiseLevel;
}

const coordinates: Readonly<Record<CoordinateName, Coordinate>> = {
  sigma: {
    variable: relativeNoise,
    scale: ({ alpha }) => alpha,
    slope: ({ alpha, sigma }) => [1 / sigma, -alpha / sigma],
    levelOf,
  },
  time: {
    variable: ({ t }) => t,
    scale: () => 1,
    slope: ({ alpha, sigma }) => [1 / sigma, -(alpha + sigma) / sigma],
    levelOf: levelAt,
  },
};

/** The coordinate of that name; by default time for flow and sigma for the others. Throws where it does not fit. */
export function coordinateOf(process: NoiseProcess, name: CoordinateName | undefined): Coordinate {
  if (name === "time" && process.name !== "flow") {
    throw new ReparamError(
      `the coordinate "time" is for models of rectified flow, and this one is ${process.name}. Take sigma.`,
    );
  }
  return coordinates[name ?? (process.name === "flow" ? "time" : "sigma")];
}

/**
 * x at `to` from x and x̂₀ at `from`. Where `to` is x₀ itself, slopes there do not exist, and the step is
 * Euler's (Karras et al. 2022, algorithm 1).
 */
export function rungeKuttaStep(
  plan: PlanWriter,
  x: Register,
  denoised: Register,
  [from, to]: readonly [NoiseLevel, NoiseLevel],
  options: {
    readonly process: NoiseProcess;
    readonly coordinate: Coordinate;
    readonly tableau: Tableau;
  },
): Register {
  const { process, coordinate, tableau } = options;
  const start = coordinate.variable(from);
  const h = coordinate.variable(to) - start;
  const points: { x: Register; denoised: Register; level: NoiseLevel }[] = [
    { x, denoised, level: from },
  ];
  /** scale·(u + h·Σ row_j·slope_j) */
  const combination = (level: NoiseLevel, row: readonly number[]): Register => {
    const scale = coordinate.scale(level);
    const coefficients = new Map<Register, number>([[x, scale / coordinate.scale(from)]]);
    for (const [j, point] of points.entries()) {
      const weight = scale * h * (row[j] ?? 0);
      const [ofX, ofDenoised] = coordinate.slope(point.level);
      coefficients.set(point.x, (coefficients.get(point.x) ?? 0) + weight * ofX);
      coefficients.set(point.denoised, weight * ofDenoised);
    }
    return plan.combine(...([...coefficients] as readonly Term[]));
  };
  if (to.sigma === 0) return combination(to, [1]);
  for (const [i, node] of tableau.nodes.entries()) {
    if (i === 0) continue;
    const level = node === 1 ? to : coordinate.levelOf(process, start + node * h);
    const point = combination(level, tableau.stages[i]!);
    points.push({ x: point, denoised: plan.denoise(point, level), level });
  }
  return combination(to, tableau.weights);
}

/** Noise that is added before a step: S_churn, S_min, S_max and S_noise of Karras et al. 2022. */
export interface Churn {
  /** S_churn; each step raises the noise by S_churn/steps of itself, at most by √2 − 1. 0 adds none. */
  readonly amount: number;
  /** S_min and S_max, between which σ̂ noise is added. */
  readonly range: readonly [least: number, most: number];
  /** S_noise, the added noise's scale. */
  readonly scale: number;
}

/** The level that a step begins at once noise is added; that of before where none is. */
export function churnedLevel(
  level: NoiseLevel,
  { amount, range: [least, most] }: Churn,
  options: { readonly steps: number; readonly process: NoiseProcess; readonly first: NoiseLevel },
): NoiseLevel {
  const now = relativeNoise(level);
  if (amount === 0 || now < least || now > most) return level;
  const gamma = Math.min(amount / options.steps, Math.SQRT2 - 1);
  // Above the first level the network has not learnt.
  const raised = Math.min(now * (1 + gamma), relativeNoise(options.first));
  return raised <= now ? level : levelOf(options.process, raised);
}
