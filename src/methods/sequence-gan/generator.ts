// Generator and discriminator of sequences of symbols.
import {
  initLinear,
  initLstm,
  type LinearParams,
  type LstmState,
  linear,
  lstm,
  lstmCell,
  type RecurrentParams,
} from "../../nn/index.ts";
import {
  concat,
  expandDims,
  flatten,
  full,
  leakyRelu,
  logSoftmax,
  reshape,
  slice,
  squeeze,
  sum,
} from "../../ops/index.ts";
import type { Key, Value } from "../../trace/index.ts";

export interface SequenceSizes {
  /** Different symbols. */
  readonly symbols: number;
  /** Symbols of a sequence. */
  readonly length: number;
  readonly hidden: number;
}

/** A recurrent layer and what it says of the next symbol, or of the whole sequence. */
export type Recurrent = { readonly memory: RecurrentParams; readonly output: LinearParams };

export const initGenerator = (key: Key, { symbols, hidden }: SequenceSizes): Recurrent => ({
  memory: initLstm(key.at("memory"), symbols, hidden),
  output: initLinear(key.at("output"), hidden, symbols),
});

export type DiscriminatorKind = "lstm" | "dense";

/** Either an LSTM and its last state, or two hidden layers over the whole sequence at once. */
export type Discriminator =
  | Recurrent
  | { readonly first: LinearParams; readonly second: LinearParams; readonly output: LinearParams };

export function initDiscriminator(
  key: Key,
  kind: DiscriminatorKind,
  { symbols, length, hidden }: SequenceSizes,
): Discriminator {
  const output = initLinear(key.at("output"), hidden, 1);
  if (kind === "lstm") return { memory: initLstm(key.at("memory"), symbols, hidden), output };
  return {
    first: initLinear(key.at("first"), length * symbols, hidden),
    second: initLinear(key.at("second"), hidden, hidden),
    output,
  };
}

/** Symbol t of every row by its logits [B or 1, symbols]: one-hot or relaxed, [B, symbols]. */
export type ChooseSymbol = (logits: Value, t: number) => Value;

/**
 * Symbols one after the other, each chosen by the logits that follow from those before: [B, length, symbols].
 * What is chosen is what the next step sees, so that a gradient reaches all earlier steps.
 */
export function generate(
  { memory, output }: Recurrent,
  { symbols, length, hidden }: SequenceSizes,
  choose: ChooseSymbol,
): Value {
  // The first step is the same for all rows, and has one.
  let state: LstmState = { hidden: full([1, hidden], 0), cell: full([1, hidden], 0) };
  let before = full([1, symbols], 0);
  const chosen: Value[] = [];
  for (let t = 0; t < length; t++) {
    state = lstmCell(memory, before, state);
    before = choose(linear(output, state.hidden), t);
    chosen.push(expandDims(before, 1));
  }
  return concat(chosen, 1);
}

/** log p of sequences, one-hot [B, length, symbols], in nats: [B]. */
export function logLikelihood({ memory, output }: Recurrent, sequences: Value): Value {
  const [, length, symbols] = sequences.shape as readonly number[];
  const first = slice(sequences, 1, 0, 1).mul(0);
  const before = concat([first, slice(sequences, 1, 0, (length as number) - 1)], 1);
  const { outputs } = lstm(memory, before);
  const logits = reshape(linear(output, outputs), [-1, length as number, symbols as number]);
  return sum(logSoftmax(logits).mul(sequences), [1, 2]);
}

/** Logit that a sequence [B, length, symbols] is one of the data, [B]. */
export function discriminate(discriminator: Discriminator, sequences: Value): Value {
  const features =
    "memory" in discriminator
      ? lstm(discriminator.memory, sequences).state.hidden
      : leakyRelu(
          linear(
            discriminator.second,
            leakyRelu(linear(discriminator.first, flatten(sequences)), 0.2),
          ),
          0.2,
        );
  return squeeze(linear(discriminator.output, features), -1);
}
