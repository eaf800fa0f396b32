import { Scope } from "../nn/index.ts";
import {
  item,
  leafMap,
  mapTree,
  ReparamError,
  type Tensor,
  type TensorSpec,
  type Tree,
} from "../tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../trace/index.ts";
import type {
  Iteration,
  Metrics,
  Phase,
  PhaseProgram,
  ProgramInputs,
  ProgramOutputs,
} from "./method.ts";

/** The initial state of a phase on the host, from the run's seed and the previous phase's state. */
export function initialState(phase: Phase, seed: number, previous?: Tree<Tensor>): Tree<Tensor> {
  const program = trace(
    ({ previous: before }) =>
      phase.init(new Key(`init.${phase.name}`), before as Tree<Value> | undefined),
    { previous },
  );
  return evaluate(program, previous === undefined ? {} : { previous }, {
    seed,
    step: 0,
  }) as Tree<Tensor>;
}

/** The function to compile for a program, and the example of its inputs. */
export function phaseProgram(
  phase: Phase,
  name: string,
  state: Tree<TensorSpec>,
): {
  build: (inputs: ProgramInputs) => ProgramOutputs;
  example: Readonly<Record<string, Tree<TensorSpec>>>;
} {
  const program = programOf(phase, name);
  const scope = (): Scope =>
    new Scope({ key: new Key(`${phase.name}.${name}`), train: true, updates: true });
  return {
    build: (inputs) => program.build(inputs, scope()),
    example: { state: specsOf(state), ...program.inputs },
  };
}

export function programOf(phase: Phase, name: string): PhaseProgram {
  const program = phase.programs[name];
  if (program === undefined) {
    const known = Object.keys(phase.programs).join(", ");
    throw new ReparamError(`phase ${phase.name} has no program "${name}"; it has ${known}.`);
  }
  return program;
}

export const specsOf = (tree: Tree<TensorSpec>): Tree<TensorSpec> =>
  mapTree<TensorSpec, TensorSpec>(tree, ({ dtype, shape }) => ({ dtype, shape }));

/** One iteration of a phase: its own, or its only program on the next batch. */
export function iteratePhase(phase: Phase, iteration: Iteration): Promise<Metrics> {
  if (phase.iterate !== undefined) return phase.iterate(iteration);
  return iteration
    .run(onlyProgram(phase), { batch: iteration.next() })
    .then((outputs) => scalarMetrics(outputs.metrics as Tree<Tensor>));
}

/** The name of the program of a phase that has no iteration of its own. */
export function onlyProgram(phase: Phase): string {
  const names = Object.keys(phase.programs);
  if (names.length !== 1) {
    throw new ReparamError(`phase ${phase.name} has several programs and needs its own iterate().`);
  }
  return names[0] as string;
}

/** Scalar tensors as numbers by path. */
export function scalarMetrics(tree: Tree<Tensor>): Metrics {
  const metrics: Record<string, number> = {};
  for (const [path, value] of leafMap(tree)) metrics[path] = item(value);
  return metrics;
}
