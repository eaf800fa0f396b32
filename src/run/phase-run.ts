import { compile, type HeldState, type Program } from "../onnx/index.ts";
import { type Phase, type ProgramOutputs, phaseProgram, specsOf } from "../step/index.ts";
import type { Tensor, TensorSpec, Tree } from "../tensor/index.ts";
import { heldState } from "./checkpoint.ts";

/** A phase under way: its state, and its programs, each compiled when it is first run. */
export class PhaseRun {
  readonly phase: Phase;
  readonly structure: Tree<TensorSpec>;
  state: HeldState;
  /** Seconds spent compiling since this was last set to 0. */
  compileSeconds = 0;
  readonly #threads: number;
  readonly #programs = new Map<string, Program<ProgramOutputs>>();

  constructor(phase: Phase, state: Tree<Tensor>, threads: number) {
    this.phase = phase;
    this.structure = specsOf(state);
    this.state = heldState(state);
    this.#threads = threads;
  }

  /** Runs a program; the state moves on, the other outputs come back. */
  async run(
    name: string,
    inputs: Readonly<Record<string, Tree<Tensor>>>,
    draw: { readonly seed: number; readonly step: number },
  ): Promise<Record<string, Tree<Tensor>>> {
    const program = this.#programs.get(name) ?? (await this.#compile(name));
    const { state, ...rest } = await program.run({ ...inputs, state: this.state }, draw);
    this.state = state as unknown as HeldState;
    return rest as unknown as Record<string, Tree<Tensor>>;
  }

  /** The state on the host. */
  read(): Tree<Tensor> {
    return this.state.read(this.structure) as Tree<Tensor>;
  }

  async release(): Promise<void> {
    for (const program of this.#programs.values()) await program.release();
    this.#programs.clear();
  }

  async #compile(name: string): Promise<Program<ProgramOutputs>> {
    const start = performance.now();
    const { build, example } = phaseProgram(this.phase, name, this.structure);
    const program = await compile<object, ProgramOutputs>(build as () => ProgramOutputs, example, {
      threads: this.#threads,
    });
    this.#programs.set(name, program);
    this.compileSeconds += (performance.now() - start) / 1000;
    return program;
  }
}
