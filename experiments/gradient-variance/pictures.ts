import { mkdir, writeFile } from "node:fs/promises";
import { linePlot, type Series, svgToPng } from "reparam/report";

export interface Curve {
  readonly name: string;
  readonly x: readonly number[];
  /** One for each seed. */
  readonly seeds: readonly (readonly number[])[];
}

/** Mean over seeds and the band of one standard deviation around it. */
function seriesOf({ name, x, seeds }: Curve): Series {
  const at = (i: number): number[] => seeds.map((values) => values[i] as number);
  const means = x.map((_, i) => at(i).reduce((s, v) => s + v, 0) / seeds.length);
  if (seeds.length < 2) return { name, x, y: means };
  const deviations = x.map((_, i) => {
    const squares = at(i).reduce((s, v) => s + (v - (means[i] as number)) ** 2, 0);
    return Math.sqrt(squares / (seeds.length - 1));
  });
  const moved = (sign: number): number[] =>
    means.map((m, i) => m + sign * (deviations[i] as number));
  return { name, x, y: means, band: { low: moved(-1), high: moved(1) } };
}

/** Draws curves with their spread over seeds into FOLDER/NAME.png. */
export async function drawCurves(
  file: string,
  plot: {
    readonly title: string;
    readonly x: string;
    readonly y: string;
    readonly logarithmic: "x" | "y" | "both" | "none";
  },
  curves: readonly Curve[],
): Promise<void> {
  const scale = (axis: "x" | "y"): "log" | "linear" =>
    plot.logarithmic === axis || plot.logarithmic === "both" ? "log" : "linear";
  const svg = linePlot({
    title: plot.title,
    x: { label: plot.x, scale: scale("x") },
    y: { label: plot.y, scale: scale("y") },
    series: curves.map(seriesOf),
    width: 760,
    height: 420,
  });
  await mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
  await writeFile(file, await svgToPng(svg));
}
