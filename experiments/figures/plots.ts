// Pictures that experiments with language models draw beside their cells.
import { writeFile } from "node:fs/promises";
import { barPlot, linePlot, type Series, svgToPng } from "reparam/report";
import { deviationOf, meanOf } from "./spread.ts";

/** Means over seeds at each x, with ± one sample standard deviation as a band. */
export function bandSeries(
  name: string,
  x: readonly number[],
  values: readonly (readonly number[])[],
): Series {
  const y = values.map(meanOf);
  const off = values.map(deviationOf);
  const moved = (sign: number): number[] => y.map((v, i) => v + sign * (off[i] as number));
  return { name, x, y, dots: true, band: { low: moved(-1), high: moved(1) } };
}

export async function drawLines(
  root: string,
  name: string,
  plot: Parameters<typeof linePlot>[0],
): Promise<void> {
  await writeFile(`${root}/${name}.png`, await svgToPng(linePlot(plot)));
}

export async function drawBars(
  root: string,
  name: string,
  plot: Parameters<typeof barPlot>[0],
): Promise<void> {
  await writeFile(`${root}/${name}.png`, await svgToPng(barPlot(plot)));
}
