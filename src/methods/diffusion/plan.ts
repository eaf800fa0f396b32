/**
 * A sampler with a fixed number of steps, written down as a list of instructions: where to ask the denoiser, and which
 * linear combinations to take of what it said. All that a sampler computes are coefficients, which depend on the
 * noise levels alone; so one plan runs on arrays of the host, on a denoiser in ONNX Runtime, and as a traced graph.
 *
 * Registers are numbered as they are written; 0 is x at the first level.
 */
import { settle, type Task, type VectorSpace } from "../../ode/index.ts";
import type { NoiseLevel } from "./grid.ts";

export type Register = number;
export type Term = readonly [register: Register, coefficient: number];

export type Instruction =
  /** x̂₀ of x at a level: one run of the denoiser. */
  | { readonly kind: "denoise"; readonly x: Register; readonly level: NoiseLevel }
  /** Standard normal numbers, independent of all others. */
  | { readonly kind: "noise"; readonly index: number }
  /** Σ coefficient·register */
  | { readonly kind: "combine"; readonly terms: readonly Term[] };

/** The end of a step: x at its level, and the last denoised data, which show where it leads. */
export interface PlanStep {
  readonly x: Register;
  readonly level: NoiseLevel;
  readonly denoised: Register;
}

export interface Plan {
  readonly levels: readonly NoiseLevel[];
  /** The n-th writes register n + 1. */
  readonly instructions: readonly Instruction[];
  readonly steps: readonly PlanStep[];
  /** Runs of the denoiser. */
  readonly evaluations: number;
  /** Draws of noise, besides the one that x begins as. */
  readonly draws: number;
}

/** Writes a plan. */
export class PlanWriter {
  readonly #levels: readonly NoiseLevel[];
  readonly #instructions: Instruction[] = [];
  readonly #steps: PlanStep[] = [];
  #draws = 0;
  #evaluations = 0;

  constructor(levels: readonly NoiseLevel[]) {
    this.#levels = levels;
  }

  #write(instruction: Instruction): Register {
    return this.#instructions.push(instruction);
  }

  denoise(x: Register, level: NoiseLevel): Register {
    this.#evaluations++;
    return this.#write({ kind: "denoise", x, level });
  }

  noise(): Register {
    return this.#write({ kind: "noise", index: this.#draws++ });
  }

  /** Terms of coefficient 0 are left out. */
  combine(...terms: readonly Term[]): Register {
    return this.#write({ kind: "combine", terms: terms.filter(([, c]) => c !== 0) });
  }

  /** Ends a step. */
  step(x: Register, level: NoiseLevel, denoised: Register): void {
    this.#steps.push({ x, level, denoised });
  }

  plan(): Plan {
    return {
      levels: this.#levels,
      instructions: this.#instructions,
      steps: this.#steps,
      evaluations: this.#evaluations,
      draws: this.#draws,
    };
  }
}

/** What a plan runs on. */
export interface PlanMachine<V> {
  readonly combine: VectorSpace<V>["combine"];
  /** x̂₀ of x. */
  readonly denoise: (x: V, level: NoiseLevel) => V | PromiseLike<V>;
  /** Standard normal numbers of the shape of x, different ones for every index. */
  readonly noise: (index: number) => V;
  /** Sees every step as it ends. */
  readonly onStep?: (step: {
    /** From 1. */
    readonly count: number;
    readonly level: NoiseLevel;
    readonly x: V;
    readonly denoised: V;
  }) => void | PromiseLike<void>;
}

/** x at the last level, from x at the first. */
export function* runPlan<V>(plan: Plan, start: V, machine: PlanMachine<V>): Task<V> {
  const { instructions, steps } = plan;
  const lastUse = lastUses(plan);
  const registers: (V | undefined)[] = [start];
  const read = (register: Register): V => registers[register] as V;
  let done = 0;
  const endSteps = function* (written: Register): Task<void> {
    for (let step = steps[done]; step !== undefined; step = steps[done]) {
      if (Math.max(step.x, step.denoised) > written) return;
      done++;
      const { level } = step;
      const seen = { count: done, level, x: read(step.x), denoised: read(step.denoised) };
      const pending = machine.onStep?.(seen);
      if (pending !== undefined) yield* settle(pending);
    }
  };
  for (const [i, instruction] of instructions.entries()) {
    registers.push(yield* settle(execute(instruction, read, machine)));
    yield* endSteps(i + 1);
    for (const register of lastUse.get(i) ?? []) registers[register] = undefined;
  }
  return read((steps.at(-1) as PlanStep).x);
}

function execute<V>(
  instruction: Instruction,
  read: (register: Register) => V,
  { combine, denoise, noise }: PlanMachine<V>,
): V | PromiseLike<V> {
  switch (instruction.kind) {
    case "denoise":
      return denoise(read(instruction.x), instruction.level);
    case "noise":
      return noise(instruction.index);
    case "combine":
      return combine(
        instruction.terms.map(([, coefficient]) => coefficient),
        instruction.terms.map(([register]) => read(register)),
      );
  }
}

/** Instruction → the registers that nothing reads behind it: their memory can go. */
function lastUses({ instructions, steps }: Plan): Map<number, Register[]> {
  const last = new Map<Register, number>();
  for (const [i, instruction] of instructions.entries()) {
    if (instruction.kind === "denoise") last.set(instruction.x, i);
    if (instruction.kind === "combine") for (const [read] of instruction.terms) last.set(read, i);
  }
  for (const { x, denoised } of steps) {
    const end = Math.max(x, denoised) - 1;
    for (const read of [x, denoised]) last.set(read, Math.max(end, last.get(read) ?? 0));
  }
  last.delete(steps.at(-1)?.x ?? 0);
  const ends = new Map<number, Register[]>();
  for (const [register, i] of last) ends.set(i, [...(ends.get(i) ?? []), register]);
  return ends;
}
