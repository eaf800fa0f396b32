import { ReparamError } from "../tensor/index.ts";
import type { TableOptions } from "./types.ts";

/** What the columns of a table are used for, by their places. */
export interface Roles {
  readonly features: readonly number[];
  readonly weight?: number;
  readonly label?: number;
}

/** The names in a flag's value: `a,b (mm),'c, d'`. */
export const parseColumnList = (text: string): string[] =>
  (text.match(/'[^']*'|[^,]+/g) ?? [])
    .map((name) => name.trim().replace(/^'(.*)'$/, "$1"))
    .filter((name) => name !== "");

/** Names as a flag takes them: `--columns "a,b (mm)"`. */
export function columnList(names: readonly string[]): string {
  const text = names.map((name) => (name.includes(",") ? `'${name}'` : name)).join(",");
  return /^[\w.,-]+$/.test(text) ? text : `"${text}"`;
}

/** Which column is what. Throws for names that are not there, given twice, or used for two things. */
export function rolesOf(file: string, names: readonly string[], options: TableOptions): Roles {
  const { columns, ignoreColumns = [], labelColumn, weightColumn } = options;
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) {
    throw new ReparamError(`${file} has two columns "${repeated}". Give each a name of its own.`);
  }
  const place = (name: string): number => {
    const at = names.indexOf(name);
    if (at >= 0) return at;
    const shown = names.length > 30 ? [...names.slice(0, 30), "…"] : names;
    throw new ReparamError(`${file} has no column "${name}". It has ${shown.join(", ")}.`);
  };
  const label = labelColumn === undefined ? undefined : place(labelColumn);
  const weight = weightColumn === undefined ? undefined : place(weightColumn);
  if (label !== undefined && label === weight) {
    throw new ReparamError(`${file}: "${labelColumn}" cannot be label and weight at once.`);
  }
  const other = new Set([label, weight, ...ignoreColumns.map(place)]);
  const features = columns?.map(place) ?? [...names.keys()].filter((at) => !other.has(at));
  const double = features.find((at, i) => other.has(at) || features.indexOf(at) !== i);
  if (double !== undefined) {
    throw new ReparamError(
      `${file}: --columns names "${names[double]}", which is there twice or has another use. Name it once.`,
    );
  }
  if (features.length === 0) {
    throw new ReparamError(`${file}: no columns are left as features. Name them with --columns.`);
  }
  return {
    features,
    ...(weight === undefined ? {} : { weight }),
    ...(label === undefined ? {} : { label }),
  };
}

/** The error about text where numbers are wanted, with the flag that leaves it out. */
export function textRefused(
  file: string,
  names: readonly string[],
  { features, weight }: Roles,
  texts: ReadonlyMap<number, string>,
  { columns, ignoreColumns = [] }: TableOptions,
): ReparamError {
  const found = [...texts].sort(([a], [b]) => a - b);
  const shown = found.slice(0, 20).map(([column, cell]) => `${names[column]} (${cell})`);
  const more = found.length > 20 ? ` and ${found.length - 20} more` : "";
  const begin = `${file}: text where numbers are wanted, in ${shown.join(", ")}${more}.`;
  if (weight !== undefined && texts.has(weight)) {
    return new ReparamError(`${begin} Give --weight-column a column of numbers.`);
  }
  const numeric = features
    .filter((column) => !texts.has(column))
    .map((column) => names[column] as string);
  if (columns !== undefined) {
    const fix =
      numeric.length === 0 ? "Pick columns of numbers" : `Use --columns ${columnList(numeric)}`;
    return new ReparamError(`${begin} ${fix}.`);
  }
  const words = found.map(([column]) => names[column] as string);
  const ignore = columnList([...ignoreColumns, ...words]);
  return new ReparamError(
    `${begin} Leave them out with --ignore-columns ${ignore}, or name the classes with --label-column ${columnList(words.slice(0, 1))}.`,
  );
}
