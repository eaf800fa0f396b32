import * as Plot from "@observablehq/plot";
import { ReparamError } from "../tensor/index.ts";
import { colorOf, drawSvg, innerSize, type Label, shorten, textWidth } from "./svg.ts";
import { formatNumber } from "./table.ts";

export interface Axis {
  readonly label: string;
  readonly scale?: "linear" | "log";
  /** Shown range; by default that of the data. What lies outside is cut off. */
  readonly domain?: readonly [low: number, high: number];
}

export interface Series {
  readonly name: string;
  readonly x: readonly number[];
  /** NaN leaves a gap. */
  readonly y: readonly number[];
  /** A shaded region around the line, such as mean ± standard deviation. */
  readonly band?: { readonly low: readonly number[]; readonly high: readonly number[] };
  /** The unsmoothed curve, drawn faintly behind. */
  readonly raw?: { readonly x: readonly number[]; readonly y: readonly number[] };
  /** Index into the palette; the position among the series by default. */
  readonly color?: number;
  /** Marks every point with a dot; done anyway where a point has no neighbour to be joined to. */
  readonly dots?: boolean;
}

interface PlotSize {
  readonly title?: string;
  /** Pixels; 640 by default. */
  readonly width?: number;
  /** Pixels; 360 by default. */
  readonly height?: number;
}

export interface LinePlot extends PlotSize {
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

export interface ScatterPlot extends PlotSize {
  readonly x: Axis;
  readonly y: Axis;
  /** Coordinates by point. */
  readonly points: { readonly x: readonly number[]; readonly y: readonly number[] };
  /** Class by point: gives colours and a legend, classes in order of number or name. */
  readonly classes?: readonly (string | number)[];
  /** One unit is as long on both axes. */
  readonly equalUnits?: boolean;
}

export interface BarPlot extends PlotSize {
  readonly x: { readonly label: string };
  readonly bars: readonly { readonly name: string; readonly value: number }[];
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Curves with their names at their ends, as SVG text. Points that are not finite, or not positive on a
 * logarithmic axis, are left out. Throws if the arrays of a series differ in length.
 */
export function linePlot(plot: LinePlot): string {
  const { series, width = 640, height = 360 } = plot;
  for (const { name, x, y, band } of series) {
    const lengths = [y.length, band?.low.length ?? x.length, band?.high.length ?? x.length];
    if (lengths.some((length) => length !== x.length)) {
      throw new ReparamError(
        `linePlot: series "${name}" has ${x.length} x and ${lengths.join(", ")} y, low and high. Give equal lengths.`,
      );
    }
  }
  const curves = series.map((s) => ({
    ...s,
    stroke: colorOf(s.color ?? series.indexOf(s)),
    points: usable(plot, s.x, s.y),
  }));
  const raw = series.map((s) => (s.raw === undefined ? [] : usable(plot, s.raw.x, s.raw.y)));
  const everything = [
    ...curves.flatMap(({ points }) => points),
    ...raw.flat(),
    ...series.flatMap(({ x, band }) =>
      band === undefined ? [] : [...usable(plot, x, band.low), ...usable(plot, x, band.high)],
    ),
  ];
  const marks: Plot.Markish[] = [];
  for (const { x, band, stroke } of curves) if (band) marks.push(bandMark(plot, x, band, stroke));
  for (const [i, points] of raw.entries()) {
    marks.push(lineMark(points, { stroke: curves[i]?.stroke as string, opacity: 0.28, width: 1 }));
  }
  for (const { points, stroke, dots } of curves) {
    marks.push(lineMark(points, { stroke, opacity: 1, width: 2 }));
    const dotted = dots === true ? points.filter(isDrawn) : isolated(points);
    marks.push(Plot.dot(dotted, { x: "x", y: "y", r: 3, fill: stroke, clip: true }));
  }
  const names = curves.length > 1 ? curves.map(({ name }) => name) : [];
  return drawSvg(
    { ...labelled(plot), width, height, names },
    { ...axes(plot, everything, width), marks },
    (svg) =>
      names.length === 0
        ? []
        : curves.map(({ name, points, stroke }): Label => {
            const last = points.findLast(isDrawn);
            const at = last === undefined ? 0 : Number(svg.scale("y")?.apply(last.y));
            return { text: name, color: stroke, y: at };
          }),
  );
}

/** Points in the plane, coloured by class, for two-dimensional latents and the like; as SVG text. */
export function scatterPlot(plot: ScatterPlot): string {
  const { points, classes, equalUnits = false, width = 640, height = 480 } = plot;
  const count = points.x.length;
  if (points.y.length !== count || (classes !== undefined && classes.length !== count)) {
    throw new ReparamError(
      `scatterPlot: ${count} x, ${points.y.length} y and ${classes?.length ?? count} classes. Give equal lengths.`,
    );
  }
  const names = [...new Set(classes)].sort((a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)),
  );
  const rank = new Map(names.map((name, i) => [name, i]));
  const drawn = usable(plot, points.x, points.y)
    .map((point, i) => ({ ...point, fill: colorOf(rank.get(classes?.[i] ?? "") ?? 0) }))
    .filter(isDrawn);
  const frame = { ...labelled(plot), width, height, names: names.map(String) };
  const options: Plot.PlotOptions = {
    ...axes(equalUnits ? withEqualUnits(plot, drawn, innerSize(frame)) : plot, drawn, width),
    marks: [
      Plot.dot(drawn, {
        ...{ x: "x", y: "y", fill: "fill", r: count > 2000 ? 1.5 : 2.5 },
        ...{ fillOpacity: 0.75, clip: true },
      }),
    ],
  };
  return drawSvg(frame, options, () =>
    names.map((name, i) => ({ text: String(name), color: colorOf(i), y: 60 + i * 16 })),
  );
}

/** Horizontal bars with their values, top to bottom in the order given; as SVG text. */
export function barPlot(plot: BarPlot): string {
  const { bars, width = 640 } = plot;
  const height = plot.height ?? 90 + bars.length * 26;
  const longest = Math.min(
    width * 0.4,
    Math.max(40, ...bars.map(({ name }) => textWidth(name) + 16)),
  );
  // Bars are placed by rank, so that two of one name stay two bars.
  const data = bars.map(({ name, value }, rank) => ({ name, rank: String(rank), value }));
  const drawn = data.filter(({ value }) => Number.isFinite(value));
  const end = Math.max(...drawn.map(({ value }) => value), 0);
  const start = Math.min(...drawn.map(({ value }) => value), 0);
  const label = (rank: string) => shorten(bars[Number(rank)]?.name ?? "", longest - 8);
  const marks = [
    Plot.barX(drawn, { x: "value", y: "rank", fill: colorOf(0), insetTop: 2, insetBottom: 2 }),
    Plot.text(drawn, {
      ...{ x: (d: (typeof data)[number]) => Math.max(d.value, 0), y: "rank" },
      ...{ text: (d: (typeof data)[number]) => formatNumber(d.value) },
      ...{ textAnchor: "start", dx: 5, fill: "currentColor" },
    }),
    Plot.ruleX([0], { stroke: "currentColor" }),
  ];
  const options: Plot.PlotOptions = {
    marks,
    x: { label: null, domain: end > start ? [start, end] : [0, 1], nice: true, grid: true },
    y: { label: null, domain: data.map(({ rank }) => rank), tickFormat: label, tickSize: 0 },
  };
  const frame = {
    ...plot,
    width,
    height,
    marginLeft: longest,
    xLabel: plot.x.label,
    names: ["0.0000"],
  };
  return drawSvg(frame, options, () => []);
}

const labelled = (plot: PlotSize & { x: Axis; y: Axis }) => ({
  ...(plot.title === undefined ? {} : { title: plot.title }),
  xLabel: plot.x.label,
  yLabel: plot.y.label,
});

const isDrawn = ({ x, y }: Point): boolean => Number.isFinite(x) && Number.isFinite(y);

/** Points with NaN in place of what the axes cannot show. */
function usable(plot: { x: Axis; y: Axis }, xs: readonly number[], ys: readonly number[]): Point[] {
  return xs.map((x, i) => ({ x: shown(plot.x, x), y: shown(plot.y, ys[i] as number) }));
}

const shown = (axis: Axis, value: number): number =>
  Number.isFinite(value) && (axis.scale !== "log" || value > 0) ? value : Number.NaN;

const isolated = (points: readonly Point[]): Point[] =>
  points.filter((point, i) => {
    const alone = (neighbour: Point | undefined) => neighbour === undefined || !isDrawn(neighbour);
    return isDrawn(point) && alone(points[i - 1]) && alone(points[i + 1]);
  });

function lineMark(
  points: readonly Point[],
  { stroke, opacity, width }: { stroke: string; opacity: number; width: number },
): Plot.Markish {
  return Plot.line(points, {
    ...{ x: "x", y: "y", stroke, strokeOpacity: opacity, strokeWidth: width },
    ...{ strokeLinejoin: "round", clip: true },
  });
}

function bandMark(
  plot: LinePlot,
  x: readonly number[],
  band: NonNullable<Series["band"]>,
  fill: string,
): Plot.Markish {
  const data = x.map((at, i) => ({
    x: shown(plot.x, at),
    low: shown(plot.y, band.low[i] as number),
    high: shown(plot.y, band.high[i] as number),
  }));
  return Plot.areaY(data, { x: "x", y1: "low", y2: "high", fill, fillOpacity: 0.18, clip: true });
}

/** Both scales, with a range that is never empty: Plot draws no axis without one. */
function axes(
  plot: { x: Axis; y: Axis },
  points: readonly Point[],
  width: number,
): Plot.PlotOptions {
  const of = (axis: Axis, values: readonly number[], ticks: number): Plot.ScaleOptions => ({
    type: axis.scale ?? "linear",
    domain: axis.domain ?? range(values, axis.scale),
    label: null,
    ticks,
    tickSize: 4,
    tickFormat: tickText,
    nice: axis.domain === undefined && axis.scale !== "log",
  });
  const finite = points.filter(isDrawn);
  const x = of(
    plot.x,
    finite.map((point) => point.x),
    width / 90,
  );
  const y = of(
    plot.y,
    finite.map((point) => point.y),
    6,
  );
  return { x: { ...x, nice: false }, y: { ...y, grid: true } };
}

/** Short numbers: 1500 → 1.5k beyond four digits. */
function tickText(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e4 && size < 1e9) {
    const [unit, letter] = size >= 1e6 ? [1e6, "M"] : [1e3, "k"];
    return `${Number((value / unit).toPrecision(4))}${letter}`;
  }
  const short = Number(value.toPrecision(6));
  return size >= 1e-4 && size < 1e9 ? String(short) : formatNumber(short);
}

/** The same axes with the shorter range widened about its middle until units are equally long. */
function withEqualUnits(
  plot: ScatterPlot,
  points: readonly Point[],
  [width, height]: [number, number],
): ScatterPlot {
  const x =
    plot.x.domain ??
    range(
      points.map((point) => point.x),
      "linear",
    );
  const y =
    plot.y.domain ??
    range(
      points.map((point) => point.y),
      "linear",
    );
  // 4 % more, so that no point lies on the frame.
  const unit = 1.04 * Math.max((x[1] - x[0]) / width, (y[1] - y[0]) / height);
  const about = (domain: readonly [number, number], length: number): [number, number] => {
    const middle = (domain[0] + domain[1]) / 2;
    return [middle - (unit * length) / 2, middle + (unit * length) / 2];
  };
  return {
    ...plot,
    x: { ...plot.x, domain: about(x, width) },
    y: { ...plot.y, domain: about(y, height) },
  };
}

function range(values: readonly number[], scale: Axis["scale"]): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return scale === "log" ? [1, 10] : [0, 1];
  if (low < high) return [low, high];
  if (scale === "log") return [low / 2, low * 2];
  const margin = low === 0 ? 1 : Math.abs(low) * 0.1;
  return [low - margin, low + margin];
}
