import { describe, expect, it } from "vitest";
import { checkGradient, gradients } from "../../src/autodiff/index.ts";
import {
  type AttentionOptions,
  alibiBias,
  alibiSlopes,
  cachedAttention,
  initMultiHeadAttention,
  instanceNorm,
  multiHeadAttention,
  rmsNorm,
  rotary,
  Scope,
  scaledDotProductAttention,
  sinusoidalTable,
  talkingHeads,
} from "../../src/nn/index.ts";
import { constant, less, matmul, reshape, slice, sum } from "../../src/ops/index.ts";
import { addSize, dim, spec, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";
import { readGolden, readGoldenMeta } from "../golden/read.ts";
import { compareGraph, difference, random } from "../ops/graph.ts";

type Layer = (...xs: Value[]) => Value;
const attend =
  (options: AttentionOptions = {}): Layer =>
  (q, k, v) =>
    scaledDotProductAttention(q!, k!, v!, options);

const layers: Record<string, Layer> = {
  attentionNone: attend(),
  attentionScale: attend({ scale: 0.3 }),
  attentionCausal: attend({ mask: "causal" }),
  attentionCache: attend({ mask: "causal" }),
  attentionGrouped: attend({ mask: "causal" }),
  attentionMultiQuery: attend(),
  attentionBias: (q, k, v, bias) => scaledDotProductAttention(q!, k!, v!, { bias: bias! }),
  multiHeadAttention: (x, weight, bias, outWeight, outBias) =>
    multiHeadAttention(
      { project: { weight: weight!, bias: bias! }, out: { weight: outWeight!, bias: outBias! } },
      x!,
      { heads: 3, mask: "causal" },
    ),
  rotary: (x) => rotary(x!, { offset: 2 }),
  instanceNorm: (x, scale, offset) => instanceNorm({ scale: scale!, offset: offset! }, x!),
  rmsNorm: (x, scale) => rmsNorm({ scale: scale! }, x!),
};

const golden = readGolden("layers");
const cases = readGoldenMeta("layers").cases as unknown as Record<string, { inputs: string[] }>;
const stored = (name: string): Tensor => {
  const { data, shape } = golden[name]!;
  return tensorOf(data as Float32Array, shape);
};

describe.each(Object.keys(cases))("%s", (name) => {
  const { inputs } = cases[name]!;
  const given = [...inputs.map((input) => stored(`${name}.in.${input}`)), stored(`${name}.r`)];

  it("has PyTorch's values and gradients", () => {
    const program = trace((values) => {
      const xs = (values as Value[]).slice(0, -1);
      const y = layers[name]!(...xs);
      return [y, ...gradients(sum(y.mul(values.at(-1)!)), xs)];
    }, given);
    const got = evaluate(program, given) as Tensor[];
    expect(difference(got[0]!, stored(`${name}.y`))).toBeLessThan(2e-6);
    for (const [i, input] of inputs.entries()) {
      const error = difference(got[i + 1]!, stored(`${name}.grad.${input}`));
      expect(error, input).toBeLessThan(3e-6);
    }
  });
});

const key = new Key("test");

describe("scaledDotProductAttention", () => {
  const shapes = { q: [1, 4, 2, 3], k: [1, 2, 3, 3], v: [1, 2, 3, 2] };
  const inputs = Object.entries(shapes).map(([name, shape]) => random(shape, name, "float64"));

  it("has second derivatives, with every option", () => {
    const matrix = tensorOf([1, -0.5, 0.2, 0, 0, 1, 0, 0.3, 0, -2, 1, 0, 0.1, 0, 0, 1], [4, 4]);
    const bias = random([4, 2, 3], "bias", "float64");
    const penalty = (q: Value, k: Value, v: Value, b: Value, m: Value): Value => {
      const y = scaledDotProductAttention(q, k, v, {
        bias: b,
        mask: "causal",
        mix: talkingHeads(m),
      });
      const dxs = gradients(sum(y.mul(y)), [q, k, v, b, m]);
      return dxs.map((dx) => sum(dx.square())).reduce((s, x) => s.add(x));
    };
    const mixing = {
      ...matrix,
      dtype: "float64" as const,
      data: Float64Array.from(matrix.data as Float32Array),
    };
    expect(checkGradient(penalty, [...inputs, bias, mixing]).error).toBeLessThan(1e-6);
  });

  it("drops weights in training, and its gradient is that of what it computed", () => {
    const scope = new Scope({ key, train: true });
    const loss = (q: Value, k: Value, v: Value): Value => {
      const y = scaledDotProductAttention(q, k, v, { dropout: { rate: 0.4, scope } });
      return sum(y.mul(y));
    };
    expect(checkGradient(loss, inputs).error).toBeLessThan(1e-8);
  });

  it("hides the future after heads are mixed, whatever the sign of the mixing", () => {
    const program = trace(
      ({ q, k, v }) => {
        const m = constant(tensorOf([-1, 2, -3, 0.5], [2, 2]));
        const mixed = (x: Value) =>
          scaledDotProductAttention(q, x, v, { mask: "causal", mix: talkingHeads(m) });
        const [dk] = gradients(sum(slice(mixed(k), 2, 0, 2)), [k]);
        return { y: mixed(k), dk: dk! };
      },
      {
        q: spec("float32", [1, 2, 4, 3]),
        k: spec("float32", [1, 2, 4, 3]),
        v: spec("float32", [1, 2, 4, 2]),
      },
    );
    const [q, k, v] = [
      random([1, 2, 4, 3], "q"),
      random([1, 2, 4, 3], "k"),
      random([1, 2, 4, 2], "v"),
    ];
    const { dk } = evaluate(program, { q: q!, k: k!, v: v! }) as unknown as { dk: Tensor };
    for (const [i, value] of (dk.data as Float32Array).entries()) {
      // Keys 2 and 3 are after queries 0 and 1.
      if (Math.floor(i / 3) % 4 >= 2) expect(value).toBe(0);
    }
  });

  it("takes a mask of true where a query may look", () => {
    const [q, k, v] = [
      random([2, 2, 3, 4], "q"),
      random([2, 2, 3, 4], "k"),
      random([2, 2, 3, 2], "v"),
    ];
    const seen = tensorOf([1, 0, 0, 1, 1, 0, 1, 1, 1], [3, 3], "bool");
    const given = { q: q!, k: k!, v: v!, seen };
    const program = trace(
      (xs) => ({
        causal: scaledDotProductAttention(xs.q, xs.k, xs.v, { mask: "causal" }),
        masked: scaledDotProductAttention(xs.q, xs.k, xs.v, { mask: xs.seen }),
      }),
      given,
    );
    const { causal, masked } = evaluate(program, given) as unknown as Record<string, Tensor>;
    expect(masked).toEqual(causal);
  });

  it("runs at any batch, length and cache, masks included", async () => {
    const [B, T, C] = [dim("B"), dim("T"), dim("C")];
    const specs = {
      x: spec("float32", [B, T, 8]),
      keys: spec("float32", [B, 2, C, 2]),
      values: spec("float32", [B, 2, C, 3]),
      w: spec("float32", [8, 4 * 2 + 2 * 2 + 2 * 3]),
      o: spec("float32", [12, 8]),
    };
    const build = ({ x, keys, values, w, o }: Record<string, Value>) => {
      const params = { project: { weight: w! }, out: { weight: o! } };
      const options = { heads: 4, keyValueHeads: 2, keySize: 2, headSize: 3 };
      const { y, cache } = cachedAttention(params, x!, {
        ...options,
        mask: "causal",
        bias: alibiBias(4, T, addSize(C, T)),
        cache: { keys: keys!, values: values! },
        rotary: { offset: 3 },
      });
      const mask = less(x!, 0.8);
      const seen = reshape(slice(mask, -1, 0, 1), [B, 1, 1, T]);
      const masked = multiHeadAttention(params, x!, { ...options, mask: seen, memory: x! });
      const loss = sum(y.mul(y)).add(sum(masked.mul(x!)));
      const [dx, dw] = gradients(loss, [x!, w!]);
      return { y, keys: cache.keys, dx: dx!, dw: dw! };
    };
    const runs = [
      [1, 1, 2],
      [2, 3, 1],
      [3, 5, 4],
    ].map(([b, t, c]) => ({
      x: random([b!, t!, 8], "x"),
      keys: random([b!, 2, c!, 2], "keys"),
      values: random([b!, 2, c!, 3], "values"),
      w: random([8, 18], "w"),
      o: random([12, 8], "o"),
    }));
    for (const target of ["cpu", "export"] as const) {
      expect((await compareGraph(build, specs, target, runs)).worst.error).toBeLessThan(1e-5);
    }
  });

  it("continues from a cache as if it had seen all at once", () => {
    const x = random([2, 5, 8], "x");
    const options = { heads: 2, keyValueHeads: 1, mask: "causal" as const };
    const program = trace((u) => {
      const params = initMultiHeadAttention(key, { features: 8, ...options });
      const whole = multiHeadAttention(params, u, { ...options, rotary: {} });
      const first = cachedAttention(params, slice(u, 1, 0, 3), { ...options, rotary: {} });
      const rest = cachedAttention(params, slice(u, 1, 3), {
        ...options,
        rotary: { offset: 3 },
        cache: first.cache,
      });
      return { want: slice(whole, 1, 3), got: rest.y };
    }, x);
    const { want, got } = evaluate(program, x) as unknown as { want: Tensor; got: Tensor };
    expect(difference(got, want)).toBeLessThan(1e-5);
  });

  it("names operands that do not fit", () => {
    const [q, k] = [spec("float32", [1, 4, 2, 3]), spec("float32", [1, 3, 2, 3])];
    expect(() => trace(([a, b]) => scaledDotProductAttention(a!, b!, b!), [q, k])).toThrow(
      /must divide/,
    );
    expect(() => trace((a) => scaledDotProductAttention(a, a, a, { mask: a }), q)).toThrow(
      /must be bool/,
    );
    const wrong = spec("bool", [1, 1, 2, 5]);
    expect(() =>
      trace(([a, seen]) => scaledDotProductAttention(a!, a!, a!, { mask: seen! }), [q, wrong]),
    ).toThrow(/a mask must broadcast to \[B, h, T, S\] = .*got \[1, 1, 2, 5\]/);
  });
});

describe("positions", () => {
  it("alibi: the paper's slopes, and nothing at the query itself", () => {
    expect(alibiSlopes(8)).toEqual([0.5, 0.25, 0.125, 2 ** -4, 2 ** -5, 2 ** -6, 2 ** -7, 2 ** -8]);
    expect(alibiSlopes(3)).toEqual([2 ** -4, 2 ** -8, 2 ** -2]);
    const bias = evaluate(
      trace(() => alibiBias(1, 2, 3), {}),
      {},
    ) as unknown as Tensor;
    expect([...bias.data].map((v) => Number(v) * 256)).toEqual([-1, -0, -1, -2, -1, -0]);
  });

  it("sinusoidal: position p is a rotation of position 0, pair by pair", () => {
    const table = evaluate(
      trace(() => sinusoidalTable(7, 4), {}),
      {},
    ) as unknown as Tensor;
    const at = (p: number, i: number) => Number(table.data[p * 4 + i]);
    expect(at(3, 0)).toBeCloseTo(Math.sin(3), 6);
    expect(at(3, 1)).toBeCloseTo(Math.cos(3), 6);
    expect(at(5, 2)).toBeCloseTo(Math.sin(0.05), 6);
  });

  it("rotary: products depend on distances only", () => {
    const given = [random([1, 1, 1, 6], "q"), random([1, 1, 1, 6], "k")];
    const product = (a: number, b: number) =>
      Number(
        (
          evaluate(
            trace(
              ([q, k]) =>
                matmul(rotary(q!, { offset: a }), rotary(k!, { offset: b }), { transposeB: true }),
              given,
            ),
            given,
          ) as unknown as Tensor
        ).data[0],
      );
    expect(product(9, 4)).toBeCloseTo(product(5, 0), 5);
    expect(Math.abs(product(9, 4) - product(9, 5))).toBeGreaterThan(1e-3);
  });
});
