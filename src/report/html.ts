import { metricCurves, words } from "./curves.ts";
import { escapeHtml } from "./escape.ts";
import type { EvaluationPoint, RunRecord } from "./record.ts";
import { pageStyle } from "./style.ts";
import { formatBytes, formatDuration, formatNumber } from "./table.ts";

/**
 * The report of a run: one HTML file that needs nothing else. Pictures and plots are inside it, and it
 * follows the reader's light or dark colours. All text of the record is escaped.
 */
export function renderReport(record: RunRecord): string {
  const { name, config } = record;
  const subtitle = [config.method, dataName(record), `seed ${config.seed}`, date(config.created)];
  const sections = [
    headline(record),
    curves(record),
    pictures(record),
    settings(record),
    timings(record),
    exported(record),
    repeat(record),
    notes(record),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="reparam">
<title>${escapeHtml(name)} · reparam</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1>${escapeHtml(name)}</h1>
<p>${subtitle
    .filter((part) => part !== "")
    .map(escapeHtml)
    .join(" · ")}</p>
</header>
<main>
${sections.filter((part) => part !== "").join("\n")}
</main>
</body>
</html>
`;
}

const section = (title: string, content: string): string => {
  const id = title.toLowerCase().replaceAll(/\W+/g, "-");
  return content === ""
    ? ""
    : `<section aria-labelledby="${id}">\n<h2 id="${id}">${title}</h2>\n${content}\n</section>`;
};

/** The newest evaluation on test data, else on validation data, else on any other. */
function lastEvaluation({ evaluations }: RunRecord): EvaluationPoint | undefined {
  const last = (split: string) => evaluations.findLast((point) => point.split === split);
  return last("test") ?? last("validation") ?? evaluations.at(-1);
}

function headline(record: RunRecord): string {
  const evaluation = lastEvaluation(record);
  const point = evaluation ?? record.train.at(-1);
  if (point === undefined) return section("Results", "<p>Nothing was measured yet.</p>");
  const split = evaluation?.split ?? "training";
  const cards = Object.entries(point.metrics).map(
    ([metric, value]) =>
      `<div><dt>${escapeHtml(words(metric))}</dt><dd>${escapeHtml(formatNumber(value))}</dd></div>`,
  );
  const trained = record.train.at(-1) ?? point;
  const about = [
    `On the ${split} data at step ${point.step} (epoch ${formatNumber(point.epoch, 3)}).`,
    `Trained for ${trained.step} steps in ${formatDuration(trained.seconds)}.`,
  ];
  const rows = allSplits(record);
  const more = rows.length > 1 ? splitTable(rows) : "";
  return section(
    "Results",
    `<dl class="cards">${cards.join("")}</dl>\n<p class="quiet">${escapeHtml(about.join(" "))}</p>${more}`,
  );
}

/** The newest evaluation of every split. */
const allSplits = ({ evaluations }: RunRecord): EvaluationPoint[] => [
  ...new Map(evaluations.map((point) => [point.split, point])).values(),
];

function splitTable(points: readonly EvaluationPoint[]): string {
  const metrics = [...new Set(points.flatMap((point) => Object.keys(point.metrics)))];
  const header = ["split", "step", ...metrics.map(words)];
  const rows = points.map(({ split, step, metrics: values }) => [
    split,
    step,
    ...metrics.map((metric) => values[metric]),
  ]);
  return table(header, rows);
}

function curves(record: RunRecord): string {
  const figures = metricCurves(record).map(({ svg, caption }) => {
    const below = caption === "" ? "" : `<figcaption>${escapeHtml(caption)}</figcaption>`;
    return `<figure class="plot">${svg}${below}</figure>`;
  });
  return section(
    "Curves",
    figures.length === 0 ? "" : `<div class="grid">${figures.join("\n")}</div>`,
  );
}

function pictures({ pictures: list }: RunRecord): string {
  const figures = list.map(
    ({ title, caption, png, plot = false }) =>
      `<figure><h3>${escapeHtml(title)}</h3><img${plot ? ' class="smooth"' : ""} src="data:image/png;base64,${base64(png)}" alt="${escapeHtml(`${title}. ${caption}`)}"><figcaption>${escapeHtml(caption)}</figcaption></figure>`,
  );
  return section(
    "Pictures",
    figures.length === 0 ? "" : `<div class="grid">${figures.join("\n")}</div>`,
  );
}

function settings({ config }: RunRecord): string {
  const rows: [string, unknown][] = [
    ["method", config.method],
    ...Object.entries(config.options),
    ...Object.entries(config.data).map(([key, value]): [string, unknown] => [`data.${key}`, value]),
    ["seed", config.seed],
    ["threads", config.threads],
  ];
  return section(
    "Settings",
    table(
      ["option", "value"],
      rows.map(([key, value]) => [key, show(value)]),
    ),
  );
}

function timings({ timings: byPhase }: RunRecord): string {
  const phases = Object.entries(byPhase);
  if (phases.length === 0) return "";
  const total = phases.reduce((sum, [, seconds]) => sum + seconds, 0);
  const rows = [...phases, ["total", total] as const].map(([phase, seconds]) => [
    words(phase),
    formatDuration(seconds),
    total > 0 ? `${((100 * seconds) / total).toFixed(1)} %` : "",
  ]);
  return section("Timings", table(["phase", "time", "share"], rows, [1, 2]));
}

function exported({ exports: files }: RunRecord): string {
  if (files.length === 0) return "";
  const rows = files.map(({ file, bytes, inputs, outputs }) => [
    file,
    formatBytes(bytes),
    inputs.join("\n"),
    outputs.join("\n"),
  ]);
  return section(
    "Exported files",
    `<p class="quiet">ONNX models; they run in any ONNX runtime.</p>${table(["file", "size", "inputs", "outputs"], rows, [1])}`,
  );
}

function repeat(record: RunRecord): string {
  const { config } = record;
  const rows = [...Object.entries(config.versions), ["machine", config.machine]];
  return section(
    "Repeat it",
    `<pre tabindex="0"><code>${escapeHtml(repeatCommand(record))}</code></pre>\n<p class="quiet">The same seed, thread count and machine give the same numbers.</p>${table(["part", "version"], rows)}`,
  );
}

const notes = ({ notes: lines }: RunRecord): string =>
  section(
    "Notes",
    lines.length === 0
      ? ""
      : `<ul>${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join("")}</ul>`,
  );

/** The command line that made the run: as recorded, else from its options as flags in kebab case. */
export function repeatCommand({ config }: RunRecord): string {
  if (config.command !== undefined) return config.command;
  const { name, ...data } = config.data;
  const flags = Object.entries({
    ...(name === undefined ? {} : { data: name }),
    ...data,
    ...config.options,
    seed: config.seed,
    threads: config.threads,
  }).flatMap(([key, value]) => flag(key, value));
  return ["npx reparam train", config.method, ...flags].join(" ");
}

function flag(key: string, value: unknown): string[] {
  if (value === undefined || value === null) return [];
  const kebab = key.replaceAll(/([a-z\d])([A-Z])/g, "$1-$2").toLowerCase();
  if (typeof value === "boolean") return [value ? `--${kebab}` : `--no-${kebab}`];
  const text = Array.isArray(value) ? value.map(show).join(",") : show(value);
  const quoted = /^[\w.,:/@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
  return [`--${kebab} ${quoted}`];
}

function table(
  columns: readonly string[],
  rows: readonly (readonly (string | number | undefined)[])[],
  rightColumns: readonly number[] = [],
): string {
  const right = columns.map(
    (_, i) => rightColumns.includes(i) || rows.some((row) => typeof row[i] === "number"),
  );
  const number = (i: number) => (right[i] === true ? ' class="number"' : "");
  const head = columns.map((column, i) => `<th scope="col"${number(i)}>${escapeHtml(column)}</th>`);
  const body = rows.map((row) => {
    const cells = row.map((cell, i) => {
      const content = escapeHtml(typeof cell === "number" ? formatNumber(cell) : (cell ?? "–"));
      return i === 0 ? `<th scope="row">${content}</th>` : `<td${number(i)}>${content}</td>`;
    });
    return `<tr>${cells.join("")}</tr>`;
  });
  return `<div class="scroll"><table><thead><tr>${head.join("")}</tr></thead><tbody>${body.join("\n")}</tbody></table></div>`;
}

function show(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  return JSON.stringify(value) ?? "";
}

const dataName = ({ config }: RunRecord): string =>
  typeof config.data.name === "string" ? config.data.name : "";

/** "2025-03-01T12:30:00Z" → "2025-03-01 12:30 UTC"; other texts stay. */
const date = (created: string): string =>
  created.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d(\.\d+)?)?Z$/, "$1 $2 UTC");

function base64(bytes: Uint8Array): string {
  let text = "";
  // In pieces: a call takes a limited number of arguments.
  for (let i = 0; i < bytes.length; i += 8192) {
    text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  }
  return btoa(text);
}
