import { linePlot, type Series } from "./plot.ts";
import type { EvaluationPoint, RunRecord, TrainPoint } from "./record.ts";

/** Most points that a curve of a report keeps; more could not be told apart at its width. */
const maxPoints = 400;

/** A plot of one metric over the steps, in training and on every evaluated split. */
export interface Curve {
  readonly metric: string;
  readonly svg: string;
  /** What a reader must know to read it, such as smoothing. */
  readonly caption: string;
}

/**
 * One plot for each metric that has at least two points: the loss first, then its terms in the order in
 * which the method names them, rates (…PerSecond) last. Metrics that never change are left out.
 */
export function metricCurves(record: RunRecord): Curve[] {
  const names = new Set<string>();
  for (const { metrics } of record.train) for (const name of Object.keys(metrics)) names.add(name);
  for (const { metrics } of record.evaluations) {
    for (const name of Object.keys(metrics)) names.add(name);
  }
  const ordered = [...names].sort((a, b) => place(a) - place(b));
  return ordered.flatMap((metric) => curveOf(metric, record) ?? []);
}

const place = (metric: string): number =>
  metric === "loss" ? 0 : /PerSecond$|^(learningRate|lr)$/.test(metric) ? 2 : 1;

function curveOf(metric: string, { train, evaluations }: RunRecord): Curve | undefined {
  const trained = train.filter((point) => metric in point.metrics);
  const splits = [...new Set(evaluations.map(({ split }) => split))];
  const evaluated = splits
    .map((split) => ({
      split,
      points: evaluations.filter((point) => point.split === split && metric in point.metrics),
    }))
    .filter(({ points }) => points.length > 0);
  const longest = Math.max(trained.length, ...evaluated.map(({ points }) => points.length));
  const values = [...trained, ...evaluated.flatMap(({ points }) => points)].map(
    (point) => point.metrics[metric] as number,
  );
  if (longest < 2 || values.every((value) => value === values[0])) return undefined;
  const series: Series[] = [];
  const smooth = isNoisy(trained.map((point) => point.metrics[metric] as number));
  if (trained.length > 0) series.push(trainingSeries(trained, metric, smooth));
  for (const [i, { split, points }] of evaluated.entries()) {
    series.push(evaluationSeries(points, metric, split, i + 1));
  }
  const domain = readableRange(series);
  const svg = linePlot({
    title: words(metric),
    x: { label: "step" },
    y: { label: "", ...(domain.cut ? { domain: domain.range } : {}) },
    series,
    width: 560,
    height: 300,
  });
  const remarks = [
    ...(smooth ? ["Training values are smoothed, the faint line shows them raw."] : []),
    ...(domain.cut ? ["The first steps lie beyond the top of the scale."] : []),
  ];
  return { metric, svg, caption: remarks.join(" ") };
}

function trainingSeries(points: readonly TrainPoint[], metric: string, smooth: boolean): Series {
  const x = points.map(({ step }) => step);
  const y = points.map(({ metrics }) => metrics[metric] as number);
  if (!smooth) return { name: "training", color: 0, ...extremes(x, y) };
  const every = Math.ceil(x.length / maxPoints);
  const keep = (_: number, i: number) => i % every === 0 || i === x.length - 1;
  const mean = smoothed(y);
  return {
    name: "training",
    color: 0,
    x: x.filter(keep),
    y: mean.filter(keep),
    raw: extremes(x, y),
  };
}

function evaluationSeries(
  points: readonly EvaluationPoint[],
  metric: string,
  split: string,
  color: number,
): Series {
  const x = points.map(({ step }) => step);
  const y = points.map(({ metrics }) => metrics[metric] as number);
  return { name: split, color, dots: points.length <= 40, ...extremes(x, y) };
}

/** Whether neighbours differ more than the curve moves over a twentieth of its length. */
function isNoisy(values: readonly number[]): boolean {
  if (values.length < 40) return false;
  const finite = values.filter(Number.isFinite);
  const far = Math.floor(finite.length / 20);
  let near = 0;
  let trend = 0;
  for (let i = far; i < finite.length; i++) {
    near += Math.abs((finite[i] as number) - (finite[i - 1] as number));
    trend += Math.abs((finite[i] as number) - (finite[i - far] as number));
  }
  return near > 0.25 * trend;
}

/**
 * Mean over a centred window of 2 % of the points; towards the ends the window shrinks on both sides alike,
 * so that a curve that falls steeply is not dragged along.
 */
export function smoothed(values: readonly number[]): number[] {
  const half = Math.max(1, Math.round(values.length * 0.01));
  return values.map((value, at) => {
    if (!Number.isFinite(value)) return Number.NaN;
    const reach = Math.min(half, at, values.length - 1 - at);
    const window = values.slice(at - reach, at + reach + 1).filter(Number.isFinite);
    return window.reduce((sum, v) => sum + v, 0) / window.length;
  });
}

/** At most `maxPoints` points: the lowest and the highest of each stretch, so that no spike is lost. */
export function extremes(x: readonly number[], y: readonly number[]): { x: number[]; y: number[] } {
  if (x.length <= maxPoints) return { x: [...x], y: [...y] };
  const kept = new Set<number>([0, x.length - 1]);
  const stretches = maxPoints / 2 - 1;
  for (let s = 0; s < stretches; s++) {
    const from = Math.floor((s * x.length) / stretches);
    const to = Math.floor(((s + 1) * x.length) / stretches);
    let low = from;
    let high = from;
    for (let i = from; i < to; i++) {
      // A gap must stay a gap.
      if (!Number.isFinite(y[i] as number)) kept.add(i);
      if (!((y[low] as number) <= (y[i] as number))) low = i;
      if (!((y[high] as number) >= (y[i] as number))) high = i;
    }
    kept.add(low).add(high);
  }
  const order = [...kept].sort((a, b) => a - b);
  return { x: order.map((i) => x[i] as number), y: order.map((i) => y[i] as number) };
}

/**
 * A loss often falls by most of its range in the first few steps, which would flatten the rest of the
 * curve: where the top 5 % of the values span most of the range, the scale ends above the other 95 %.
 */
function readableRange(series: readonly Series[]): { cut: boolean; range: [number, number] } {
  const values = series.flatMap(({ y, raw }) => [...y, ...(raw?.y ?? [])]).filter(Number.isFinite);
  const sorted = Float64Array.from(values).sort();
  const low = sorted[0] ?? 0;
  const high = sorted[sorted.length - 1] ?? 1;
  const most = sorted[Math.floor(sorted.length * 0.95)] ?? high;
  const range: [number, number] = [low - 0.04 * (most - low), most + 0.1 * (most - low)];
  return { cut: sorted.length >= 40 && most > low && high - low > 2.5 * (most - low), range };
}

/** "negativeElbo" → "negative ELBO": the words of a camel-case name, known abbreviations in capitals. */
export function words(name: string): string {
  const spaced = name
    .replaceAll(/[_-]+/g, " ")
    .replaceAll(/([a-z\d])([A-Z])/g, "$1 $2")
    .toLowerCase();
  return spaced.replaceAll(/\b(elbo|kl|iwae|fid|kid|gan|vae|mse|psnr|lr)\b/g, (word) =>
    word.toUpperCase(),
  );
}
