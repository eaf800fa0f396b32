import { describe, expect, it } from "vitest";
import { integral } from "../../src/numerics/index.ts";
import {
  compileExpression,
  differentiate,
  integrateExpression,
  isZero,
  parseExpression,
  toText,
} from "../../src/ode/index.ts";

type Case = readonly [text: string, interval: readonly [number, number]];

const elementary: Case[] = [
  ["x^3 - 2/x", [1, 3]],
  ["1/(x^2 + 1)", [-2, 3]],
  ["1/(x^2 - 2)", [2, 5]],
  ["1/(x*(x + 1)^2)", [0.5, 4]],
  ["(2*x + 1)/(x^2 + x + 1)^2", [-2, 2]],
  ["1/(x^3 + 1)", [0, 3]],
  ["1/x", [-3, -1]],
  ["x*exp(-x)", [0, 4]],
  ["exp(2*x)*sin(3*x)", [-1, 1]],
  ["x*sin(x)", [-2, 2]],
  ["sin(x)^3*cos(x)^2", [0, 4]],
  ["tan(x)", [0, 1]],
  ["1/cos(x)^2", [0, 1]],
  ["cosh(x)", [-1, 2]],
  ["log(x)", [0.5, 3]],
  ["x^2*log(x)", [0.5, 3]],
  ["log(x)/x", [0.5, 4]],
  ["atan(x)", [-1, 2]],
  ["sqrt(x)", [0.2, 3]],
  ["x/sqrt(1 - x^2)", [-0.5, 0.9]],
  ["exp(sin(x))*cos(x)", [0, 5]],
  ["1/sin(x)", [0.5, 2]],
  ["1/cos(2*x)^3", [-0.6, 0.7]],
  ["1/sqrt(2*x - x^2)", [0.2, 1.7]],
  ["sqrt(1 + x^2)", [-1, 2]],
  ["1/sqrt(4*x^2 - x)", [1, 3]],
  ["asin(x)", [-0.5, 0.8]],
];

const open: Case[] = [
  ["exp(-x^2)", [-1, 2]],
  ["sin(x)/x", [1, 5]],
  ["exp(x)/x", [1, 3]],
  ["1/log(x)", [2, 4]],
  ["sqrt(1 + x^3)", [0, 2]],
];

const integrated = async ([text, interval]: Case) => {
  const e = parseExpression(text, ["x"]);
  return { e, found: await integrateExpression(e, { variable: "x", interval }) };
};

/** Between several pairs of times, F grows as quadrature of f does. */
async function comparesWithQuadrature(each: Case) {
  const { e, found } = await integrated(each);
  const [start, end] = each[1];
  const [F, f] = [found.expression, e].map((part) => compileExpression(part, "x"));
  for (const [from, to] of [
    [0, 1],
    [0.13, 0.2],
    [0.9, 0.4],
  ]) {
    const [a, b] = [from!, to!].map((share) => start + share * (end - start)) as [number, number];
    const area = integral((x) => [f!(x)], a, b, { relative: 1e-12, absolute: 1e-14 }).value[0]!;
    expect(F!(b) - F!(a)).toBeCloseTo(area, 10);
  }
  return found;
}

describe("integrals in closed form", () => {
  it.each(elementary)("∫ %s is found, and agrees with quadrature", async (...each) => {
    const found = await comparesWithQuadrature(each);
    expect(found.elementary).toBe(true);
    expect(toText(found.expression)).not.toContain("integral");
  });

  it.each(open)("∫ %s is left, with values by quadrature", async (...each) => {
    const found = await comparesWithQuadrature(each);
    expect(found.elementary).toBe(false);
  });

  it("leave only what is not elementary of a sum", async () => {
    const { found } = await integrated(["x^2 + exp(-x^2)", [0, 1]]);
    expect(toText(found.expression)).toBe("x^3/3 + integral(exp(-s^2), s = 0 .. x)");
  });

  it("take logarithms of what is positive in the interval", async () => {
    const left = (await integrated(["1/x", [-3, -1]])).found.expression;
    const right = (await integrated(["1/x", [1, 3]])).found.expression;
    expect([left, right].map(toText)).toEqual(["log(-x)", "log(x)"]);
    const root = (await integrated(["1/sqrt(x^2 - 1)", [-3, -2]])).found.expression;
    expect(compileExpression(root, "x")(-2.5)).not.toBeNaN();
  });

  it("are differentiated back exactly", async () => {
    for (const each of elementary.slice(0, 4)) {
      const { e, found } = await integrated(each);
      const difference = parseExpression(
        `(${toText(differentiate(found.expression, "x"))}) - (${toText(e)})`,
        ["x"],
      );
      expect(isZero(difference, "x")).toBe(true);
    }
  });
});
