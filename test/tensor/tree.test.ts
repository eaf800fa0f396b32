import { expect, it } from "vitest";
import { leafMap, mapTree, tensorOf, zipTrees } from "../../src/tensor/index.ts";

const tree = { a: [1, { b: 2 }], c: 3 };

it("names leaves by dotted path and keeps the structure", () => {
  expect([...leafMap<number>(tree)]).toEqual([
    ["a.0", 1],
    ["a.1.b", 2],
    ["c", 3],
  ]);
  expect(mapTree<number, string>(tree, (leaf, path) => `${path}=${leaf}`)).toEqual({
    a: ["a.0=1", { b: "a.1.b=2" }],
    c: "c=3",
  });
});

it("takes tensors for leaves", () => {
  const x = tensorOf([1], [1]);
  expect([...leafMap({ p: { x } })]).toEqual([["p.x", x]]);
});

it("says which leaf is missing", () => {
  expect(zipTrees<number, number>(tree, [tree], ([x, y]) => (x as number) + (y as number))).toEqual(
    {
      a: [2, { b: 4 }],
      c: 6,
    },
  );
  expect(() => zipTrees<number, number>(tree, [{ a: [1], c: 3 }], () => 0)).toThrow(
    'tree 2 has no leaf "a.1.b"',
  );
});
