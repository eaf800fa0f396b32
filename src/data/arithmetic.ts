import { fillUniform } from "../tensor/index.ts";
import { checkCount, makeSplit, planSplits, takeSamples } from "./split.ts";
import type { ToyOptions } from "./toys.ts";
import type { Card, Dataset, Split, SplitName, SplitOptions } from "./types.ts";

/** The symbols of `tokens` by number; the first fills up what is left of a sequence. */
export const arithmeticSymbols = [" ", "x", "+", "-", "*", "/"] as const;

/** How often each of + - * / stands between two x. */
export const operatorShares = [0.4, 0.3, 0.2, 0.1] as const;

/** Symbols of a sequence, and the most x that fit. */
const length = 12;
const mostOperands = length / 2;

/**
 * Sentences of the grammar S → x | S + S | S - S | S * S | S / S with 1 to 6 x, each number of them equally
 * often, filled up with spaces: `tokens` int32 [12].
 */
export const arithmetic: { readonly name: string; readonly card: Card } = {
  name: "arithmetic",
  card: {
    title: "sentences x + x * x … of a grammar, at most 11 symbols, filled up to 12",
    license: "none needed",
    source: "generated when it is used, by seed",
    citation:
      "Kusner, Hernández-Lobato, GANs for sequences of discrete elements with the Gumbel-softmax distribution (2016), for the grammar; shares of our own",
  },
};

/** Whether a text, up to the spaces at its end, is a sentence of the grammar: x, then operators and x in turn. */
export function isArithmetic(text: string): boolean {
  const sentence = text.trimEnd();
  return /^x([-+*/]x)*$/.test(sentence);
}

/** Nats a sentence that the data has: no model's mean negative log-likelihood is below. */
export const arithmeticEntropy =
  Math.log(mostOperands) -
  ((mostOperands - 1) / 2) * operatorShares.reduce((sum, p) => sum + p * Math.log(p), 0);

/** Draws sentences by `seed`. Throws if `toySize` is not a positive integer. */
export function makeArithmetic(options: SplitOptions & ToyOptions = {}): Dataset {
  const { toySize = 24000, seed = 0 } = options;
  checkCount("toySize", toySize, 1);
  const test = Math.max(1, Math.floor(toySize / 4));
  const plan = planSplits({ train: toySize, test }, options, true);
  const sources = {
    train: sentences("train", toySize, seed),
    test: sentences("test", test, seed),
  };
  const make = (name: SplitName, from: keyof typeof sources): Split =>
    takeSamples(sources[from], plan[name].indices);
  return {
    ...arithmetic,
    names: { tokens: arithmeticSymbols },
    train: make("train", "train"),
    validation: make("validation", "train"),
    test: make("test", "test"),
  };
}

function sentences(part: string, count: number, seed: number): Split {
  const draws = new Float32Array(mostOperands * count);
  fillUniform(draws, { seed, step: 0, path: `arithmetic.${part}` });
  const data = new Int32Array(length * count);
  for (let row = 0; row < count; row++) {
    const [first = 0, ...others] = draws.subarray(row * mostOperands, (row + 1) * mostOperands);
    const operands = 1 + Math.floor(first * mostOperands);
    for (let i = 0; i < operands; i++) {
      const at = row * length + 2 * i;
      data[at] = 1;
      if (i + 1 < operands) data[at + 1] = 2 + operatorAt(others[i] as number);
    }
  }
  return makeSplit({ tokens: { dtype: "int32", shape: [length], data } });
}

/** Place of the operator that a number between 0 and 1 stands for. */
function operatorAt(u: number): number {
  let rest = u;
  const at = operatorShares.findIndex((share) => {
    rest -= share;
    return rest < 0;
  });
  return at < 0 ? operatorShares.length - 1 : at;
}
