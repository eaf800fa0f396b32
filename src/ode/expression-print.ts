// Expressions as plain text, which the parser reads again where no integral is left, and as LaTeX.
import { type Expression, isConstant, isNumber, numeral, powerOf } from "./expression.ts";
import { negateRational, one, type Rational, rational } from "./expression-rational.ts";

/** How an operator is written, and how integrals and functions are. */
interface Notation {
  readonly times: string;
  fraction(top: string, bottom: string): string;
  power(base: string, exponent: string): string;
  group(inside: string): string;
  call(name: string, inside: string): string;
  root(inside: string): string;
  name(name: string): string;
  integral(integrand: string, dummy: string, from: string, to: string): string;
}

const plain: Notation = {
  times: "*",
  fraction: (top, bottom) => `${top}/${bottom}`,
  power: (base, exponent) => `${base}^${exponent}`,
  group: (inside) => `(${inside})`,
  call: (name, inside) => `${name}(${inside})`,
  root: (inside) => `sqrt(${inside})`,
  name: (name) => name,
  integral: (integrand, dummy, from, to) => `integral(${integrand}, ${dummy} = ${from} .. ${to})`,
};

const greek = /^(alpha|beta|gamma|delta|theta|lambda|mu|nu|omega|phi|pi|psi|rho|sigma|tau|xi)$/;
const operators: Readonly<Record<string, string>> = {
  log: "\\ln",
  asin: "\\arcsin",
  acos: "\\arccos",
  atan: "\\arctan",
};

const latex: Notation = {
  times: " ",
  fraction: (top, bottom) => `\\frac{${top}}{${bottom}}`,
  power: (base, exponent) => `${base}^{${exponent}}`,
  group: (inside) => `\\left(${inside}\\right)`,
  call: (name, inside) => {
    if (name === "exp") return inside === "1" ? "e" : `e^{${inside}}`;
    if (name === "abs") return `\\left|${inside}\\right|`;
    return `${operators[name] ?? `\\${name}`}\\left(${inside}\\right)`;
  },
  root: (inside) => `\\sqrt{${inside}}`,
  name: (name) => {
    const [, letters = name, digits = ""] = /^(\p{L}+)_?(\d*)$/u.exec(name) ?? [];
    const base = greek.test(letters) ? `\\${letters}` : letters;
    return digits === "" ? base : `${base}_{${digits}}`;
  },
  integral: (integrand, dummy, from, to) => `\\int_{${from}}^{${to}} ${integrand}\\,d${dummy}`,
};

/** Names that replace the variable below an integral sign, by depth. */
const dummies = ["s", "r", "q", "w"];

type Names = ReadonlyMap<string, string>;

/** Plain text, such as "exp(-x)*(2/x - x)". */
export const toText = (e: Expression): string => print(e, plain, 0, new Map());
/** LaTeX for math mode. */
export const toLatex = (e: Expression): string => print(e, latex, 0, new Map());

/** How tightly what is printed must hold together: in a sum 0, a product 1, as a base 2. */
function print(e: Expression, to: Notation, tightness: number, names: Names): string {
  const grouped = (text: string, own: number) => (own < tightness ? to.group(text) : text);
  switch (e.kind) {
    case "number":
      return number(e.value, to, tightness);
    case "symbol":
      return to.name(names.get(e.name) ?? e.name);
    case "call":
      return to.call(e.name, print(e.argument, to, 0, names));
    case "sum":
      return grouped(sumText(e.terms, to, names), 0);
    case "product":
      return productText(e.factors, to, tightness, names);
    case "power": {
      if (isConstant(e.exponent, rational(1, 2))) return to.root(print(e.base, to, 0, names));
      if (isNumber(e.exponent) && e.exponent.value.n < 0n) {
        return productText([e], to, tightness, names);
      }
      const exponent = print(e.exponent, to, to === latex ? 0 : 2, names);
      const base = print(e.base, to, 2, names);
      // e^{x} as a base needs its group in LaTeX.
      const exponential = to === latex && e.base.kind === "call" && e.base.name === "exp";
      return grouped(to.power(exponential ? to.group(base) : base, exponent), 1.5);
    }
    case "integral": {
      const outer = names.get(e.variable) ?? e.variable;
      const free = dummies.filter((name) => name !== e.variable && name !== outer);
      const dummy = free[dummies.includes(outer) && names.size > 0 ? dummies.indexOf(outer) : 0]!;
      const inside = print(e.integrand, to, 1, new Map([...names, [e.variable, dummy]]));
      const text = to.integral(inside, dummy, number(e.from, to, 0), to.name(outer));
      return to === latex && tightness > 0 ? to.group(text) : text;
    }
  }
}

function number({ n, d }: Rational, to: Notation, tightness: number): string {
  const size = (x: bigint) => (x < 0n ? -x : x).toString();
  const text = d === 1n ? size(n) : to.fraction(size(n), size(d));
  const signed = n < 0n ? `-${text}` : text;
  return (n < 0n && tightness > 0) || (d !== 1n && tightness > 1) ? to.group(signed) : signed;
}

function sumText(terms: readonly Expression[], to: Notation, names: Names): string {
  // The first term that is not negative leads.
  const positive = terms.findIndex((term) => !isNegative(term));
  const lead = terms[positive];
  const ordered = lead === undefined ? terms : [lead, ...terms.filter((_, i) => i !== positive)];
  return ordered
    .map((term, i) => {
      if (i === 0) return print(term, to, 0, names);
      return isNegative(term)
        ? ` - ${print(opposite(term), to, 0.5, names)}`
        : ` + ${print(term, to, 0, names)}`;
    })
    .join("");
}

const isNegative = (e: Expression): boolean =>
  isNumber(e) ? e.value.n < 0n : e.kind === "product" && isNegative(e.factors[0]!);

function opposite(e: Expression): Expression {
  if (isNumber(e)) return numeral(negateRational(e.value));
  if (e.kind !== "product") return e;
  const [first, ...rest] = e.factors;
  const turned = opposite(first!);
  const factors = isConstant(turned, one) ? rest : [turned, ...rest];
  return factors.length === 1 ? factors[0]! : { kind: "product", factors };
}

function productText(
  factors: readonly Expression[],
  to: Notation,
  tightness: number,
  names: Names,
): string {
  if (isNegative(factors[0]!)) {
    const text = `-${print(opposite({ kind: "product", factors }), to, 1, names)}`;
    return tightness > 0 ? to.group(text) : text;
  }
  const top: Expression[] = [];
  const bottom: Expression[] = [];
  for (const factor of factors) {
    if (isNumber(factor)) {
      const { n, d } = factor.value;
      if (n !== 1n) top.push(numeral({ n, d: 1n }));
      if (d !== 1n) bottom.push(numeral({ n: d, d: 1n }));
    } else if (
      factor.kind === "power" &&
      isNumber(factor.exponent) &&
      factor.exponent.value.n < 0n
    ) {
      bottom.push(powerOf(factor.base, numeral(negateRational(factor.exponent.value))));
    } else top.push(factor);
  }
  // A fraction bar holds what is above and below together; a slash does not.
  const side = (list: readonly Expression[], alone: number) =>
    list.length === 0
      ? "1"
      : list.map((e) => print(e, to, list.length > 1 ? 1 : alone, names)).join(to.times);
  if (bottom.length === 0) {
    const text = side(top, tightness);
    return top.length > 1 && tightness > 1 ? to.group(text) : text;
  }
  const barred = to === latex;
  const above = side(top, barred ? 0 : 1);
  const below = side(bottom, barred ? 0 : 1.2);
  const text = to.fraction(above, !barred && bottom.length > 1 ? to.group(below) : below);
  return tightness > 1 ? to.group(text) : text;
}
