import * as Plot from "@observablehq/plot";
import { ReparamError } from "../tensor/index.ts";
import { colorOf, drawSvg } from "./svg.ts";

/** A path through the plane. */
export interface FieldPath {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Dots at every point in place of a line. */
  readonly dots?: boolean;
}

export interface FieldPlot {
  readonly title?: string;
  readonly x: { readonly label: string; readonly domain: readonly [number, number] };
  readonly y: { readonly label: string; readonly domain: readonly [number, number] };
  /** Velocity at a point of the plane; drawn as arrows of one length, faint where it is slow. */
  readonly velocity: (x: number, y: number) => readonly [number, number];
  readonly paths: readonly FieldPath[];
  /** Arrows along either axis; 15 by default. */
  readonly arrows?: number;
  /** Pixels; 420 by default, width and height. */
  readonly size?: number;
}

interface Arrow {
  readonly x: number;
  readonly y: number;
  /** Degrees clockwise from upwards. */
  readonly rotate: number;
  readonly strength: number;
}

function arrowsOf({ x, y, velocity, arrows = 15 }: FieldPlot): Arrow[] {
  const at = ([low, high]: readonly [number, number], i: number): number =>
    low + ((high - low) * (i + 0.5)) / arrows;
  const all = Array.from({ length: arrows * arrows }, (_, i) => {
    const [px, py] = [at(x.domain, i % arrows), at(y.domain, Math.floor(i / arrows))];
    const [dx, dy] = velocity(px, py);
    // The axes may have different scales; the arrow is as it would lie on the paper.
    const along = dx / (x.domain[1] - x.domain[0]);
    const up = dy / (y.domain[1] - y.domain[0]);
    const rotate = (Math.atan2(along, up) * 180) / Math.PI;
    return { x: px, y: py, rotate, strength: Math.hypot(along, up) };
  }).filter(({ strength }) => Number.isFinite(strength) && strength > 0);
  const fastest = Math.max(...all.map(({ strength }) => strength));
  return all.map((arrow) => ({ ...arrow, strength: arrow.strength / fastest }));
}

/** The arrows of a vector field in the plane with paths through it, which begin at a dot; as SVG text. */
export function fieldPlot(plot: FieldPlot): string {
  const { x, y, paths, size = 420 } = plot;
  for (const path of paths) {
    if (path.x.length !== path.y.length) {
      throw new ReparamError(
        `fieldPlot: path "${path.name}" has ${path.x.length} x and ${path.y.length} y. Give equal lengths.`,
      );
    }
  }
  const marks: Plot.Markish[] = [
    Plot.vector(arrowsOf(plot), {
      ...{ x: "x", y: "y", rotate: "rotate", length: size / 30, stroke: "currentColor" },
      strokeOpacity: ({ strength }: Arrow) => 0.15 + 0.45 * Math.sqrt(strength),
    }),
  ];
  for (const [i, path] of paths.entries()) {
    const points = path.x.map((px, k) => ({ x: px, y: path.y[k] as number }));
    const color = colorOf(i);
    marks.push(
      path.dots
        ? Plot.dot(points, { x: "x", y: "y", r: 1.6, fill: color, clip: true })
        : Plot.line(points, { x: "x", y: "y", stroke: color, strokeWidth: 1.6, clip: true }),
      Plot.dot(points.slice(0, 1), { x: "x", y: "y", r: 4, fill: color }),
    );
  }
  const names = paths.map(({ name }) => name);
  return drawSvg(
    {
      ...(plot.title === undefined ? {} : { title: plot.title }),
      ...{ width: size, height: size, xLabel: x.label, yLabel: y.label, names },
    },
    {
      ...{ x: { domain: [...x.domain], label: null }, y: { domain: [...y.domain], label: null } },
      marks,
    },
    () => names.map((text, i) => ({ text, color: colorOf(i), y: 40 + 16 * i })),
  );
}
