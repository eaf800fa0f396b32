import { expect, it } from "vitest";
import { makeSplit } from "../../src/data/index.ts";
import { type CompiledFunction, evaluateSplit } from "../../src/run/index.ts";
import { tensorOf } from "../../src/tensor/index.ts";

/** A function that gives each row's number in the column x as its bits a token. */
const bits: CompiledFunction = {
  name: "evaluate",
  definition: {
    ...{ summary: "", exported: false, inputs: { x: { dtype: "float32", shape: [] } } },
    ...{ build: () => ({}), rowsAtOnce: 2 },
  },
  run: async ({ x }) => ({ bitsPerToken: x! }),
  withWeights: () => bits,
  release: async () => undefined,
};

it("bits a token of text are told as bits a character and perplexity, with errors of first order", async () => {
  const x = { dtype: "float32", shape: [], data: tensorOf([1, 2, 4, 5, 3], [5]).data } as const;
  const plain = await evaluateSplit(bits, makeSplit({ x }));
  expect(Object.keys(plain.metrics)).toEqual(["bitsPerToken"]);
  const text = await evaluateSplit(bits, { ...makeSplit({ x }), charactersPerToken: 4 });
  expect(text.metrics).toEqual({ bitsPerToken: 3, bitsPerCharacter: 0.75, perplexity: 8 });
  const error = Math.sqrt(10 / 4 / 5);
  const { bitsPerToken, bitsPerCharacter, perplexity } = text.standardErrors;
  expect(bitsPerToken).toBeCloseTo(error, 12);
  expect(bitsPerCharacter).toBeCloseTo(error / 4, 12);
  // What the mean's error makes of 2^bits: half of the way from 3 − ε to 3 + ε.
  const step = 1e-4 * error;
  expect(perplexity! / 1e4).toBeCloseTo((2 ** (3 + step) - 2 ** (3 - step)) / 2, 8);
});
