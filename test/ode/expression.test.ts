import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compileExpression,
  differentiate,
  type Expression,
  functionNames,
  hasIntegral,
  isZero,
  linearForm,
  parseExpression,
  simplify,
  toLatex,
  toText,
} from "../../src/ode/index.ts";
import { ReparamError } from "../../src/tensor/index.ts";

const parse = (text: string) => parseExpression(text, ["x"]);
const at = (e: Expression, x: number) => compileExpression(e, "x")(x);

describe("parsing", () => {
  it.each<[string, (x: number) => number]>([
    ["2^3^2", () => 512],
    ["-x^2", (x) => -(x * x)],
    ["2^-x", (x) => 2 ** -x],
    ["x - -x", (x) => 2 * x],
    ["x/2/4", (x) => x / 8],
    ["6/2*(1 + 2)", () => 9],
    ["1 - 2 - 3", () => -4],
    ["x**2 − 3·x×2", (x) => x * x - 6 * x],
    ["ln(x) + π", (x) => Math.log(x) + Math.PI],
    ["e^(2*x)", (x) => Math.exp(2 * x)],
    [
      "arctan(x) + arcsin(x/9) - arccos(x/9)",
      (x) => Math.atan(x) + Math.asin(x / 9) - Math.acos(x / 9),
    ],
    ["1.5e-3*x + .5 + 2.", (x) => 0.0015 * x + 2.5],
    ["abs(-x)", (x) => x],
    ["(-8)^(1/3)", () => -2],
    ["x^(2/3)", (x) => Math.cbrt(x) ** 2],
    ["tanh(sinh(x) - cosh(x))", (x) => Math.tanh(Math.sinh(x) - Math.cosh(x))],
  ])("reads %s as mathematics does", (text, f) => {
    for (const x of [0.4, 1.7]) expect(at(parse(text), x)).toBeCloseTo(f(x), 13);
  });

  it("keeps decimal fractions exact", () => {
    expect(toText(simplify(parse("0.1 + 0.2"), "x"))).toBe("3/10");
  });

  it("takes primes as parts of names", () => {
    const { coefficients, rest } = linearForm(
      parseExpression("x*y'' - 3*y + sin(x)", ["x", "y", "y''"]),
      ["y", "y''"],
      "x",
    );
    expect([...coefficients, rest].map(toText)).toEqual(["-3", "x", "sin(x)"]);
  });

  it.each([
    ["x +", "the text ends where a value is wanted (character 4: x +⟨here⟩)"],
    ["", "the text ends where a value is wanted (character 1: ⟨here⟩)"],
    ["2x", 'an operator is wanted before "x". Write * between factors (character 2: 2⟨here⟩x)'],
    ["(x", 'a ")" is missing here (character 3'],
    ["x)", 'this ")" closes nothing (character 2'],
    ["()", "a value is wanted here (character 2"],
    ["x^*2", "a value is wanted here (character 3"],
    ["1 + sin x", "write sin(…), with its argument in parentheses (character 5"],
    ["x + foo", '"foo" is unknown. Known are x, pi, e and the functions sin, cos'],
    ["x + y'", "(character 5: x + ⟨here⟩y')"],
    ["x $ 2", '"$" does not belong in an expression (character 3: x ⟨here⟩$ 2)'],
    ["1/0", "division by zero (character 3"],
    ["x*0^-1", "this power of zero has no value (character 3"],
    ["1e99999", "this number is too large (character 1"],
    ["(".repeat(300), "this is nested too deeply"],
    ["x+".repeat(20_000), "40000 characters are too many"],
    [`${"x + ".repeat(40)}?`, "(character 161: …"],
  ])("refuses %s and names the place", (text, message) => {
    expect(() => parse(text)).toThrow(message);
    expect(() => parse(text)).toThrow(ReparamError);
  });

  it("runs nothing of the text", () => {
    for (const text of ["process", "constructor(1)", "x.constructor", "`x`", "toString"]) {
      expect(() => parse(text)).toThrow(ReparamError);
    }
  });
});

/** Texts of expressions of x, of some depth. */
const texts = fc.letrec<{ sum: string; leaf: string }>((tie) => ({
  leaf: fc.constantFrom("x", "x", "2", "3", "1/2", "0.75", "pi"),
  sum: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    tie("leaf"),
    fc
      .tuple(tie("sum"), fc.constantFrom("+", "-", "*", "/"), tie("sum"))
      .map((p) => `(${p.join("")})`),
    fc
      .tuple(fc.constantFrom("sin", "cos", "exp", "log", "sqrt", "tanh", "atan", "abs"), tie("sum"))
      .map(([f, u]) => `${f}(${u})`),
    fc
      .tuple(tie("sum"), fc.constantFrom("2", "3", "-1", "-2", "(1/2)", "(-1/3)", "x"))
      .map((p) => p.join("^")),
  ),
})).sum;

/** What simplifies; a division by 0 everywhere, or too many terms, is refused. */
function simplified(e: Expression): Expression | undefined {
  try {
    return simplify(e, "x");
  } catch (error) {
    if (error instanceof ReparamError) return undefined;
    throw error;
  }
}

describe("the normal form", () => {
  it("has the values of what it was made of, and its text reads as the same again", () => {
    const places = [0.31, 0.87, 1.37, 2.19, -0.73];
    let compared = 0;
    fc.assert(
      fc.property(texts, (text) => {
        let before: Expression;
        try {
          before = parse(text);
        } catch {
          return; // a division by a plain 0
        }
        const after = simplified(before);
        if (after === undefined) return;
        const again = parse(toText(after));
        for (const x of places) {
          const value = at(before, x);
          if (!(Math.abs(value) < 1e4 && Math.abs(value) > 1e-4)) continue;
          compared++;
          // What was multiplied out loses digits.
          expect(at(after, x) / value).toBeCloseTo(1, 6);
          expect(at(again, x) / value).toBeCloseTo(1, 6);
        }
      }),
      { seed: 1, numRuns: 400 },
    );
    expect(compared).toBeGreaterThan(500);
  });

  it.each([
    "sin(x)^2 + cos(x)^2 - 1",
    "exp(log(x)) - x",
    "exp(2*log(x)) - x^2",
    "exp(x)*exp(-x) - 1",
    "exp(x + 1) - e*exp(x)",
    "tan(x)*cos(x) - sin(x)",
    "cosh(x)^2 - sinh(x)^2 - 1",
    "tanh(x) - sinh(x)/cosh(x)",
    "(x^2 - 1)/(x - 1) - x - 1",
    "1/(x - 1) - 1/(x + 1) - 2/(x^2 - 1)",
    "1/(1 + sin(x)) - (1 - sin(x))/cos(x)^2",
    "sqrt(8) - 2*sqrt(2)",
    "sqrt(x)*x^(3/2) - x^2",
    "1/sqrt(x) - sqrt(x)/x",
    "sin(-x) + sin(x)",
    "cos(pi) + sin(pi/2)",
    "atan(-x) + atan(x)",
  ])("knows that %s is 0", (text) => {
    expect(isZero(parse(text), "x")).toBe(true);
  });

  it.each(["sin(x) - x", "exp(x) - 1 - x", "abs(x) - x", "sqrt(x^2) - x", "x^pi - x^3"])(
    "does not take %s for 0",
    (text) => {
      expect(isZero(parse(text), "x")).toBe(false);
    },
  );

  it("refuses what has no value anywhere", () => {
    expect(() => simplify(parse("1/(x - x)"), "x")).toThrow("zero everywhere");
    expect(() => simplify(parse("log(x - x)"), "x")).toThrow("logarithm of 0");
    expect(() => simplify(parse("(x + sin(x) + exp(x) + log(x))^190"), "x")).toThrow("beyond");
  });
});

describe("derivatives", () => {
  const inner: Readonly<Record<string, string>> = {
    log: "x + 1",
    sqrt: "x + 1",
    asin: "x/3",
    acos: "x/3",
  };
  it.each([
    ...functionNames.map((name) => `${name}(${inner[name] ?? "x^2 - 1/3"})`),
    "x^x",
    "(x^2 + 1)^(-3/2)*exp(-x)",
    "x^3/(1 + x)/cos(x)",
    "2^(sin(x))",
    "pi*x - e",
  ])("of %s are its slopes", (text) => {
    const e = parse(text);
    const slope = differentiate(e, "x");
    const h = 1e-5;
    for (const x of [0.2, 0.7, 1.1]) {
      const central = (at(e, x + h) - at(e, x - h)) / (2 * h);
      expect(at(slope, x)).toBeCloseTo(central, 7);
      expect(at(simplify(slope, "x"), x)).toBeCloseTo(central, 7);
    }
  });

  it("take other names for constants", () => {
    const e = parseExpression("a*x^2", ["a", "x"]);
    expect(toText(simplify(differentiate(e, "x"), "x"))).toBe("2*x*a");
    expect(() => compileExpression(e, "x")).toThrow('"a" has no value; the variable is x');
  });
});

describe("an integral that is left", () => {
  const from = { n: 0n, d: 1n };
  const e: Expression = { kind: "integral", integrand: parse("exp(-x^2)"), variable: "x", from };

  it("has values by quadrature, in any order of times", () => {
    const f = compileExpression(e, "x");
    // √π/2·erf(x), Abramowitz & Stegun, table 7.1
    const erf = { 2: 0.9953222650189527, 0.5: 0.5204998778130465, 1: 0.8427007929497149 };
    for (const [x, value] of Object.entries(erf)) {
      expect(f(Number(x))).toBeCloseTo((Math.sqrt(Math.PI) / 2) * value, 13);
      expect(f(-Number(x))).toBeCloseTo((-Math.sqrt(Math.PI) / 2) * value, 13);
    }
    expect(f(0)).toBe(0);
  });

  it("has its integrand for a derivative, and is printed with a variable of its own", () => {
    expect(differentiate(e, "x")).toBe(e.kind === "integral" && e.integrand);
    expect(hasIntegral(parse("x"))).toBe(false);
    expect(hasIntegral(simplify(e, "x"))).toBe(true);
    expect(toText(e)).toBe("integral(exp(-s^2), s = 0 .. x)");
    expect(toLatex(e)).toBe("\\int_{0}^{x} e^{-s^{2}}\\,ds");
  });
});

describe("LaTeX", () => {
  it.each([
    ["x^2/2", "\\frac{x^{2}}{2}"],
    ["exp(-x)*sin(2*x)", "e^{-x} \\sin\\left(2 x\\right)"],
    ["-(x + 1)*log(x)", "-\\left(x + 1\\right) \\ln\\left(x\\right)"],
    ["sqrt(x + 1)", "\\sqrt{x + 1}"],
    ["1/(x + 1)^2", "\\frac{1}{\\left(x + 1\\right)^{2}}"],
    ["x^(-2/3)", "\\frac{1}{x^{\\frac{2}{3}}}"],
    ["abs(x)*arctan(pi*x)", "\\left|x\\right| \\arctan\\left(\\pi x\\right)"],
    ["e", "e"],
    ["x - 1/2", "x - \\frac{1}{2}"],
  ])("of %s", (text, latex) => {
    expect(toLatex(parse(text))).toBe(latex);
  });

  it("has matching braces and delimiters whatever is printed", () => {
    fc.assert(
      fc.property(texts, (text) => {
        let e: Expression;
        try {
          e = parse(text);
        } catch {
          return;
        }
        const latex = toLatex(e);
        let depth = 0;
        for (const c of latex) {
          depth += c === "{" ? 1 : c === "}" ? -1 : 0;
          expect(depth).toBeGreaterThanOrEqual(0);
        }
        expect(depth).toBe(0);
        expect(latex.split("\\left").length).toBe(latex.split("\\right").length);
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  it("writes Greek names and numbered ones", () => {
    const e = parseExpression("omega*x1 + C2", ["omega", "x1", "C2"]);
    expect(toLatex(e)).toBe("\\omega x_{1} + C_{2}");
  });
});
