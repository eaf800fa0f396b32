import { writeFile } from "node:fs/promises";
import { type LinePlot, linePlot, type Series, svgToPng } from "reparam/report";
import { deviationOf, meanOf } from "../figures/spread.ts";

type Figures = Readonly<Record<string, number>>;

/** One line a way to quantize: a figure against the number of codes, mean ± deviation over seeds. */
function seriesOf(
  cells: Readonly<Record<string, readonly Figures[]>>,
  name: string,
  figure: (figures: Figures) => number,
): Series {
  const own = Object.entries(cells)
    .filter(([cell]) => cell.startsWith(`${name}, `))
    .map(([, figures]) => figures);
  const values = own.map((figures) => figures.map(figure));
  const y = values.map(meanOf);
  const off = values.map(deviationOf);
  return {
    name,
    x: own.map((figures) => figures[0]?.codes as number),
    y,
    dots: true,
    band: { low: y.map((v, i) => v - (off[i] ?? 0)), high: y.map((v, i) => v + (off[i] ?? 0)) },
  };
}

/** The use of one size of codebook, epoch by epoch. */
function epochSeries(
  cells: Readonly<Record<string, readonly Figures[]>>,
  cell: string,
  name: string,
  epochs: number,
): Series {
  const figures = cells[cell] ?? [];
  const x = Array.from({ length: figures.length === 0 ? 0 : epochs }, (_, i) => i + 1);
  const values = x.map((epoch) => figures.map((f) => 100 * (f[`epoch${epoch}Use`] as number)));
  const y = values.map(meanOf);
  const off = values.map(deviationOf);
  const band = {
    low: y.map((v, i) => v - (off[i] ?? 0)),
    high: y.map((v, i) => v + (off[i] ?? 0)),
  };
  return { name, x, y, dots: true, band };
}

const percent = { label: "% of the codebook", domain: [0, 100] } as const;

/** Draws use and reconstruction error by the size of the codebook, and use by epoch, into the folder. */
export async function drawSizes(
  folder: string,
  cells: Readonly<Record<string, readonly Figures[]>>,
  names: readonly string[],
  epochs: number,
): Promise<void> {
  const codes = { label: "codes", scale: "log" } as const;
  const draw = async (file: string, plot: LinePlot): Promise<void> => {
    const series = plot.series.filter(({ x }) => x.length > 0);
    await writeFile(`${folder}/${file}.png`, await svgToPng(linePlot({ ...plot, series })));
  };
  const bySize = (figure: (figures: Figures) => number): Series[] =>
    names.map((name) => seriesOf(cells, name, figure));
  await draw("use", {
    title: `Codes used in epoch ${epochs}`,
    ...{ x: codes, y: percent },
    series: bySize((figures) => 100 * (figures[`epoch${epochs}Use`] as number)),
  });
  await draw("error", {
    title: "Reconstruction of test images",
    ...{ x: codes, y: { label: "squared error a pixel, thousandths" } },
    series: bySize((figures) => 1000 * (figures.squaredError as number)),
  });
  const shown = names.map((name) => epochSeries(cells, `${name}, 1000 codes`, name, epochs));
  if (shown.every(({ x }) => x.length === 0)) return;
  await draw("epochs", {
    title: "Codes used in each epoch, of 1000",
    ...{ x: { label: "epoch" }, y: percent },
    series: shown,
  });
}
