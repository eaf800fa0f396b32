export { type FieldPath, type FieldPlot, fieldPlot } from "./field-plot.ts";
export { type GridOptions, imageGrid, pairGrid } from "./grid.ts";
export { renderReport } from "./html.ts";
export {
  type Axis,
  type BarPlot,
  barPlot,
  type LinePlot,
  linePlot,
  type ScatterPlot,
  type Series,
  scatterPlot,
} from "./plot.ts";
export { encodePng, type Picture } from "./png.ts";
export { groupLayers, profilePlot, profileText } from "./profile.ts";
export { svgToPng } from "./raster.ts";
export type { EvaluationPoint, RunConfig, RunRecord, TrainPoint } from "./record.ts";
export { drawSamples, isDrawable, madeBy } from "./samples.ts";
export {
  type Cell,
  formatBytes,
  formatDuration,
  formatNumber,
  markdownTable,
  textTable,
} from "./table.ts";
