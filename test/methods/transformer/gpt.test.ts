import { beforeAll, describe, expect, it } from "vitest";
import { gpt } from "../../../src/methods/transformer/gpt.ts";
import type { TransformerOptions } from "../../../src/methods/transformer/options.ts";
import { compileFunction, evaluateSplit, fit } from "../../../src/run/index.ts";
import { initialState, type Method, weightsOf } from "../../../src/step/index.ts";
import { type Tensor, type Tree, tensorOf, zeros } from "../../../src/tensor/index.ts";
import { chains, shapeOf, splitOf, vocabulary } from "./setup.ts";

const context = 16;
const small = { layers: 2, width: 16, heads: 2, learningRate: 1e-2, warmupSteps: 10 };
const create = (chosen: Partial<TransformerOptions> = {}): Method =>
  gpt.create(gpt.options.parse({ ...small, ...chosen }), shapeOf(context));

/** The likelier of two tokens is the last one plus one: nats a token, and those of the first one. */
const entropy = -(0.9 * Math.log(0.9 + 0.1 / 11) + 0.1 * Math.log(0.1 / 11));

describe("gpt", () => {
  let method: Method;
  let weights: Tree<Tensor>;

  beforeAll(async () => {
    method = create({ positions: "rotary", keyValueHeads: 1 });
    const train = splitOf(chains(512, context));
    const { state } = await fit({ method, train, batchSize: 32, seed: 3, steps: 100, threads: 1 });
    weights = weightsOf(method, state);
  });

  it("learns what can be known of the next token", async () => {
    const compiled = await compileFunction(method, "evaluate", weights, { threads: 1 });
    const { metrics } = await evaluateSplit(compiled, splitOf(chains(128, context, "test")));
    await compiled.release();
    expect(metrics.negativeLogLikelihood).toBeLessThan(1.15 * entropy);
    expect(metrics.bitsPerToken).toBeCloseTo(metrics.negativeLogLikelihood! / Math.LN2, 4);
  });

  it("goes on from keys and values of any length, in the runtime", async () => {
    const compiled = await compileFunction(method, "next", weights, { threads: 1 });
    const past: Record<string, Tensor> = {};
    for (const [name, { shape }] of Object.entries(compiled.definition.inputs)) {
      if (name !== "token") past[name] = zeros([1, shape[1] as number, 0, shape[3] as number]);
    }
    const text = [4];
    let given = { ...past, token: tensorOf(text, [1, 1], "int32") };
    for (let i = 0; i < 12; i++) {
      const outputs = await compiled.run(given);
      const logits = outputs.logits!.data as Float32Array;
      text.push(logits.indexOf(Math.max(...logits)));
      const next: Record<string, Tensor> = {};
      for (const name of Object.keys(past)) next[name] = outputs[name.replace("past", "present")]!;
      given = { ...next, token: tensorOf(text.slice(-1), [1, 1], "int32") };
    }
    expect(text).toEqual(Array.from({ length: 13 }, (_, i) => (4 + i) % vocabulary));
    // All at once, and twice in a batch: the same logits.
    const all = await compiled.run({
      ...Object.fromEntries(
        Object.entries(past).map(([name, tensor]) => [
          name,
          { ...tensor, shape: [2, ...tensor.shape.slice(1)] },
        ]),
      ),
      token: tensorOf([...text, ...text], [2, 13], "int32"),
    });
    const last = await compiled.run(given);
    await compiled.release();
    for (let i = 0; i < vocabulary; i++) {
      expect(all.logits!.data[i]).toBeCloseTo(Number(last.logits!.data[i]), 4);
      expect(all.logits!.data[vocabulary + i]).toBeCloseTo(Number(last.logits!.data[i]), 4);
    }
  });

  it.each([
    [15, 2],
    [16, 1],
    [0, 17],
  ])("fails beyond the positions that were learned: %i before, %i new", async (P, T) => {
    const learned = create({ layers: 1 });
    const start = weightsOf(learned, initialState(learned.phases[0]!, 0));
    const compiled = await compileFunction(learned, "next", start, { threads: 1 });
    const past = zeros([1, 2, P, 8]);
    const token = zeros([1, T], "int32");
    await expect(compiled.run({ token, pastKeys0: past, pastValues0: past })).rejects.toThrow(
      /17 positions are more than the 16/,
    );
    await compiled.release();
  });

  it("says where its positions end", () => {
    expect(create().functions.next?.longest).toBe(context);
    expect(create({ positions: "alibi" }).functions.next?.longest).toBeUndefined();
  });
});

describe("options that do not go together are refused", () => {
  it.each([
    [{ heads: 3 }, /3 heads do not divide a width of 16/],
    [{ heads: 4, keyValueHeads: 3 }, /keyValueHeads 3 does not divide heads 4/],
    [{ positions: "rotary", keySize: 5 }, /keySize must be even, got 5/],
    [{ positions: "sinusoidal", width: 15, heads: 3 }, /even width, got 15/],
    [{ softmaxHeads: 4 }, /wants talkingHeads logits\+weights/],
  ] as [Partial<TransformerOptions>, RegExp][])("%o", (chosen, why) => {
    expect(() => create(chosen)).toThrow(why);
  });

  it("and so are data without windows of tokens, or without a vocabulary", () => {
    const { vocabulary: _, ...unknown } = shapeOf(context);
    const options = gpt.options.parse({});
    expect(() => gpt.create(options, unknown)).toThrow(/vocabulary/);
    const images = {
      ...unknown,
      columns: { image: { dtype: "uint8", shape: [1, 2, 2] } },
    } as const;
    expect(() => gpt.create(options, images)).toThrow(/gpt wants text: a data set/);
  });
});
