import type { Tensor } from "../tensor/index.ts";
import { imageGrid } from "./grid.ts";
import { scatterPlot } from "./plot.ts";
import { encodePng } from "./png.ts";
import { svgToPng } from "./raster.ts";

type Named = Readonly<Record<string, Tensor | undefined>>;

/** What a model made among its outputs or a data set's columns: `image` [N, C, H, W], or else `x` [N, …]. */
export const madeBy = ({ image, x }: Named): Tensor | undefined => image ?? x;

/** Whether `drawSamples` can show it: images, or points of the plane. */
export const isDrawable = ({ shape }: Tensor): boolean =>
  shape.length === 4 || (shape.length === 2 && shape[1] === 2);

/**
 * Images [N, C, H, W] as a grid, or points [N, 2] as a scatter plot, the points of `data` [M, 2] behind them;
 * as PNG. Throws for other shapes.
 */
export async function drawSamples(
  samples: Tensor,
  options: { readonly data?: Tensor | undefined; readonly columns?: number } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { data, ...grid } = options;
  if (samples.shape.length !== 2) return encodePng(imageGrid(samples, { ...grid, scale: 2 }));
  // Names in the order of their colours, and drawn in the order given: samples lie on top.
  const points = [
    ...(data === undefined ? [] : pointsOf(data, "data")),
    ...pointsOf(samples, "samples"),
  ];
  return svgToPng(
    scatterPlot({
      x: { label: "x[0]" },
      y: { label: "x[1]" },
      points: { x: points.map(({ x }) => x), y: points.map(({ y }) => y) },
      classes: points.map(({ name }) => name),
      equalUnits: true,
      width: 560,
      height: 520,
    }),
  );
}

function pointsOf({ data, shape }: Tensor, name: string): { x: number; y: number; name: string }[] {
  return Array.from({ length: shape[0] ?? 0 }, (_, i) => ({
    x: Number(data[2 * i]),
    y: Number(data[2 * i + 1]),
    name,
  }));
}
