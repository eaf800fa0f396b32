// The tables and the excerpt of docs/guide/distributions.md say what the code does.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import * as distributions from "../../src/distributions/index.ts";
import { constant } from "../../src/ops/index.ts";
import { tensorOf } from "../../src/tensor/index.ts";
import { trace, type Value } from "../../src/trace/index.ts";
import { has } from "./measure.ts";

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

const page = read("docs/guide/distributions.md");

/** Rows of the table under a heading, without its first two lines. */
function rowsOf(heading: string): string[] {
  const section = page.slice(page.indexOf(`## ${heading}\n`)).split(/\n## /)[0]!;
  return section
    .split("\n")
    .filter((text) => text.startsWith("|"))
    .slice(2);
}

const cells = (row: string): string[] =>
  row
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());

type Argument = Value | number | { readonly factor: Value; readonly diagonal: Value };

/** Something that may stand for a parameter of that name. */
function argument(name: string): Argument {
  const vector = (...values: number[]): Value =>
    constant(tensorOf(values, [values.length], "float64"));
  if (name === "logits") return vector(0.3, -1, 0.2);
  if (name === "probs") return vector(0.3, 0.5, 0.2);
  if (name === "concentration") return vector(2.5, 3, 4);
  if (["scaleTril", "covariance", "precision"].includes(name)) {
    return constant(tensorOf([1, 0, 0, 2], [2, 2], "float64"));
  }
  if (name === "variance") return vector(1, 2);
  if (name === "lowRank") {
    const factor = constant(tensorOf([1, 2], [2, 1], "float64"));
    return { factor, diagonal: vector(1, 2) };
  }
  if (name === "total") return 4;
  return constant({ low: 0, degreesOfFreedom: 5 }[name] ?? 0.5, "float64");
}

/** Every choice among alternatives, as options. */
function optionsOf(parameters: string): Record<string, Argument>[] {
  return parameters
    .split("; ")
    .reduce<Record<string, Argument>[]>(
      (all, alternatives) =>
        all.flatMap((options) =>
          alternatives.split(" or ").map((name) => ({ ...options, [name]: argument(name) })),
        ),
      [{}],
    );
}

const exists = (member: () => Value): boolean => {
  try {
    member();
    return true;
  } catch (error) {
    expect(String(error)).toMatch(/no closed form|does not exist|too many to enumerate/);
    return false;
  }
};

/** The row that a family should have. */
function rowOf(name: string, parameters: string): string {
  type Make = (options: Record<string, Argument>) => distributions.Distribution;
  const make = (distributions as unknown as Record<string, Make>)[name]!;
  const rows = optionsOf(parameters).map((options) => {
    const p = make(options);
    const support =
      typeof p.support === "string"
        ? p.support
        : p.support.integer
          ? "integers low … high"
          : "low … high";
    const ticks = [
      p.pathwise,
      has(p, "cdf"),
      has(p, "icdf"),
      exists(p.mean) && exists(p.variance),
      exists(p.entropy),
      exists(p.enumerate),
    ];
    expect(p.supportsEnumeration).toBe(ticks.at(-1));
    return `| ${[name, parameters, support, ...ticks.map((tick) => (tick ? "✓" : ""))].join(" | ")} |`;
  });
  expect(new Set(rows).size).toBe(1);
  return rows[0]!.replaceAll("|  ", "| ");
}

const combinators = ["Independent", "Mixture", "Transformed"];

it("lists every family as it is", () => {
  const rows = rowsOf("Families");
  const wanted = trace(() => {
    const texts = rows.map((row) => rowOf(cells(row)[0]!, cells(row)[1]!));
    expect(rows).toEqual(texts);
    return constant(texts.length);
  }, {});
  expect(wanted).toBeDefined();
  const families = Object.keys(distributions).filter(
    (name) => /^[A-Z]/.test(name) && !combinators.includes(name),
  );
  expect(new Set(rows.map((row) => cells(row)[0]))).toEqual(new Set(families));
});

it("lists every pair with a divergence in closed form", () => {
  const pairs = new Map<string, string[]>();
  for (const [p, q] of distributions.klPairs()) pairs.set(p, [...(pairs.get(p) ?? []), q]);
  const wanted = [...pairs].map(([p, qs]) => `| ${p} | ${qs.join(", ")} |`);
  expect(rowsOf("Divergences")).toEqual(wanted);
});

it("quotes the code", () => {
  const excerpt = /```ts\n(const standard[\s\S]*?)```/.exec(page)![1]!;
  expect(read("src/distributions/laplace.ts")).toContain(excerpt);
});
