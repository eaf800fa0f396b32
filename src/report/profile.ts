import * as Plot from "@observablehq/plot";
import type { LayerTime, StepProfile } from "../run/index.ts";
import { colorOf, drawSvg, shorten, textWidth } from "./svg.ts";
import { formatNumber, textTable } from "./table.ts";

/** Layers that a table or picture shows; beyond that they are put together by the beginnings of their paths. */
const mostLayers = 24;

/** Rows of the tables of operators and of kernels. */
const mostOperators = 12;
const mostKernels = 10;

/** Seconds that the trace adds to a call of a kernel, with a margin: 4 to 5 µs were measured. */
const traceSeconds = 12e-6;

const busyText =
  "The kernels took longer than a whole step does without the trace: the machine was busy. Measure again.";

/** Whether kernels took more time than the trace can be blamed for. */
function wasBusy({ parts, operators, stepSeconds }: StepProfile): boolean {
  if (stepSeconds === undefined) return false;
  const calls = operators.reduce((sum, operator) => sum + operator.calls, 0);
  return parts.kernels > 1.2 * stepSeconds + traceSeconds * calls;
}

const passes = ["forward", "backward", "update"] as const;

const secondsOf = ({ forward, backward, update }: LayerTime): number => forward + backward + update;

/**
 * At most `most` layers: those whose paths begin alike are added up, to the greatest depth that fits; where not
 * even that does, the cheapest become one.
 */
export function groupLayers(layers: readonly LayerTime[], most = mostLayers): LayerTime[] {
  const deepest = Math.max(1, ...layers.map(({ layer }) => layer.split(".").length));
  for (let depth = deepest; depth >= 1; depth--) {
    const grouped = sumBy(layers, (layer) => layer.split(".").slice(0, depth).join("."));
    if (grouped.length <= most) return grouped;
  }
  const tops = sumBy(layers, (layer) => layer.split(".")[0] as string);
  const kept = new Set(
    [...tops]
      .sort((a, b) => secondsOf(b) - secondsOf(a))
      .slice(0, most - 1)
      .map(({ layer }) => layer),
  );
  return sumBy(tops, (layer) => (kept.has(layer) ? layer : "others"));
}

function sumBy(layers: readonly LayerTime[], nameOf: (layer: string) => string): LayerTime[] {
  const sums = new Map<string, LayerTime>();
  for (const each of layers) {
    const layer = nameOf(each.layer);
    const before = sums.get(layer) ?? { layer, forward: 0, backward: 0, update: 0 };
    sums.set(layer, {
      layer,
      forward: before.forward + each.forward,
      backward: before.backward + each.backward,
      update: before.update + each.update,
    });
  }
  return [...sums.values()];
}

/** The profile as tables for the terminal. All times are milliseconds a step. */
export function profileText(profile: StepProfile): string {
  const { phase, steps, warmup, tracedSeconds, stepSeconds } = profile;
  const untraced =
    stepSeconds === undefined ? "" : `; ${formatMilliseconds(stepSeconds)} without the trace`;
  const about = `Profile of ${steps} steps of phase ${phase}, after ${warmup} that do not count`;
  return [
    `${about}: ${formatMilliseconds(tracedSeconds)} a step${untraced}`,
    ...(wasBusy(profile) ? [busyText] : []),
    partsTable(profile),
    layersTable(profile),
    operatorsTable(profile),
    kernelsTable(profile),
  ].join("\n\n");
}

const partNames = {
  kernels: "kernels",
  betweenKernels: "runtime between kernels, writing the trace",
  feedAndFetch: "feeding and fetching tensors",
  host: "host: batches, random numbers, metrics",
};

function partsTable({ parts, tracedSeconds }: StepProfile): string {
  const seconds = [parts.kernels, parts.betweenKernels, parts.feedAndFetch, parts.host];
  const columns = [Object.values(partNames), ...withShares(seconds, tracedSeconds)];
  return textTable(["part of a step", "ms", "of a step"], rowsOf(columns));
}

function layersTable({ layers, parts }: StepProfile): string {
  const shown = groupLayers(layers);
  const columns = [
    shown.map(({ layer }) => layer),
    ...passes.map((pass) => milliseconds(shown.map((layer) => layer[pass]))),
    ...withShares(shown.map(secondsOf), parts.kernels),
  ];
  return textTable(["layer", ...passes, "ms", "of kernels"], rowsOf(columns));
}

function operatorsTable({ operators, parts }: StepProfile): string {
  const shown = operators.slice(0, mostOperators);
  const columns = [
    shown.map(({ operator }) => operator),
    rightAligned(shown.map(({ calls }) => formatNumber(calls, 3))),
    ...withShares(
      shown.map(({ seconds }) => seconds),
      parts.kernels,
    ),
  ];
  return textTable(["operator", "calls", "ms", "of kernels"], rowsOf(columns));
}

function kernelsTable({ kernels }: StepProfile): string {
  const shown = kernels.slice(0, mostKernels);
  const columns = [
    shown.map(({ operator }) => operator),
    milliseconds(shown.map(({ seconds }) => seconds)),
    shown.map(({ layer, pass }) => (pass === "update" ? layer : `${layer} ${pass}`)),
    shown.map(({ shapes }) => shapes),
  ];
  return textTable(["kernel", "ms", "layer", "inputs → outputs"], rowsOf(columns));
}

const rowsOf = (columns: readonly (readonly string[])[]): string[][] =>
  (columns[0] ?? []).map((_, row) => columns.map((column) => column[row] ?? ""));

function rightAligned(texts: readonly string[]): string[] {
  const width = Math.max(0, ...texts.map((text) => text.length));
  return texts.map((text) => text.padStart(width));
}

/** Milliseconds with as many decimals as three digits of the largest need, nothing where there are none. */
function milliseconds(seconds: readonly number[]): string[] {
  const most = Math.max(...seconds) * 1000;
  const decimals = most >= 100 ? 1 : most >= 10 ? 2 : 3;
  return rightAligned(seconds.map((each) => (each === 0 ? "" : (each * 1000).toFixed(decimals))));
}

const withShares = (seconds: readonly number[], whole: number): [string[], string[]] => [
  milliseconds(seconds),
  rightAligned(seconds.map((each) => (whole > 0 ? `${((100 * each) / whole).toFixed(1)} %` : ""))),
];

const formatMilliseconds = (seconds: number): string => `${formatNumber(seconds * 1000, 3)} ms`;

/** Milliseconds a step by layer, one bar each with forward, backward and update beside each other, as SVG. */
export function profilePlot(profile: StepProfile, width = 760): string {
  const layers = groupLayers(profile.layers);
  const bars = layers.flatMap((layer) =>
    passes
      .map((pass) => ({ layer: layer.layer, pass, ms: layer[pass] * 1000 }))
      .filter(({ ms }) => ms > 0),
  );
  const longest = Math.max(0, ...layers.map(({ layer }) => textWidth(layer)));
  const marginLeft = Math.min(240, longest + 24);
  const frame = {
    title: `Time of a step by layer, phase ${profile.phase}`,
    ...{ width, height: 90 + 22 * layers.length, marginLeft },
    xLabel: "ms a step",
    names: passes,
  };
  const fill = ({ pass }: { pass: (typeof passes)[number] }): string =>
    colorOf(passes.indexOf(pass));
  const marks = [
    Plot.barX(bars, { x: "ms", y: "layer", fill, insetTop: 2, insetBottom: 2 }),
    Plot.ruleX([0], { stroke: "currentColor", strokeOpacity: 0.5 }),
  ];
  const y = {
    domain: layers.map(({ layer }) => layer),
    label: null,
    tickSize: 0,
    tickFormat: (name: string): string => shorten(name, marginLeft - 16),
  };
  const options = { marks, x: { label: null, grid: true, nice: true }, y };
  return drawSvg(frame, options, () =>
    passes.map((pass, i) => ({ text: pass, color: colorOf(i), y: 50 + 18 * i })),
  );
}
