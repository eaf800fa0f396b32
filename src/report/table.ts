import { ReparamError } from "../tensor/index.ts";

export type Cell = string | number | boolean | null | undefined;

/**
 * A table for the terminal: columns aligned, numbers to the right, a rule below the header. A column whose
 * cells are all numbers (or missing) is right-aligned. Rows have one cell a column.
 */
export function textTable(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const { cells, right } = layOut(columns, rows);
  const widths = columns.map((name, i) =>
    Math.max(displayWidth(name), ...cells.map((row) => displayWidth(row[i] as string))),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => pad(cell, widths[i] as number, right[i] === true))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return [line(columns), rule, ...cells.map(line)].join("\n");
}

/** The same table in GitHub-flavoured Markdown. */
export function markdownTable(
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  const { cells, right } = layOut(columns, rows);
  const line = (row: readonly string[]) => `| ${row.map(escapeMarkdown).join(" | ")} |`;
  const rule = `| ${right.map((isRight) => (isRight ? "---:" : "---")).join(" | ")} |`;
  return [line(columns), rule, ...cells.map(line)].join("\n");
}

/**
 * A number for people: `digits` significant ones (4 by default), integers below 10⁹ in full,
 * powers of ten from 10⁶ and below 10⁻³.
 */
export function formatNumber(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "-∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  // Rounded first: 999.96 has four digits before the point.
  const magnitude = Math.abs(Number(value.toPrecision(digits)));
  if (magnitude >= 1e6 || magnitude < 1e-3) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${trimZeros(mantissa as string)}e${Number(exponent)}`;
  }
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(magnitude)));
  return value.toFixed(decimals);
}

/** Seconds as "85 ms", "4.2 s", "1 m 23 s", "2 h 05 m" or "3 d 04 h". */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 0) return `-${formatDuration(-seconds)}`;
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95)
    return `${(seconds < 9.95 ? seconds : Math.round(seconds)).toFixed(seconds < 9.95 ? 1 : 0)} s`;
  const two = (value: number) => String(value).padStart(2, "0");
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
  const hours = Math.round(seconds / 3600);
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
}

/** Bytes in decimal units: "812 B", "1.3 kB", "26.8 MB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

function layOut(columns: readonly string[], rows: readonly (readonly Cell[])[]) {
  const cells = rows.map((row, at) => {
    if (row.length !== columns.length) {
      throw new ReparamError(
        `table: row ${at + 1} has ${row.length} cells for ${columns.length} columns. Give one cell a column.`,
      );
    }
    return row.map(cellText);
  });
  const right = columns.map((_, i) => {
    const present = rows.map((row) => row[i]).filter((cell) => cell !== null && cell !== undefined);
    return present.length > 0 && present.every((cell) => typeof cell === "number");
  });
  return { cells, right };
}

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return "-";
  return typeof cell === "number" ? formatNumber(cell) : String(cell).replaceAll(/\s*\n\s*/g, " ");
}

const displayWidth = (text: string): number => [...text].length;

function pad(text: string, width: number, right: boolean): string {
  const space = " ".repeat(width - displayWidth(text));
  return right ? space + text : text + space;
}

const escapeMarkdown = (text: string): string => text.replaceAll("|", "\\|");

const trimZeros = (decimal: string): string =>
  decimal.includes(".") ? decimal.replace(/\.?0+$/, "") : decimal;
