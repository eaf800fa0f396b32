/** Figures over seeds. */
export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Sample standard deviation; 0 of a single value. */
export function deviationOf(values: readonly number[]): number {
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / Math.max(1, values.length - 1));
}

/** mean ± sample standard deviation */
export const spread = (values: readonly number[], digits: number): string =>
  `${meanOf(values).toFixed(digits)} ± ${deviationOf(values).toFixed(digits)}`;

/** The same, or the value alone where there is one. */
export const spreadOfSeveral = (values: readonly number[], digits: number): string =>
  values.length < 2 ? meanOf(values).toFixed(digits) : spread(values, digits);
