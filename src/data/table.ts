import { ReparamError } from "../tensor/index.ts";
import type { Description } from "./idx-folder.ts";
import { makeSplit, planSplits, takeSamples } from "./split.ts";
import { type Roles, rolesOf, textRefused } from "./table-columns.ts";
import type { Column, Dataset, SplitName, SplitOptions, TableOptions } from "./types.ts";

/** A table in memory: numbers as features, and what else was asked for. */
export interface Table {
  readonly length: number;
  /** Names of the features. */
  readonly features: readonly string[];
  /** Row-major, [length, features]; NaN where a cell is empty. */
  readonly x: Float64Array<ArrayBuffer>;
  /** [length], at least 0. */
  readonly weight?: Float64Array<ArrayBuffer>;
  /** [length], a place in `classes`; −1 where the cell is empty. */
  readonly label?: Int32Array<ArrayBuffer>;
  readonly classes?: readonly string[];
}

/** Takes a table row by row. */
export interface TableBuilder {
  /** Cells in the order of the names; `where` says in errors which row it is, as in "line 3". */
  add(cells: readonly unknown[], where: string): void;
  /** Throws if there are no rows, or features with text or without any number. */
  finish(): Table;
}

const missing = /^(na|n\/a|nan|null)?$/i;
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** A cell as a number, NaN if it is empty (or says NA, NaN, null), undefined if it is something else. */
export function numberOf(cell: unknown): number | undefined {
  if (cell === null || cell === undefined) return Number.NaN;
  if (typeof cell === "number") return cell;
  if (typeof cell === "bigint" || typeof cell === "boolean") return Number(cell);
  if (typeof cell !== "string") return undefined;
  const text = cell.trim();
  if (missing.test(text)) return Number.NaN;
  return decimal.test(text) ? Number(text) : undefined;
}

/** A cell as errors and class names show it. */
const textOf = (cell: unknown): string =>
  typeof cell === "object" && !(cell instanceof Date) ? JSON.stringify(cell) : String(cell).trim();

/** Numbers that grow: twice the room whenever it is used up. */
function growing<T extends Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(
  make: (length: number) => T,
): { push: (value: number) => void; done: () => T } {
  let data = make(1024);
  let length = 0;
  return {
    push(value) {
      if (length === data.length) {
        const grown = make(2 * length);
        grown.set(data);
        data = grown;
      }
      data[length++] = value;
    },
    done: () => data.slice(0, length) as T,
  };
}

/**
 * A builder for a table with these column names. `file` names it in errors. Throws where an option names a
 * column that is not there.
 */
export function buildTable(
  file: string,
  names: readonly string[],
  options: TableOptions = {},
): TableBuilder {
  const roles = rolesOf(file, names, options);
  const x = growing((length) => new Float64Array(length));
  const weight = growing((length) => new Float64Array(length));
  const labels = labelBuilder();
  /** First cell with text, by column. */
  const texts = new Map<number, string>();
  const filled = new Set<number>();
  let length = 0;
  const number = (cells: readonly unknown[], column: number, where: string): number => {
    const value = numberOf(cells[column]);
    if (value === undefined) {
      if (!texts.has(column))
        texts.set(column, `"${textOf(cells[column]).slice(0, 30)}", ${where}`);
      return Number.NaN;
    }
    if (Math.abs(value) === Number.POSITIVE_INFINITY) {
      const cell = `"${names[column]}" is ${textOf(cells[column])}`;
      throw new ReparamError(
        `${file}: ${cell} in ${where}. Numbers must be finite; leave the cell empty if the value is missing.`,
      );
    }
    if (!Number.isNaN(value)) filled.add(column);
    return value;
  };
  return {
    add(cells, where) {
      length++;
      for (const column of roles.features) x.push(number(cells, column, where));
      if (roles.weight !== undefined) {
        const value = number(cells, roles.weight, where);
        if (!texts.has(roles.weight)) checkWeight(file, value, where);
        weight.push(value);
      }
      if (roles.label !== undefined) labels.add(cells[roles.label]);
    },
    finish() {
      if (length === 0)
        throw new ReparamError(`${file} has no rows. Check that it is the right file.`);
      if (texts.size > 0) throw textRefused(file, names, roles, texts, options);
      const empty = roles.features.find((column) => !filled.has(column));
      if (empty !== undefined) {
        throw new ReparamError(
          `${file}: the column "${names[empty]}" is empty. Leave it out with --ignore-columns "${names[empty]}".`,
        );
      }
      return {
        ...{ length, x: x.done(), features: namesOf(roles, names) },
        ...(roles.weight === undefined ? {} : { weight: weight.done() }),
        ...(roles.label === undefined ? {} : labels.done()),
      };
    },
  };
}

export const namesOf = (roles: Roles, names: readonly string[]): string[] =>
  roles.features.map((column) => names[column] as string);

/** Throws unless a weight is at least 0. */
export function checkWeight(file: string, value: number, where: string): void {
  if (value >= 0 && value < Number.POSITIVE_INFINITY) return;
  const got = Number.isNaN(value) ? "empty" : String(value);
  throw new ReparamError(`${file}: the weight in ${where} is ${got}. Weights must be at least 0.`);
}

/** Classes from cells: whole numbers in their order, anything else in that of the alphabet. */
export function labelBuilder() {
  const seen = new Map<string, number>();
  const values = growing((length) => new Int32Array(length));
  return {
    add(cell: unknown): void {
      const text = cell === null || cell === undefined ? "" : textOf(cell);
      const none = missing.test(text);
      if (!none && !seen.has(text)) seen.set(text, seen.size);
      values.push(none ? -1 : (seen.get(text) as number));
    },
    done(): { label: Int32Array<ArrayBuffer>; classes: string[] } {
      const classes = [...seen.keys()];
      const numeric = classes.every((text) => decimal.test(text));
      classes.sort((a, b) => (numeric ? Number(a) - Number(b) : a < b ? -1 : 1));
      const place = new Map(classes.map((text, i) => [text, i]));
      const places = Int32Array.from([...seen.keys()], (text) => place.get(text) as number);
      return {
        label: values.done().map((value) => (value < 0 ? -1 : (places[value] as number))),
        classes,
      };
    },
  };
}

/** Float64 numbers as they are, or rounded to float32. */
export const numbersOf = (
  data: Float64Array<ArrayBuffer>,
  shape: readonly number[],
  dtype: "float32" | "float64" = "float64",
): Column => ({ dtype, shape, data: dtype === "float64" ? data : Float32Array.from(data) });

/** A table divided at random by `seed`, unless options say otherwise. */
export function tableDataset(
  table: Table,
  about: Description,
  options: SplitOptions & TableOptions = {},
): Dataset {
  const { x, weight, label, classes = about.classes, features, length } = table;
  const { dtype } = options;
  const all = makeSplit({
    x: numbersOf(x, [features.length], dtype),
    ...(weight && { weight: numbersOf(weight, [], dtype) }),
    ...(label && { label: { dtype: "int32", shape: [], data: label } as const }),
  });
  const plan = planSplits({ train: length }, options, false);
  const make = (name: SplitName) => takeSamples(all, plan[name].indices);
  return {
    ...about,
    ...(classes && { classes }),
    names: { x: features },
    train: make("train"),
    validation: make("validation"),
    test: make("test"),
  };
}
