import fc from "fast-check";
import { expect, it } from "vitest";
import {
  addSize,
  bindShape,
  dim,
  divideExactly,
  evaluateSize,
  floorDivSize,
  mulSize,
  type Size,
  subSize,
  symbolOf,
} from "../../src/tensor/index.ts";

const [B, T] = [dim("B"), dim("T")];
const at = (b: number, t: number) =>
  new Map([
    ["B", b],
    ["T", t],
  ]);

it("is one object for equal expressions", () => {
  expect(addSize(mulSize(B, 2), T)).toBe(addSize(T, addSize(B, B)));
  expect(subSize(addSize(B, T), T)).toBe(B);
  expect(subSize(B, B)).toBe(0);
  expect(floorDivSize(addSize(mulSize(B, 4), 3), 2)).toBe(addSize(mulSize(B, 2), 1));
  expect(symbolOf(mulSize(B, 2))).toBeUndefined();
});

/** Random expressions with their meaning as a function. */
type Expression = { size: Size; value: (b: number, t: number) => number };
const leaf: fc.Arbitrary<Expression> = fc.oneof(
  fc.constant<Expression>({ size: B, value: (b) => b }),
  fc.constant<Expression>({ size: T, value: (_b, t) => t }),
  fc.integer({ min: 0, max: 5 }).map<Expression>((n) => ({ size: n, value: () => n })),
);
const grown = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.tuple(tie("expression"), tie("expression")).map(([x, y]) => ({
      size: addSize(x.size, y.size),
      value: (b: number, t: number) => x.value(b, t) + y.value(b, t),
    })),
    fc.tuple(tie("expression"), tie("expression")).map(([x, y]) => ({
      size: mulSize(x.size, y.size),
      value: (b: number, t: number) => x.value(b, t) * y.value(b, t),
    })),
    fc.tuple(tie("expression"), fc.integer({ min: 1, max: 3 })).map(([x, n]) => ({
      size: floorDivSize(x.size, n),
      value: (b: number, t: number) => Math.floor(x.value(b, t) / n),
    })),
  ),
})).expression;

it("means what its arithmetic says", () => {
  fc.assert(
    fc.property(
      grown,
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 0, max: 9 }),
      (x, b, t) => {
        expect(evaluateSize(x.size, at(b, t))).toBe(x.value(b, t));
      },
    ),
  );
});

it("divides only when the quotient is exact for every value", () => {
  expect(divideExactly(mulSize(mulSize(B, T), 6), mulSize(B, 3))).toBe(mulSize(T, 2));
  expect(divideExactly(addSize(B, 1), 2)).toBeUndefined();
  expect(divideExactly(B, T)).toBeUndefined();
});

it("learns symbols from a shape and reports the first axis that does not fit", () => {
  const bindings = new Map<string, number>();
  expect(bindShape([B, 3], [7, 3], bindings)).toBeUndefined();
  expect(bindShape([mulSize(B, 2), T], [14, 5], bindings)).toBeUndefined();
  expect(Object.fromEntries(bindings)).toEqual({ B: 7, T: 5 });
  expect(bindShape([B, 3], [8, 3], bindings)).toBe("wants [B, 3] with B = 7, T = 5, got [8, 3]");
});
