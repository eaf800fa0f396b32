import { expect, it } from "vitest";
import { matmul, relu, reshape, softmax, sum } from "../../src/ops/index.ts";
import { dim, spec, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, normal, print, trace, uniform, type Value } from "../../src/trace/index.ts";

const B = dim("B");
const x = spec("float32", [B, 4]);

it("makes equal expressions one node", () => {
  const program = trace((v: Value) => {
    const [a, b] = [v.mul(2).add(1), v.mul(2).add(1)];
    expect(a).toBe(b);
    expect(v.mul(2)).not.toBe(v.mul(-2));
    expect(v.mul(0)).not.toBe(v.mul(-0));
    expect(v.add(0)).toBe(v);
    return a.add(b);
  }, x);
  expect(program.nodes.map((node) => node.op.name)).toEqual([
    "input",
    "constant",
    "mul",
    "constant",
    "add",
    "add",
  ]);
});

it("prints one line an operation", () => {
  const weight = spec("float32", [4, 3]);
  const program = trace(
    (i) => ({ p: softmax(relu(matmul(i.x, i.weight)).add(normal(new Key("noise"), [B, 3]))) }),
    {
      x,
      weight,
    },
  );
  expect(print(program)).toMatchInlineSnapshot(`
    "in  x : float32[B, 4]
    in  weight : float32[4, 3]
    rnd noise:noise : normal float32[B, 3]
    %2 = matmul(x, weight, transposeA=false, transposeB=false) : float32[B, 3]
    %3 = relu(%2) : float32[B, 3]
    %5 = add(%3, noise:noise) : float32[B, 3]
    %6 = softmax(%5, axis=1) : float32[B, 3]
    out p = %6"
  `);
});

it("throws shape errors at the caller's line", () => {
  expect(() => trace((v: Value) => reshape(v, [B, 5]), x)).toThrow(
    /reshape: \[B, 4\] has 4\*B elements and cannot become \[B, 5\]\. \(at .*trace\.test\.ts:\d+:\d+\)/,
  );
});

it("refuses to draw twice from one key, and values of another trace", () => {
  expect(() => trace(() => uniform(new Key("k"), [2]).add(uniform(new Key("k"), [2])), {})).toThrow(
    'key "k" is drawn from twice',
  );
  let stray: Value | undefined;
  trace((v: Value) => {
    stray = v;
    return v;
  }, x);
  expect(() => trace((v: Value) => v.add(stray as Value), x)).toThrow("another trace");
});

it("evaluates with the host's numbers, the same for the same seed and step", () => {
  const program = trace((v: Value) => sum(v.mul(normal(new Key("k"), [B, 4])), 1), x);
  const input = tensorOf([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]);
  const run = (seed: number, step: number) => evaluate(program, input, { seed, step });
  expect(run(1, 2)).toEqual(run(1, 2));
  expect(run(1, 2)).not.toEqual(run(1, 3));
});

it("checks inputs by name, dtype and shape", () => {
  const program = trace(({ v }) => v, { v: x });
  expect(() => evaluate(program, {})).toThrow('input "v" is missing');
  expect(() => evaluate(program, { v: tensorOf([1], [1, 1]) })).toThrow(
    'input "v" wants [B, 4] with B = 1, got [1, 1]',
  );
  expect(() => evaluate(program, { v: tensorOf([1, 1, 1, 1], [1, 4], "int32") })).toThrow(
    "wants float32, got int32",
  );
});
