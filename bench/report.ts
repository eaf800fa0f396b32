import type { CompileTimings } from "../src/onnx/index.ts";
import { type Cell, formatBytes, textTable } from "../src/report/table.ts";
import type { JavascriptTime } from "./javascript.ts";
import type { Figures, SideFigures } from "./measure.ts";
import type { Overall } from "./statistics.ts";
import { type Agreement, tolerance } from "./verify.ts";

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

/** Of torch.compile, where it was asked for. */
const torchCompiled: Columns = [
  [
    "torch.compile",
    ({ torchCompile }) => torchCompile?.failure ?? (torchCompile && ms(torchCompile.ms)),
  ],
];

const titled: Columns = [
  ["workload", ({ title, batch }) => (batch === undefined ? title : `${title}, batch ${batch}`)],
];

const hasPeer = (figures: ReadonlyMap<string, Figures>): boolean =>
  [...figures.values()].some(({ torch }) => torch !== undefined);

/** Milliseconds a step, beside PyTorch's if they were measured. */
export const timeTable = (figures: ReadonlyMap<string, Figures>): string =>
  tableOf(
    [
      ...titled,
      ...own,
      ...(hasPeer(figures) ? compared : []),
      ...([...figures.values()].some((f) => f.torchCompile !== undefined) ? torchCompiled : []),
    ],
    figures,
  );

/** Seconds of compilation and peak memory of the process. */
export function costTable(figures: ReadonlyMap<string, Figures>): string {
  const memory: Columns = [
    ["PyTorch's", ({ torch }) => torch && formatBytes(torch.peakBytes)],
    ["ratio", ({ memoryRatio }) => memoryRatio && fixed(memoryRatio)],
  ];
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

export const overallLine = (
  title: string,
  { geometricMean, worst, worstWorkload }: Overall,
): string =>
  `${title}: geometric mean ${fixed(geometricMean)}, worst ${fixed(worst)} (${worstWorkload})`;

/** Milliseconds a step of other libraries, or why there are none; and how many times as long they take. */
export const javascriptTable = (
  javascript: ReadonlyMap<string, readonly JavascriptTime[]>,
  figures: ReadonlyMap<string, Figures>,
): string =>
  textTable(
    ["JavaScript peer", "workload", "ms a step", "times reparam's"],
    [...javascript].flatMap(([name, times]) =>
      times.map(({ library, ms: found, failure }) => {
        const mine = figures.get(name)?.reparam.medianMs;
        const times = found !== undefined && mine !== undefined ? fixed(found / mine) : undefined;
        return [library, name, found === undefined ? failure : ms(found), times];
      }),
    ),
  );

/** One line for `--verify`. */
export function agreementLine(name: string, { losses, differences }: Agreement): string {
  const [first = Number.NaN, ...later] = differences;
  const loss = Object.values(losses[0] ?? {})[0] ?? Number.NaN;
  const verdict = first <= tolerance ? "agrees" : "DISAGREES";
  const digits = (difference: number): string => difference.toExponential(1);
  return `${name}: ${verdict}, first loss ${loss.toFixed(5)} differs by ${digits(first)}, after updates by ${later.map(digits).join(", ")}`;
}
