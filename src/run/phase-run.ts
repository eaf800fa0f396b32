import {
  compile,
  type Device,
  type HeldState,
  type Program,
  type ProgramProfiler,
} from "../onnx/index.ts";
import { type Phase, type ProgramOutputs, phaseProgram, specsOf } from "../step/index.ts";
import type { Tensor, TensorSpec, Tree } from "../tensor/index.ts";
import { heldState } from "./checkpoint.ts";

export interface PhaseRunOptions {
  readonly threads: number;
  /** Default `cpu`. */
  readonly device?: Device;
  readonly profile?: boolean;
}

/** A phase under way: its state, and its programs, each compiled when it is first run. */
export class PhaseRun {
  readonly phase: Phase;
  readonly structure: Tree<TensorSpec>;
  state: HeldState;
  /** Seconds spent compiling since this was last set to 0. */
  compileSeconds = 0;
  readonly #compiling: PhaseRunOptions;
  readonly #programs = new Map<string, Program<ProgramOutputs>>();

  constructor(phase: Phase, state: Tree<Tensor>, compiling: PhaseRunOptions) {
    this.phase = phase;
    this.structure = specsOf(state);
    this.state = heldState(state);
    this.#compiling = compiling;
  }

  /** Runs a program; the state moves on, the other outputs come back. */
  async run(
    name: string,
    inputs: Readonly<Record<string, Tree<Tensor>>>,
    draw: { readonly seed: number; readonly step: number },
  ): Promise<Record<string, Tree<Tensor>>> {
    const [outputs] = await this.runSteps(name, [inputs], draw);
    return outputs as Record<string, Tree<Tensor>>;
  }

  /** Runs a program once for each of `inputs`, all of the same shapes, the draws following each other. */
  async runSteps(
    name: string,
    inputs: readonly Readonly<Record<string, Tree<Tensor>>>[],
    draw: { readonly seed: number; readonly step: number },
  ): Promise<readonly Record<string, Tree<Tensor>>[]> {
    const program = this.#programs.get(name) ?? (await this.#compile(name));
    const { state, steps } = await program.runSteps(this.state, inputs, draw);
    this.state = state;
    return steps as unknown as readonly Record<string, Tree<Tensor>>[];
  }

  /** The state on the host. */
  read(): Tree<Tensor> {
    return this.state.read(this.structure) as Tree<Tensor>;
  }

  /** Of the programs compiled so far, by name; none unless the phase is profiled. */
  get profilers(): ReadonlyMap<string, ProgramProfiler> {
    const profilers = new Map<string, ProgramProfiler>();
    for (const [name, { profiler }] of this.#programs) {
      if (profiler !== undefined) profilers.set(name, profiler);
    }
    return profilers;
  }

  async release(): Promise<void> {
    for (const program of this.#programs.values()) await program.release();
    this.#programs.clear();
  }

  async #compile(name: string): Promise<Program<ProgramOutputs>> {
    const start = performance.now();
    const { build, example } = phaseProgram(this.phase, name, this.structure);
    const program = await compile<object, ProgramOutputs>(
      build as () => ProgramOutputs,
      example,
      this.#compiling,
    );
    this.#programs.set(name, program);
    this.compileSeconds += (performance.now() - start) / 1000;
    return program;
  }
}
