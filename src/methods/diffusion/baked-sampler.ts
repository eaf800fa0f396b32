/**
 * A plan as one graph with the denoiser in it once: a scan over its evaluations. All that lives between two
 * evaluations is K tensors, and each evaluation makes the next K as linear combinations of them, of what the denoiser
 * said of the first one, and of fresh noise: a matrix [K, K + 1 + noises] for every evaluation.
 */
import { concat, constant, expandDims, matmul, reshape, scan, slice } from "../../ops/index.ts";
import { sizeOf, tensorOf } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Instruction, Plan, Register } from "./plan.ts";

/** What happens between an evaluation and the next: the first row of a matrix makes the next x. */
export interface Transition {
  /** Of the evaluation before it. */
  readonly time: number;
  /** Draws of noise in it. */
  readonly draws: readonly number[];
  /** New slots by old slots, what was said, and the draws. */
  readonly matrix: readonly (readonly number[])[];
}

export interface Transitions {
  /** The slots of the first evaluation by x at the first level and the draws before it. */
  readonly first: Omit<Transition, "time">;
  readonly rest: readonly Transition[];
}

/** A slot by its register, what the denoiser said, or a draw of noise. */
type Column = Register | "said" | `draw${number}`;
type Row = ReadonlyMap<Column, number>;

/** The plan between its evaluations. After the last one the only slot is x at the last level. */
export function transitionsOf(plan: Plan): Transitions {
  const { instructions } = plan;
  const evaluations = instructions.flatMap((each, i) => (each.kind === "denoise" ? [i] : []));
  const result = plan.steps.at(-1)!.x;
  // Registers that each evaluation finds: its x first, then all that is written before and read after.
  const found = evaluations.map((at) => {
    const { x } = instructions[at] as Extract<Instruction, { kind: "denoise" }>;
    const later = new Set(instructions.slice(at + 1).flatMap(readsOf));
    return [x, ...[...later].filter((r) => r <= at && r !== x && r !== result)];
  });
  const stretch = (
    from: number,
    to: number,
    slots: readonly Register[],
    next: readonly Register[],
  ) => {
    const rows = new Map<Register, Row>(slots.map((r) => [r, new Map([[r, 1]])]));
    const draws: number[] = [];
    for (let i = from; i < to; i++) {
      const instruction = instructions[i]!;
      const made = rowOf(instruction, rows);
      if (instruction.kind === "noise") draws.push(instruction.index);
      rows.set(i + 1, made);
    }
    const columns: Column[] = [
      ...slots,
      ...(instructions[from]?.kind === "denoise" ? (["said"] as const) : []),
      ...draws.map((draw): `draw${number}` => `draw${draw}`),
    ];
    return {
      draws,
      matrix: next.map((r) => columns.map((column) => rows.get(r)!.get(column) ?? 0)),
    };
  };
  const end = instructions.length;
  return {
    first: stretch(0, evaluations[0]!, [0], found[0]!),
    rest: evaluations.map((at, i) => ({
      time: (instructions[at] as Extract<Instruction, { kind: "denoise" }>).level.t,
      ...stretch(at, evaluations[i + 1] ?? end, found[i]!, found[i + 1] ?? [result]),
    })),
  };
}

const readsOf = (instruction: Instruction): readonly Register[] =>
  instruction.kind === "combine"
    ? instruction.terms.map(([register]) => register)
    : instruction.kind === "denoise"
      ? [instruction.x]
      : [];

function rowOf(instruction: Instruction, rows: ReadonlyMap<Register, Row>): Row {
  if (instruction.kind === "denoise") return new Map<Column, number>([["said", 1]]);
  if (instruction.kind === "noise") {
    return new Map<Column, number>([[`draw${instruction.index}`, 1]]);
  }
  const sum = new Map<Column, number>();
  for (const [register, coefficient] of instruction.terms) {
    for (const [column, value] of rows.get(register) ?? []) {
      sum.set(column, (sum.get(column) ?? 0) + coefficient * value);
    }
  }
  return sum;
}

/** Sizes of a baked plan: slots, and the most draws of noise between two evaluations. */
const sizesOf = ({ first, rest }: Transitions): { slots: number; draws: number } => ({
  slots: Math.max(first.matrix.length, ...rest.map(({ matrix }) => matrix.length)),
  draws: Math.max(...rest.map(({ draws }) => draws.length)),
});

/**
 * x [B, …] at the last level in a graph: `start` is x at the first, `fresh` [draws, B, …] the plan's noise, absent
 * where it has none; `denoise` traces x̂₀ of x at a time, a scalar.
 */
export function bakedSample(
  plan: Plan,
  denoise: (x: Value, time: Value) => Value,
  start: Value,
  fresh: Value | undefined,
): Value {
  const transitions = transitionsOf(plan);
  const { slots, draws } = sizesOf(transitions);
  const width = slots + 1 + draws;
  const matrices = transitions.rest.flatMap((each) => paddedMatrix(each, slots, draws));
  const count = transitions.rest.length;
  const drawn = (index: number): Value => slice(fresh as Value, 0, index, index + 1); // (1,B,…)
  const empty = expandDims(start.mul(0), 0);
  const sequences = {
    time: constant(
      tensorOf(
        transitions.rest.map(({ time }) => time),
        [count],
      ),
    ),
    matrix: constant(tensorOf(matrices, [count, slots, width])),
    ...(draws > 0 && {
      noise: concat(
        transitions.rest.map(({ draws: own }) =>
          expandDims(
            concat(
              Array.from({ length: draws }, (_, k) =>
                own[k] === undefined ? empty : drawn(own[k]),
              ),
              0,
            ),
            0,
          ),
        ),
        0,
      ), // (evaluations, draws, B, …)
    }),
  };
  const first = [expandDims(start, 0), ...transitions.first.draws.map(drawn)];
  const carry = mixed(
    constant(
      tensorOf(paddedRows(transitions.first.matrix, slots, first.length), [slots, first.length]),
    ),
    concat(first, 0),
  );
  const step = (state: Value, element: Record<string, Value>) => {
    const x = reshape(slice(state, 0, 0, 1), start.shape);
    const said = expandDims(denoise(x, element.time as Value), 0);
    const noise = element.noise === undefined ? [] : [element.noise];
    return {
      carry: mixed(element.matrix as Value, concat([state, said, ...noise], 0)),
      output: {},
    };
  };
  const { carry: last } = scan<Value, Record<string, Value>, object>(step, carry, sequences);
  return reshape(slice(last, 0, 0, 1), start.shape);
}

/** matrix [K, M] times tensors [M, B, …] along their first axis. */
function mixed(matrix: Value, tensors: Value): Value {
  const [, ...shape] = tensors.shape;
  const flat = reshape(tensors, [tensors.size(0), sizeOf(shape)]);
  return reshape(matmul(matrix, flat), [matrix.size(0), ...shape]);
}

/** Rows [slots, slots + 1 + draws] of a transition, each column at its kind's place and zeros for the rest. */
function paddedMatrix({ matrix, draws: own }: Transition, slots: number, draws: number): number[] {
  const width = slots + 1 + draws;
  const before = (matrix[0] as readonly number[]).length - 1 - own.length;
  const padded = new Array<number>(slots * width).fill(0);
  for (const [row, values] of matrix.entries()) {
    for (const [column, value] of values.entries()) {
      padded[row * width + (column < before ? column : column - before + slots)] = value;
    }
  }
  return padded;
}

const paddedRows = (matrix: Transition["matrix"], slots: number, width: number): number[] =>
  Array.from({ length: slots * width }, (_, i) => matrix[Math.floor(i / width)]?.[i % width] ?? 0);
