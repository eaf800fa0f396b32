import type { Linearization, Turns } from "reparam/methods/gan";

/** ψ and θ. */
export type Point = readonly [psi: number, theta: number];

export interface Walk {
  readonly start: Point;
  readonly h: number;
  readonly steps: number;
  readonly turns: Turns;
  /** ψ is kept within ± this. */
  readonly clip?: number | undefined;
}

/** All points of a walk by updates of step size h, the start among them. */
export function trajectory(
  field: (at: Point) => Linearization,
  { start, h, steps, turns, clip = Infinity }: Walk,
): Point[] {
  const points: Point[] = [start];
  const inside = (psi: number): number => Math.min(Math.max(psi, -clip), clip);
  let [psi, theta] = start;
  for (let i = 0; i < steps; i++) {
    const { velocity } = field([psi, theta]);
    const moved = inside(psi + h * (velocity[0] as number));
    const next = turns === "alternating" ? field([moved, theta]).velocity : velocity;
    theta += h * (next[1] as number);
    psi = moved;
    points.push([psi, theta]);
  }
  return points;
}
