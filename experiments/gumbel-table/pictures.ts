import { writeFile } from "node:fs/promises";
import * as Plot from "@observablehq/plot";
import { linePlot, type Series, svgToPng } from "reparam/report";
import { colorOf, drawSvg } from "../../src/report/svg.ts";
import { deviationOf, meanOf } from "../figures/spread.ts";
import type { Row } from "./compare.ts";
import type { Setting } from "./setting.ts";

const kinds = ["one sample", "many samples", "paper"] as const;

/** Every seed's bounds by estimator, the better ones above, with the figures of the paper. */
export async function drawBounds(
  file: string,
  { title, compared }: Setting,
  rows: readonly Row[],
): Promise<void> {
  const sorted = [...rows].sort((a, b) => meanOf(a[compared]) - meanOf(b[compared]));
  const points = sorted.flatMap(({ estimator: y, single, bound, paper }) => [
    ...single.map((x) => ({ x, y, kind: 0 })),
    ...bound.map((x) => ({ x, y, kind: 1 })),
    ...(paper === undefined ? [] : [{ x: paper, y, kind: 2 }]),
  ]);
  const symbols = ["circle", "square", "diamond"] as const;
  const marks = kinds.map((_, kind) =>
    Plot.dot(
      points.filter((point) => point.kind === kind),
      {
        ...{ x: "x", y: "y", r: kind === 2 ? 5 : 4, symbol: symbols[kind] as Plot.SymbolType },
        ...(kind === 2
          ? { stroke: colorOf(kind), strokeWidth: 2 }
          : { fill: colorOf(kind), fillOpacity: 0.75 }),
      },
    ),
  );
  const frame = {
    ...{ title, width: 760, height: 300, marginLeft: 150, xLabel: "nats an image, test" },
    names: kinds,
  };
  const values = points.map(({ x }) => x);
  const domain = [Math.min(...values) - 0.5, Math.max(...values) + 0.5];
  const svg = drawSvg(
    frame,
    {
      marks,
      x: { label: null, domain, grid: true },
      y: {
        label: null,
        type: "point",
        domain: sorted.map(({ estimator }) => estimator),
        grid: true,
      },
    },
    () => kinds.map((text, i) => ({ text, color: colorOf(i), y: 60 + 16 * i })),
  );
  await writeFile(file, await svgToPng(svg));
}

/** Validation bounds over epochs: mean over seeds, and the band of one standard deviation around it. */
export async function drawLearning(
  file: string,
  title: string,
  rows: readonly Row[],
): Promise<void> {
  const series = rows.map(({ estimator, epochs, curves }): Series => {
    const at = (i: number): number[] => curves.map((curve) => curve[i] as number);
    const means = epochs.map((_, i) => meanOf(at(i)));
    const spreads = epochs.map((_, i) => deviationOf(at(i)));
    const moved = (sign: number): number[] =>
      means.map((mean, i) => mean + sign * (spreads[i] as number));
    return {
      ...{ name: estimator, x: epochs, y: means, dots: true },
      ...(curves.length > 1 ? { band: { low: moved(-1), high: moved(1) } } : {}),
    };
  });
  const ends = series.map(({ y }) => y.at(-1) as number);
  const low = Math.min(...ends);
  const high = Math.max(...series.map(({ y }) => y[1] ?? (y[0] as number)));
  const svg = linePlot({
    ...{ title, x: { label: "epoch" }, series, width: 760, height: 420 },
    y: { label: "nats an image by one sample, validation", domain: [low - 1, high + 1] },
  });
  await writeFile(file, await svgToPng(svg));
}
