import { describe, expect, it } from "vitest";
import { gradients } from "../../../src/autodiff/index.ts";
import { tokenLogits } from "../../../src/methods/transformer/network.ts";
import {
  initTwoStreams,
  queryStates,
  type TwoStreams,
  twoStreamStep,
} from "../../../src/methods/transformer/two-streams.ts";
import { xlnet } from "../../../src/methods/transformer/xlnet.ts";
import { broadcastTo, range, slice, sum } from "../../../src/ops/index.ts";
import { modelOf } from "../../../src/step/index.ts";
import { type Tensor, tensorOf } from "../../../src/tensor/index.ts";
import { difference } from "../../ops/graph.ts";
import { drawn, made, onHost, shapeOf, tinySizes, variants } from "./setup.ts";

describe.each(Object.entries(variants))("%s", (_name, chosen) => {
  // A table for the logits of its own: gradients of the other one come from what is read alone.
  const sizes = tinySizes({ ...chosen, tiedEmbeddings: false });
  const params = drawn(made((key) => initTwoStreams(key, sizes)));

  it("a position never sees itself or what comes later in the order", () => {
    // Every position has a token of its own, so a row of the table is a position.
    const tokens = tensorOf([0, 1, 2, 3, 4, 5], [1, 6], "int32");
    const rank = tensorOf([0, 0.7, 0.2, 0.9, 0.4, 0.6], [1, 6]);
    // Early, in the middle, and last in the order.
    const asked = [2, 5, 3];
    const tables = onHost<TwoStreams>({ params, tokens, rank }, (model, inputs) => {
      const states = queryStates(model, inputs.tokens!, inputs.rank!, sizes);
      return asked.map((i) => {
        const { weight } = model.network.tokens;
        const loss = sum(slice(states, 1, i, i + 1).mul(range(8).add(1)));
        return gradients(loss, [weight])[0]!;
      });
    });
    const ranks = [...(rank.data as Float32Array)];
    for (const [n, { data }] of tables.entries()) {
      const i = asked[n]!;
      for (let j = 0; j < 6; j++) {
        const size = [...data.slice(j * 8, j * 8 + 8)].reduce<number>(
          (s, v) => s + Math.abs(Number(v)),
          0,
        );
        if (ranks[j]! < ranks[i]!) expect(size, `${i} of ${j}`).toBeGreaterThan(1e-6);
        else expect(size, `${i} of ${j}`).toBe(0);
      }
    }
  });

  it("continued from keys and values it is the query stream in the order of the text", () => {
    const tokens = tensorOf([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8], [2, 6], "int32");
    const step = twoStreamStep(sizes, (weights) => modelOf<TwoStreams>(weights));
    const pairs = onHost<TwoStreams, Tensor[][]>({ params, tokens }, (model, inputs) => {
      const rank = broadcastTo(range(6), [2, 6]);
      const states = queryStates(model, inputs.tokens!, rank, sizes);
      const whole = tokenLogits(model.network, states);
      let at = 0;
      let caches: Parameters<typeof step>[2] = [];
      return [2, 1, 2].map((count) => {
        const token = slice(inputs.tokens!, 1, at, at + count);
        at += count;
        const result = step({ params: model } as never, token, caches);
        caches = result.caches;
        return [result.logits, slice(whole, 1, at, at + 1)];
      });
    });
    for (const [got, want] of pairs) {
      expect(difference({ ...got!, shape: want!.shape }, want!)).toBeLessThan(2e-6);
    }
  });
});

it("leaves room for the position that asks", () => {
  const options = xlnet.options.parse({ layers: 1, width: 8, heads: 2, positions: "learned" });
  expect(xlnet.create(options, shapeOf(6)).functions.next?.longest).toBe(5);
});
