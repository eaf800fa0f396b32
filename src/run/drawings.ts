// Drawings of a portrait as pictures.
import { barPlot, encodePng, imageGrid, linePlot, scatterPlot, svgToPng } from "../report/index.ts";
import type { BarsDrawing, Drawing, EllipsesDrawing, Metrics } from "../step/index.ts";
import { elementCount, type Tensor } from "../tensor/index.ts";

type Png = Uint8Array<ArrayBuffer>;

/** Rows of a table for a drawing, and the component of each. */
export interface DrawnRows {
  readonly x: Tensor;
  readonly components: readonly number[];
}

/** Draws it; `rows` finds rows of the data. */
export async function drawDrawing(drawing: Drawing, rows: () => Promise<DrawnRows>): Promise<Png> {
  switch (drawing.kind) {
    case "ellipses":
      return svgToPng(ellipses(drawing, await rows()));
    case "bars":
      return svgToPng(barGroups(drawing));
    case "images": {
      // What is small is shown larger, so that grids of few pixels can be told apart.
      const [, , height = 1, width = 1] = drawing.images.shape;
      const scale = Math.max(1, Math.ceil(56 / Math.max(height, width)));
      return encodePng(imageGrid(drawing.images, { scale, columns: 10 }));
    }
  }
}

/** Points of an ellipse, close enough to be a line. */
const around = 400;

interface Dot {
  readonly x: number;
  readonly y: number;
  readonly component: number;
}

function ellipses({ features, labels, means, covariances }: EllipsesDrawing, rows: DrawnRows) {
  const width = elementCount(rows.x.shape.slice(1));
  const at = (n: number, feature: number): number => Number(rows.x.data[n * width + feature]);
  const points = rows.components
    .map((component, n): Dot => ({ x: at(n, features[0]), y: at(n, features[1]), component }))
    .filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
  const outlines = Array.from({ length: means.shape[0] as number }, (_, k) =>
    outline(k, means, covariances),
  ).flat();
  const dots = [...points, ...outlines];
  const [x, y] = [dots.map((dot) => dot.x), dots.map((dot) => dot.y)];
  return scatterPlot({
    x: { label: labels[0], domain: widened(x) },
    y: { label: labels[1], domain: widened(y) },
    points: { x, y },
    classes: dots.map(({ component }) => component),
    width: 640,
    height: 480,
  });
}

/** The range of values and a little more, so that no dot is cut. */
function widened(values: readonly number[]): [number, number] {
  const least = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const most = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const margin = 0.02 * (most - least) || 1;
  return [least - margin, most + margin];
}

/** Two standard deviations around a centre, or the centre alone. */
function outline(component: number, means: Tensor, covariances: Tensor | undefined): Dot[] {
  const [x, y] = [Number(means.data[2 * component]), Number(means.data[2 * component + 1])];
  if (covariances === undefined) return [{ x, y, component }];
  const [a = 0, b = 0, , d = 0] = Array.from({ length: 4 }, (_, i) =>
    Number(covariances.data[4 * component + i]),
  );
  // The Cholesky factor of the covariance takes a circle to the ellipse.
  const left = Math.sqrt(a);
  const below = left === 0 ? 0 : b / left;
  const right = Math.sqrt(Math.max(0, d - below * below));
  return Array.from({ length: around }, (_, i) => {
    const angle = (2 * Math.PI * i) / around;
    const [u, v] = [2 * Math.cos(angle), 2 * Math.sin(angle)];
    return { x: x + left * u, y: y + below * u + right * v, component };
  });
}

const [groupWidth, groupsInRow] = [320, 3];

function barGroups({ groups, label }: BarsDrawing): string {
  const height = 90 + 26 * Math.max(...groups.map(({ bars }) => bars.length));
  const columns = Math.min(groupsInRow, groups.length);
  const plots = groups.map(({ name, bars }, i) => {
    const svg = barPlot({ title: name, x: { label }, bars, width: groupWidth, height });
    const [x, y] = [(i % columns) * groupWidth, Math.floor(i / columns) * height];
    return svg.replace("<svg ", `<svg x="${x}" y="${y}" `);
  });
  const size = [columns * groupWidth, Math.ceil(groups.length / columns) * height];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size[0]}" height="${size[1]}" viewBox="0 0 ${size.join(" ")}">${plots.join("")}</svg>`;
}

/** The loss of every iteration, a line for each phase; nothing where there are too few. */
export async function drawConvergence(
  history: readonly (readonly Metrics[])[],
): Promise<Png | undefined> {
  const series = history
    .map((metrics, i) => {
      const y = metrics.flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
      return { name: `start ${i + 1}`, x: y.map((_, iteration) => iteration + 1), y };
    })
    .filter(({ y }) => y.length > 0);
  if (!series.some(({ y }) => y.length > 1)) return undefined;
  const svg = linePlot({
    x: { label: "iteration" },
    y: { label: "loss" },
    series: series.map((each) => ({ ...each, dots: each.y.length <= 60 })),
  });
  return svgToPng(svg);
}
