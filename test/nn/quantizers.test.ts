// Quantizers against references in PyTorch: values, indices, losses and gradients; moving averages; Lloyd's iteration.
import { describe, expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import { assemble, type Model, Scope, type Variables, variablesOf } from "../../src/nn/index.ts";
import {
  type FiniteScalarBound,
  finiteScalar,
  lookupFree,
  nearestCodes,
  type Quantizer,
  vectorQuantizer,
} from "../../src/nn/quantizers/index.ts";
import { sum } from "../../src/ops/index.ts";
import { type Tensor, type Tree, tensor } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";
import { readGolden, readGoldenMeta } from "../golden/read.ts";

const golden = readGolden("quantizers");
const cases = readGoldenMeta("quantizers").cases as unknown as Record<
  string,
  {
    levels: number[];
    bound: FiniteScalarBound;
    bits: number;
    temperature: number;
    diversity: number;
  }
>;

const array = (name: string): Tensor => {
  const { data, shape } = golden[name] as { data: Float32Array<ArrayBuffer>; shape: number[] };
  return tensor(data, shape);
};

function expectClose(got: unknown, name: string, tolerance = 2e-6): void {
  const want = array(name);
  const { data, shape } = got as Tensor;
  expect(shape, name).toEqual(want.shape);
  for (let i = 0; i < data.length; i++) {
    const scale = Math.max(1, Math.abs(Number(want.data[i])));
    expect(Math.abs(Number(data[i]) - Number(want.data[i])), `${name} ${i}`).toBeLessThan(
      tolerance * scale,
    );
  }
}

const scope = (): Scope => new Scope({ key: new Key("test"), train: true, updates: true });

interface Checked {
  readonly values: Tensor;
  readonly indices: Tensor;
  readonly losses: Readonly<Record<string, Tensor>>;
  readonly gradients: readonly Tensor[];
}

/** A case's input through the quantizer; gradients of sum(values·r) and the losses, towards z and a codebook. */
function run(quantizer: Quantizer, name: string, codebook?: string): Checked {
  const example = {
    z: array(`${name}.in.z`),
    r: array(`${name}.r`),
    ...(codebook === undefined ? {} : { codebook: array(codebook) }),
  };
  const program = trace(
    (given: Record<string, Value>) => {
      const made = quantizer.init(new Key("init")) as Record<string, Model>;
      const params = codebook === undefined ? made : { ...made, codebook: given.codebook as Value };
      const found = quantizer.quantize(params, given.z as Value, scope());
      const losses = Object.values(found.losses);
      const total = losses.reduce((a, b) => a.add(b), sum(found.values.mul(given.r as Value)));
      const towards = [
        given.z as Value,
        ...(codebook === undefined ? [] : [given.codebook as Value]),
      ];
      return {
        values: found.values,
        indices: found.indices,
        losses: found.losses,
        gradients: gradients(total, towards),
      };
    },
    example as Record<string, Tensor>,
  );
  return evaluate(program as never, example as never, { seed: 0, step: 0 }) as unknown as Checked;
}

const sameIndices = (got: Tensor, name: string): void => {
  expect([...got.data].map(Number)).toEqual([...array(`${name}.indices`).data].map(Number));
};

describe("finite scalar quantization", () => {
  const names = Object.keys(cases).filter((name) => name.startsWith("fsq"));
  it.each(names)("%s: values, indices, and the gradient of the unrounded function", (name) => {
    const { levels, bound } = cases[name] as { levels: number[]; bound: FiniteScalarBound };
    const found = run(finiteScalar({ levels, bound }), name);
    expectClose(found.values, `${name}.y`);
    sameIndices(found.indices, name);
    expectClose(found.gradients[0], `${name}.grad.z`);
  });

  it("rounds odd levels alike by (L − 1)·σ(2z) and by the tanh of the paper, but for the offset", () => {
    const levels = [5, 3, 7];
    const data = Float32Array.from({ length: 300 }, (_, i) => Math.sin(37 * i) * 3);
    const z = tensor(data, [100, 3]);
    const indices = (bound: FiniteScalarBound, factor: number) =>
      trace(
        ({ z: given }) =>
          finiteScalar({ levels, bound, epsilon: 0 }).quantize({}, given.mul(factor), scope())
            .indices,
        { z },
      );
    const sigmoid = evaluate(indices("sigmoid", 2), { z }) as unknown as Tensor;
    const tanh = evaluate(indices("tanh", 1), { z }) as unknown as Tensor;
    expect([...sigmoid.data]).toEqual([...tanh.data]);
  });
});

describe("vector quantization", () => {
  const weights = { codebookWeight: 0.8, commitmentWeight: 0.3 };
  it.each([
    ["vq", {}],
    ["vq-cosine", { distance: "cosine" }],
    ["vq-rotation", { gradient: "rotation" }],
  ] as const)("%s: values, indices, losses, gradients of vectors and codes", (name, options) => {
    const quantizer = vectorQuantizer({ dimension: 4, codes: 9, ...weights, ...options });
    const found = run(quantizer, name, `${name}.in.codebook`);
    expectClose(found.values, `${name}.y`);
    sameIndices(found.indices, name);
    for (const loss of ["codebook", "commitment"]) {
      expectClose(found.losses[loss], `${name}.${loss}`);
    }
    expectClose(found.gradients[0], `${name}.grad.z`, 4e-6);
    expectClose(found.gradients[1], `${name}.grad.codebook`, 4e-6);
  });

  it("moves averages as the reference does, three times", () => {
    const quantizer = vectorQuantizer({
      ...{ dimension: 3, codes: 6, codebook: "moving-average", decay: 0.9 },
    });
    const start = array("average.start");
    const buffers = evaluate(
      trace(() => variablesOf(quantizer.init(new Key("init"))).buffers, {}),
      {},
      { seed: 0, step: 0 },
    ) as Record<string, Tensor>;
    let state: Record<string, Tensor> = { ...buffers, codebook: start, sums: start };
    for (let step = 0; step < 3; step++) {
      const given: { state: Record<string, Tensor>; z: Tensor } = {
        state,
        z: array(`average.${step}.z`),
      };
      const program = trace((inputs: { state: Tree<Value>; z: Value }) => {
        const during = scope();
        const model = assemble<Model>({ params: {}, buffers: inputs.state } as Variables);
        quantizer.quantize(model, inputs.z, during);
        return during.nextBuffers(inputs.state as Record<string, Value>);
      }, given as never) as never;
      const next = evaluate(program, given as never, { seed: 0, step });
      state = next as unknown as Record<string, Tensor>;
      for (const name of ["codebook", "counts", "sums"]) {
        expectClose(state[name], `average.${step}.${name}`);
      }
    }
  });
});

describe("lookup-free quantization", () => {
  it("has the entropies of the softmax over all codes, in one group", () => {
    const { bits, temperature, diversity } = cases.lfq as (typeof cases)[string];
    const found = run(lookupFree({ bits, temperature, diversity }), "lfq");
    expectClose(found.values, "lfq.y");
    sameIndices(found.indices, "lfq");
    expectClose(found.losses.entropy, "lfq.entropy");
    expectClose(found.losses.commitment, "lfq.commitment");
    expectClose(found.gradients[0], "lfq.grad.z", 1e-5);
  });

  it("bounds the entropy of all codes from above where groups are smaller", () => {
    const { bits, temperature, diversity } = cases.lfq as (typeof cases)[string];
    const { losses } = run(lookupFree({ bits, temperature, diversity, groupBits: 2 }), "lfq");
    const exact = array("lfq.entropy").data[0] as number;
    const got = losses.entropy?.data[0] as number;
    expect(got).toBeLessThan(exact);
    expect(got).toBeGreaterThan(exact - 0.02);
  });
});

it("nearest codes are those of whole tables, whatever the chunk", () => {
  const given = { z: array("vq.in.z"), codebook: array("vq.in.codebook") };
  for (const chunk of [1, 4, 9, 100]) {
    const program = trace(({ z, codebook }) => nearestCodes(z, codebook, { chunk }), given);
    sameIndices(evaluate(program, given) as unknown as Tensor, "vq");
  }
});
