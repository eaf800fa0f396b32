import type { CompileTimings } from "../src/onnx/index.ts";
import { type Cell, formatBytes, textTable } from "../src/report/table.ts";
import type { Figures, SideFigures } from "./measure.ts";
import type { Overall } from "./statistics.ts";

const ms = (value: number): string => value.toFixed(value < 1 ? 3 : value < 100 ? 2 : 1);

const fixed = (value: number): string => value.toFixed(2);

/** One line a workload, as soon as it is measured. */
export function progressLine(name: string, { reparam, torch, ratio }: Figures): string {
  const own = `${name}: ${ms(reparam.medianMs)} ms`;
  if (torch === undefined || ratio === undefined) return own;
  return `${own}, PyTorch ${ms(torch.medianMs)} ms, ratio ${fixed(ratio.median)}`;
}

type Columns = readonly (readonly [string, (figures: Figures) => Cell])[];

const own: Columns = [
  ["ms", ({ reparam }) => ms(reparam.medianMs)],
  ["min", ({ reparam }) => ms(reparam.minimumMs)],
];

const compared: Columns = [
  ["PyTorch ms", ({ torch }) => torch && ms(torch.medianMs)],
  ["min", ({ torch }) => torch && ms(torch.minimumMs)],
  ["ratio", ({ ratio }) => ratio && fixed(ratio.median)],
  ["of pairs", ({ ratio }) => ratio?.range.map(fixed).join(" … ")],
  ["by min", ({ ratio }) => ratio && fixed(ratio.minimum)],
];

const compiled: Columns = [
  ["trace", ({ reparam }) => seconds(reparam, "traceSeconds")],
  ["lower", ({ reparam }) => seconds(reparam, "lowerSeconds")],
  ["session", ({ reparam }) => seconds(reparam, "sessionSeconds")],
  ["peak memory", ({ reparam }) => formatBytes(reparam.peakBytes)],
];

const titled: Columns = [
  ["workload", ({ title, batch }) => (batch === undefined ? title : `${title}, batch ${batch}`)],
];

const hasPeer = (figures: ReadonlyMap<string, Figures>): boolean =>
  [...figures.values()].some(({ torch }) => torch !== undefined);

/** Milliseconds a step, beside PyTorch's if they were measured. */
export const timeTable = (figures: ReadonlyMap<string, Figures>): string =>
  tableOf([...titled, ...own, ...(hasPeer(figures) ? compared : [])], figures);

/** Seconds of compilation and peak memory of the process. */
export function costTable(figures: ReadonlyMap<string, Figures>): string {
  const memory: Columns = [["PyTorch's", ({ torch }) => torch && formatBytes(torch.peakBytes)]];
  return tableOf([...titled, ...compiled, ...(hasPeer(figures) ? memory : [])], figures);
}

const tableOf = (columns: Columns, figures: ReadonlyMap<string, Figures>): string =>
  textTable(
    columns.map(([title]) => title),
    [...figures.values()].map((row) => columns.map(([, cell]) => cell(row))),
  );

const seconds = (
  { compile }: SideFigures,
  part: "traceSeconds" | "lowerSeconds" | "sessionSeconds",
): string => `${(compile as CompileTimings)[part].toFixed(3)} s`;

export const overallLine = ({ geometricMean, worst, byMinimum }: Overall): string =>
  `training steps, time over PyTorch's: geometric mean ${fixed(geometricMean)} (by minimum ${fixed(byMinimum.geometricMean)}), worst ${fixed(worst)} (${fixed(byMinimum.worst)})`;
