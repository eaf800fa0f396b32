// What an equation says about its unknowns, where it is linear in them.
import { ReparamError } from "../tensor/index.ts";
import { type Expression, numeral, variablesOf } from "./expression.ts";
import { toExpression } from "./expression-form.ts";
import { addNormals, type Normal, settled } from "./expression-normal.ts";
import { zero } from "./expression-rational.ts";
import { toNormal } from "./expression-simplify.ts";

/** Σ coefficients·unknowns + rest. */
export interface LinearForm {
  /** In the order of the unknowns. */
  readonly coefficients: readonly Expression[];
  readonly rest: Expression;
}

/** Takes apart an expression that is linear in some names. Throws, naming it, where it is not linear in one. */
export function linearForm(
  e: Expression,
  unknowns: readonly string[],
  variable: string,
): LinearForm {
  const parts = new Map<string, Normal>();
  for (const term of toNormal(e, variable).values()) {
    const above = variablesOf(toExpression(term.exponential, variable));
    const involved = term.factors.filter(({ base }) =>
      [...variablesOf(base)].some((name) => unknowns.includes(name)),
    );
    const [factor] = involved;
    const plain =
      factor === undefined ||
      (involved.length === 1 &&
        factor.base.kind === "symbol" &&
        factor.exponent.n === 1n &&
        factor.exponent.d === 1n);
    if (!plain || unknowns.some((name) => above.has(name))) {
      const text = new Set([...above, ...involved.flatMap(({ base }) => [...variablesOf(base)])]);
      const names = unknowns.filter((name) => text.has(name));
      throw new ReparamError(
        `the equation is not linear in ${names.join(" and ")}. Only linear equations are solved here.`,
      );
    }
    const name = factor?.key ?? "";
    const others = term.factors.filter((other) => other !== factor);
    const part = settled(term.coefficient, term.exponential, others, variable);
    parts.set(name, addNormals(parts.get(name) ?? new Map(), part));
  }
  const of = (name: string) => {
    const part = parts.get(name);
    return part === undefined ? numeral(zero) : toExpression(part, variable);
  };
  return { coefficients: unknowns.map(of), rest: of("") };
}
