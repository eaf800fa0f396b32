// How codes are used: counting, revival of dead ones, and choices by Gumbel-softmax.
import { describe, expect, it } from "vitest";
import { assemble, Scope, variablesOf } from "../../src/nn/index.ts";
import {
  finiteScalar,
  gumbelQuantizer,
  nearestCodes,
  type Quantizer,
  revive,
  vectorQuantizer,
} from "../../src/nn/quantizers/index.ts";
import { expandDims } from "../../src/ops/index.ts";
import { type Tensor, type Tree, tensor } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";
import { random } from "../ops/graph.ts";

const scope = (train = false): Scope => new Scope({ key: new Key("test"), train, updates: train });

const stateOf = (quantizer: Quantizer): Tree<Tensor> =>
  evaluate(
    trace(() => variablesOf(quantizer.init(new Key("init"))) as unknown as Tree<Value>, {}),
    {},
    { seed: 2, step: 0 },
  );

describe("use of codes", () => {
  it("counts codes over the window, and the perplexity of the batch", () => {
    const quantizer = finiteScalar({ levels: [4], window: 2 });
    let state = stateOf(quantizer);
    const seen: number[][] = [];
    for (const batch of [[-9], [9], [0.3], [0.3, -9]]) {
      const given = { state, z: tensor(Float32Array.from(batch), [batch.length, 1]) };
      const program = trace(({ state: variables, z }) => {
        const during = scope(true);
        const { statistics } = quantizer.quantize(assemble(variables as never), z as Value, during);
        const buffers = during.nextBuffers((variables as { buffers: Tree<Value> }).buffers);
        return { state: { params: {}, buffers }, statistics };
      }, given as never);
      const next = evaluate(program, given as never) as unknown as {
        state: Tree<Tensor>;
        statistics: Record<string, Tensor>;
      };
      state = next.state;
      const { codebookUse, perplexity } = next.statistics;
      seen.push([codebookUse, perplexity].map((x) => Number(x?.data[0])));
    }
    const wanted = [
      [1 / 4, 1],
      [2 / 4, 1],
      [2 / 4, 1],
      [2 / 4, 2],
    ];
    seen.forEach((pair, i) => {
      for (const [j, v] of pair.entries()) expect(v).toBeCloseTo(wanted[i]?.[j] as number, 5);
    });
  });

  it.each(["gradient", "moving-average"] as const)("revives dead codes: %s", (codebook) => {
    const quantizer = vectorQuantizer({ dimension: 2, codes: 4, codebook, reviveAfter: 3 });
    let state = stateOf(quantizer) as { params: Tree<Value>; buffers: Tree<Value> };
    // All vectors are near (5, 5), where one code at most is chosen.
    const near = random([20, 2], "revive").data as Float32Array<ArrayBuffer>;
    const z = tensor(
      near.map((v) => 5 + 0.1 * v),
      [20, 2],
    );
    const far = (): number => {
      const { params, buffers } = state as unknown as Record<string, Record<string, Tensor>>;
      const table = (codebook === "gradient" ? params : buffers)?.codebook as Tensor;
      return table.data.filter((v) => Math.abs(Number(v) - 5) > 1).length;
    };
    const before = far();
    // The ages start at a hundred, which 3 divides at 102.
    for (let step = 0; step < 4; step++) {
      const given = { state, z };
      const program = trace(({ state: variables, z: vectors }) => {
        const during = scope(true);
        const { params, buffers } = variables as unknown as {
          params: Tree<Value>;
          buffers: Tree<Value>;
        };
        const found = quantizer.quantize(assemble(variables as never), vectors as Value, during);
        const prefixed = revive({ quantizer: params } as Tree<Value>, "quantizer", found.lookups);
        return {
          params: (prefixed as unknown as { quantizer: Tree<Value> }).quantizer,
          buffers: during.nextBuffers(buffers),
        };
      }, given as never);
      state = evaluate(program, given as never, { seed: 1, step }) as never;
    }
    expect(before).toBeGreaterThan(4);
    expect(far()).toBe(0);
  });
});

describe("the Gumbel quantizer", () => {
  it("takes one code when hard, and mixes less as the temperature falls", () => {
    const z = random([40, 3], "gumbel");
    const given = { z };
    const spread = (options: object): number => {
      const quantizer = gumbelQuantizer({ dimension: 3, codes: 5, ...options });
      const state = stateOf(quantizer);
      const all = { ...given, state };
      const program = trace(({ z: vectors, state: variables }) => {
        const params = assemble<{ codebook: Value }>(variables as never);
        const { values } = quantizer.quantize(params as never, vectors as Value, scope(true));
        const nearest = nearestCodes(values, params.codebook);
        const code = quantizer.lookup(params as never, expandDims(nearest, -1));
        return values.sub(code).square();
      }, all as never);
      const { data } = evaluate(program, all as never, { seed: 4, step: 0 }) as unknown as Tensor;
      return Math.sqrt(Array.from(data as Float32Array).reduce((a, b) => a + b, 0) / 120);
    };
    expect(spread({ hard: true })).toBeLessThan(1e-6);
    const [warm, cold] = [spread({ temperature: 2 }), spread({ temperature: 0.1 })];
    expect(cold).toBeLessThan(0.3 * warm);
  });
});
