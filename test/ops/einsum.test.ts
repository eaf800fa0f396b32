import fc from "fast-check";
import { expect, test } from "vitest";
import {
  argSort,
  cumulativeSum,
  einsum,
  flip,
  mul,
  prod,
  slice,
  sort,
  squeeze,
  sum,
  tile,
  topK,
} from "../../src/ops/index.ts";
import { spec, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../src/trace/index.ts";
import { B, compareGraph, difference, float32, random, randomInputs } from "./graph.ts";

const sizes: Readonly<Record<string, number>> = { a: 2, b: 3, c: 1, d: 4 };
const shapeOf = (labels: string): number[] => [...labels].map((label) => sizes[label] as number);

/** The definition: a sum over every value of every index. */
function bySums(terms: readonly string[], output: string, operands: readonly Tensor[]): Tensor {
  const labels = [...new Set(terms.join(""))];
  const shape = shapeOf(output);
  const data = new Float64Array(shape.reduce((n, d) => n * d, 1));
  const count = shapeOf(labels.join("")).reduce((n, d) => n * d, 1);
  for (let i = 0; i < count; i++) {
    let rest = i;
    const at = new Map<string, number>();
    for (const label of labels) {
      at.set(label, rest % (sizes[label] as number));
      rest = Math.floor(rest / (sizes[label] as number));
    }
    const position = (names: string): number =>
      [...names].reduce((p, a) => p * (sizes[a] as number) + (at.get(a) as number), 0);
    const product = terms.reduce(
      (v, term, k) => v * Number((operands[k] as Tensor).data[position(term)]),
      1,
    );
    data[position(output)] = (data[position(output)] as number) + product;
  }
  return { dtype: "float64", shape, data };
}

test("einsum is the sum over all indices, for random equations", () => {
  const term = fc
    .array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 4 })
    .map((labels) => labels.join(""));
  const equation = fc
    .tuple(fc.array(term, { minLength: 1, maxLength: 3 }), fc.shuffledSubarray([..."abcd"]))
    .map(([terms, order]) => {
      const known = new Set(terms.join(""));
      return { terms, output: order.filter((a) => known.has(a)).join("") };
    });
  fc.assert(
    fc.property(equation, fc.boolean(), ({ terms, output }, implicit) => {
      const once = [...terms.join("")].filter((a, _, all) => all.filter((b) => a === b).length < 2);
      const wanted = implicit ? once.sort().join("") : output;
      const operands = terms.map((t, k) => random(shapeOf(t), `${k}${t}`, "float64"));
      const text = terms.join(",") + (implicit ? "" : `-> ${output}`);
      const program = trace((xs: readonly Value[]) => [einsum(text, ...xs)], operands);
      const [got] = evaluate(program, operands) as unknown as [Tensor];
      expect(difference(got, bySums(terms, wanted, operands)), text).toBeLessThan(1e-12);
    }),
    { numRuns: 300, seed: 5 },
  );
});

test("an ellipsis broadcasts its axes from the end", () => {
  const operands = [random([2, 3, 4], "x"), random([1, 4, 5], "y")];
  const build = ([x, y]: readonly Value[]): Value[] => [
    einsum("...ij,...jk", x as Value, y as Value),
    einsum("aij,ajk->aik", x as Value, tile(y as Value, [2, 1, 1])),
    einsum("a...,...->...", x as Value, squeeze(slice(x as Value, 0, 0, 1), 0)),
    sum(mul(x as Value, slice(x as Value, 0, 0, 1)), 0),
  ];
  const [short, long, ...sums] = evaluate(trace(build, operands), operands) as unknown as Tensor[];
  expect(difference(short as Tensor, long as Tensor)).toBeLessThan(1e-6);
  expect(difference(sums[0] as Tensor, sums[1] as Tensor)).toBeLessThan(1e-6);
});

test("contractions become matrix products without transposes where the order allows", async () => {
  const specs = { q: float32(B, 2, 3, 4), k: float32(B, 2, 5, 4), v: float32(B, 2, 5, 4) };
  const build = ({ q, k, v }: Record<string, Value>): Record<string, Value> => {
    const scores = einsum("bhqd,bhkd->bhqk", q as Value, k as Value);
    return { y: einsum("bhqk,bhkd->bhqd", scores, v as Value) };
  };
  const { worst, operators } = await compareGraph(build, specs, "cpu", [
    randomInputs(specs, { B: 3 }),
  ]);
  expect(worst.error).toBeLessThan(1e-6);
  expect(operators).toEqual(["FusedMatMul", "MatMul"]);
});

test("scans, orders and strides give the numbers of their definitions", () => {
  const x = tensorOf([3, -1, 2, 2, 0, 5], [6], "float32");
  const build = ([v]: readonly Value[]): Record<string, Value> => {
    const x = v as Value;
    return {
      prod: prod(slice(x, 0, 0, 4)),
      sums: cumulativeSum(x),
      later: cumulativeSum(x, 0, { exclusive: true, reverse: true }),
      flipped: flip(x, 0),
      tiled: tile(slice(x, 0, 0, 2), [3]),
      every: slice(x, 0, 1, undefined, { step: 2 }),
      sorted: sort(x),
      falling: sort(x, 0, { descending: true }),
      order: argSort(x),
      best: topK(x, 3)[1],
      least: topK(x, 2, 0, { largest: false })[0],
    };
  };
  const got = evaluate(trace(build, [spec("float32", [6])]), [x]) as unknown as Record<
    string,
    Tensor
  >;
  const lists = Object.fromEntries(
    Object.entries(got).map(([name, { data }]) => [
      name,
      Array.from(data as Iterable<number>, Number),
    ]),
  );
  expect(lists).toEqual({
    prod: [-12],
    sums: [3, 2, 4, 6, 6, 11],
    later: [8, 9, 7, 5, 5, 0],
    flipped: [5, 0, 2, 2, -1, 3],
    tiled: [3, -1, 3, -1, 3, -1],
    every: [-1, 2, 5],
    sorted: [-1, 0, 2, 2, 3, 5],
    falling: [5, 3, 2, 2, 0, -1],
    order: [1, 4, 2, 3, 0, 5],
    best: [5, 0, 2],
    least: [-1, 0],
  });
});
