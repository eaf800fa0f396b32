// Codes and integers: exact both ways for every codebook; what quantizers made of others do; what is refused.
import { describe, expect, it } from "vitest";
import { assemble, type Model, Scope, variablesOf } from "../../src/nn/index.ts";
import {
  finiteScalar,
  gumbelQuantizer,
  lookupFree,
  nearestCodes,
  product,
  projected,
  type Quantizer,
  recommendedLevels,
  residual,
  residualFiniteScalar,
  sharedHeads,
  vectorQuantizer,
} from "../../src/nn/quantizers/index.ts";
import { compile } from "../../src/onnx/index.ts";
import { clip, log } from "../../src/ops/index.ts";
import {
  dim,
  elementCount,
  spec,
  staticShape,
  type Tensor,
  type Tree,
  tensor,
} from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";
import { random } from "../ops/graph.ts";

const scope = (train = false): Scope => new Scope({ key: new Key("test"), train, updates: train });
const session = { threads: 1, spin: false };

const stateOf = (quantizer: Quantizer): Tree<Tensor> =>
  evaluate(
    trace(() => variablesOf(quantizer.init(new Key("init"))) as unknown as Tree<Value>, {}),
    {},
    { seed: 2, step: 0 },
  );

type Results = { values: Tensor; indices: Tensor; back: Tensor };

/** Values and indices of z, and the values looked up by those indices. */
function there(quantizer: Quantizer, state: Tree<Tensor>, z: Tensor): Results {
  const given = { state, z };
  const program = trace(({ state: variables, z: vectors }) => {
    const params = assemble<Model>(variables as never);
    const { values, indices } = quantizer.quantize(params, vectors as Value, scope());
    return { values, indices, back: quantizer.lookup(params, indices) };
  }, given as never);
  return evaluate(program, given as never, { seed: 0, step: 0 }) as unknown as Results;
}

describe("finite scalar codes", () => {
  it.each(Object.entries(recommendedLevels))(
    "of 2^%s: every integer is one code, and back, by all bounds",
    async (_power, levels) => {
      const count = levels.reduce((a, b) => a * b, 1);
      const indices = tensor(
        Int32Array.from({ length: count }, (_, i) => i),
        [count, 1],
      );
      for (const bound of ["sigmoid", "tanh", "symmetric"] as const) {
        const quantizer = finiteScalar({ levels, bound, epsilon: 0 });
        const B = dim("B");
        const program = await compile(
          (given) => ({
            codes: quantizer.lookup({}, given.indices),
            again: quantizer.quantize({}, given.z, scope()),
          }),
          { indices: spec("int32", [B, 1]), z: spec("float32", [B, levels.length]) },
          session,
        );
        const zeros = tensor(new Float32Array(count * levels.length), [count, levels.length]);
        const codes = (await program.run({ indices, z: zeros })).codes.data as Float32Array;
        const rows = new Set<string>();
        for (let i = 0; i < count; i++) {
          rows.add(codes.subarray(i * levels.length, (i + 1) * levels.length).join());
        }
        expect(rows.size).toBe(count);
        const z = codes.map((v, i) => inverse(v, bound, levels[i % levels.length] as number));
        const { again } = await program.run({ indices, z: tensor(z, zeros.shape) });
        await program.release();
        expect(again.indices.data.findIndex((k, i) => k !== i)).toBe(-1);
        expect(again.values.data.findIndex((v, i) => v !== codes[i])).toBe(-1);
      }
    },
  );

  /** A vector whose bounded value is the code, the ends as far out as float32 allows. */
  function inverse(value: number, bound: string, level: number): number {
    const far = (x: number) => Math.max(-15, Math.min(15, x));
    if (bound === "sigmoid") return far(Math.log((1 + value) / (1 - value)));
    if (bound === "symmetric") return far(Math.atanh(value));
    const half = (level - 1) / 2;
    const offset = level % 2 === 0 ? 0.5 : 0;
    const bounded = (value * Math.floor(level / 2) + offset) / half;
    return far(Math.atanh(Math.max(-1, Math.min(1, bounded)))) - Math.atanh(offset / half);
  }

  it("are exact up to 2³¹ − 1, in the graph too", async () => {
    const levels = [1290, 1290, 1290];
    const quantizer = finiteScalar({ levels });
    const some = [0, 1289, 1290, 2 ** 24 + 1, 2 ** 24 + 3, 2 ** 30 + 7, 1290 ** 3 - 1];
    const bits = lookupFree({ bits: 31 });
    const B = dim("B");
    const program = await compile(
      ({ indices }) => {
        const codes = quantizer.lookup({}, indices);
        const z = inverseSigmoid(codes);
        const signs = bits.lookup({}, indices);
        return {
          back: quantizer.quantize({}, z, scope()).indices,
          bits: bits.quantize({}, signs, scope()).indices,
        };
      },
      { indices: spec("int32", [B, 1]) },
      session,
    );
    const indices = tensor(Int32Array.from(some), [some.length, 1]);
    const found = await program.run({ indices });
    await program.release();
    expect([...found.bits.data]).toEqual(some);
    expect([...found.back.data]).toEqual(some);
  });
});

/** log((1 + v)/(1 − v)) kept finite, by operations. */
const inverseSigmoid = (v: Value): Value =>
  log(clip(v.add(1), 1e-7, 2).div(clip(v.neg().add(1), 1e-7, 2)));

const vq = (dimension: number, codes = 6): Quantizer => vectorQuantizer({ dimension, codes });

describe("quantizers made of others", () => {
  const made: [string, Quantizer, number][] = [
    ["vectorQuantizer", vq(6), 1],
    ["simvq", vectorQuantizer({ dimension: 6, codes: 6, codebook: "linear" }), 1],
    ["cosine", vectorQuantizer({ dimension: 6, codes: 6, distance: "cosine" }), 1],
    ["residual", residual([vq(6), vq(6), vq(6)]), 3],
    ["product", product([vq(2), vq(4, 9), finiteScalar({ levels: [5, 4] })]), 3],
    ["sharedHeads", sharedHeads(vq(3), 2), 2],
    ["sharedHeads of residual", sharedHeads(residual([vq(3), vq(3)]), 2), 4],
    ["projected", projected(vq(2), 6), 1],
    ["gumbel", gumbelQuantizer({ dimension: 6, codes: 6 }), 1],
    ["lookupFree", lookupFree({ bits: 6 }), 1],
    ["residualFiniteScalar", residualFiniteScalar({ levels: [3, 4, 5, 6, 7, 8], stages: 2 }), 2],
  ];
  it.each(made)("%s: what is looked up is what was quantized", (name, quantizer, count) => {
    const size = quantizer.dimension;
    const z = random([2, 3, size], name);
    const { values, indices, back } = there(quantizer, stateOf(quantizer), z);
    expect(indices.shape).toEqual([2, 3, count]);
    expect(values.shape).toEqual([2, 3, size]);
    for (const [i, v] of values.data.entries()) {
      expect(Math.abs(Number(v) - Number(back.data[i]))).toBeLessThan(1e-6);
    }
    const { codebooks } = quantizer;
    for (const [i, index] of indices.data.entries()) {
      expect(Number(index)).toBeLessThan(codebooks[i % codebooks.length] as number);
      expect(Number(index)).toBeGreaterThanOrEqual(0);
    }
  });

  it("residual grids leave less over with every stage, at most 1/(L − 1) of the stage before", () => {
    const z = random([50, 3], "residual grid");
    const tops: number[] = [];
    for (const stages of [1, 2, 3, 4]) {
      const quantizer = residualFiniteScalar({ levels: [4, 5, 8], stages });
      const { values } = there(quantizer, stateOf(quantizer), z);
      const rest = Array.from(values.data as Float32Array, (v, i) =>
        Math.abs(v - Math.tanh(Number(z.data[i]))),
      );
      const top = [3, 4, 7];
      rest.forEach((error, i) => {
        expect(error).toBeLessThan((top[i % 3] as number) ** -stages * 1.001 + 2e-7);
      });
      tops.push(Math.max(...rest));
    }
    expect(tops).toEqual([...tops].sort((a, b) => b - a));
  });
});

describe("a codebook of 2¹⁶", () => {
  it("is compared in chunks: no tensor is larger than a chunk of distances or the table", () => {
    const [rows, codes, size] = [64, 2 ** 16, 8];
    const program = trace(({ z, codebook }) => nearestCodes(z, codebook), {
      z: spec("float32", [rows, size]),
      codebook: spec("float32", [codes, size]),
    });
    const largest = program.nodes.flatMap(({ outputs }) =>
      outputs.map(({ shape }) => elementCount(staticShape(shape) as number[])),
    );
    expect(Math.max(...largest)).toBe(codes * size);
    expect(largest.filter((n) => n > rows * 2048)).toEqual([codes * size]);
  });
});

describe("what is refused", () => {
  it.each([
    [
      () => finiteScalar({ levels: [5, 1] }),
      /levels must be whole numbers of at least 2, got 5, 1/,
    ],
    [() => finiteScalar({ levels: [] }), /got none/],
    [() => finiteScalar({ levels: [1300, 1300, 1300] }), /indices go to 2³¹ − 1/],
    [() => finiteScalar({ levels: [2, 5], bound: "tanh" }), /tanh needs levels of at least 3/],
    [() => residualFiniteScalar({ levels: [2], stages: 2 }), /at least 3/],
    [() => lookupFree({ bits: 32 }), /from 1 to 31, got 32/],
    [() => vectorQuantizer({ dimension: 2 ** 16, codes: 2 ** 16 }), /take 16.0 GiB, and at most 1/],
    [() => vectorQuantizer({ dimension: 0, codes: 2 }), /dimension must be a positive integer/],
    [() => vectorQuantizer({ dimension: 2, codes: 2, decay: 1 }), /below 1, got 1/],
    [() => gumbelQuantizer({ dimension: 2, codes: 2, temperature: 0 }), /above 0/],
    [() => residual([]), /at least one/],
    [() => residual([vq(2), vq(3)]), /one dimension, got 2 and 3/],
    [() => sharedHeads(vq(2), 0.5), /positive integer, got 0.5/],
  ])("%s", (build, message) => {
    expect(build).toThrow(message);
  });

  it("vectors of another size, and indices of another kind", () => {
    const quantizer = finiteScalar({ levels: [5, 3] });
    const given = { z: spec("float32", [4, 3]), indices: spec("int64", [4, 1]) };
    expect(() => trace(({ z }) => quantizer.quantize({}, z, scope()), given)).toThrow(
      "finiteScalar: z must be [..., 2], got [4, 3].",
    );
    expect(() => trace(({ indices }) => quantizer.lookup({}, indices), given)).toThrow(
      /indices must be int32\[..., 1\]/,
    );
  });
});
