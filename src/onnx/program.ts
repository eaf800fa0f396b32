import {
  eachLeaf,
  evaluateShape,
  formatShape,
  leafMap,
  type MapLeaves,
  mapTree,
  ReparamError,
  type Tensor,
  type TensorSpec,
  type Tree,
} from "../tensor/index.ts";
import {
  bindInputs,
  type Draw,
  fillNoise,
  type TracedProgram,
  trace,
  type Value,
} from "../trace/index.ts";
import { encodeModel } from "./encode.ts";
import { lowerProgram } from "./lower.ts";
import { createSession, type Session, type SessionOptions } from "./session.ts";

/** Tensors that stay with the runtime between runs: the state of a training. */
export class HeldState {
  readonly tensors: ReadonlyMap<string, Tensor>;

  /** Use `Program.hold`. */
  constructor(tensors: ReadonlyMap<string, Tensor>) {
    this.tensors = tensors;
  }

  /** The state on the host, as the tree it is. */
  read<T>(structure: T): MapLeaves<T, TensorSpec | Tensor, Tensor> {
    return mapTree<TensorSpec, Tensor, T>(structure, (_leaf, path) => {
      const found = this.tensors.get(path);
      if (found === undefined) throw new ReparamError(`the state has no leaf "${path}".`);
      return found;
    }) as MapLeaves<T, TensorSpec | Tensor, Tensor>;
  }
}

/** Hands a tree of tensors over to the runtime. */
export const hold = (state: Tree<Tensor>): HeldState => new HeldState(leafMap(state));

export interface CompileTimings {
  readonly traceSeconds: number;
  readonly lowerSeconds: number;
  readonly sessionSeconds: number;
  readonly nodes: number;
}

/** Inputs of a run: `state` as held by the runtime, everything else trees of host tensors. */
export interface RunInputs {
  readonly state?: HeldState;
  readonly [name: string]: Tree<Tensor> | HeldState | undefined;
}

/** A compiled program. One run of it is, for example, one step of training. */
export interface Program<Outputs> {
  readonly traced: TracedProgram<Outputs>;
  readonly timings: CompileTimings;
  /** Runs once; `draw` addresses the random numbers. Shapes and dtypes of inputs are checked. */
  run(inputs: RunInputs, draw?: Draw): Promise<ProgramResult<Outputs>>;
  /** Frees the runtime's memory. */
  release(): Promise<void>;
}

export type ProgramResult<Outputs> = {
  readonly [K in keyof Outputs]: K extends "state"
    ? HeldState
    : MapLeaves<Outputs[K], Value, Tensor>;
};

/** Paths below `state` of the outputs are named apart from the inputs of the same path. */
const outputPrefix = "next:";
const statePrefix = "state.";

/**
 * Compiles a function of symbolic values for the runtime. `example` is a record of trees of specs (or
 * tensors); free dimensions stay free. An input named `state` is held by the runtime: the function
 * returns the next state under the same name, with the same leaves; what it returns unchanged is
 * neither computed nor copied.
 */
export async function compile<Example extends object, Outputs extends object>(
  build: (inputs: MapLeaves<Example, TensorSpec | Tensor, Value>) => Outputs,
  example: Example,
  options: SessionOptions = {},
): Promise<Program<Outputs>> {
  const start = performance.now();
  const traced = trace(build, example);
  const kept = checkState(traced);
  const lowering = performance.now();
  const graph = lowerProgram(traced, { target: "cpu", skip: kept, outputPrefix });
  const model = encodeModel(graph);
  const creating = performance.now();
  const session = await createSession(model, options);
  const timings: CompileTimings = {
    traceSeconds: (lowering - start) / 1000,
    lowerSeconds: (creating - lowering) / 1000,
    sessionSeconds: (performance.now() - creating) / 1000,
    nodes: graph.nodes.length,
  };
  return {
    traced,
    timings,
    run: (inputs, draw) => runProgram(traced, session, kept, inputs, draw),
    release: () => session.release(),
  };
}

/** Checks that the next state looks like the state; returns the leaves that come back unchanged. */
function checkState(traced: TracedProgram<object>): Set<string> {
  const kept = new Set<string>();
  const before = [...traced.inputs].filter(([path]) => path.startsWith(statePrefix));
  const after = new Map<string, Value>();
  eachLeaf(traced.outputs as Tree<Value>, (value, path) => after.set(path, value));
  for (const [path, value] of before) {
    const next = after.get(path);
    if (next === undefined) {
      throw new ReparamError(
        `compile: the next state lacks "${path}". Return it unchanged at least.`,
      );
    }
    const sameShape = formatShape(next.shape) === formatShape(value.shape);
    if (next.dtype !== value.dtype || !sameShape) {
      throw new ReparamError(`compile: "${path}" is ${value}, but ${next} in the next state.`);
    }
    if (next === value) kept.add(path);
  }
  return kept;
}

async function runProgram<Outputs>(
  traced: TracedProgram<Outputs>,
  session: Session,
  kept: ReadonlySet<string>,
  inputs: RunInputs,
  draw: Draw = { seed: 0, step: 0 },
): Promise<ProgramResult<Outputs>> {
  const feeds = new Map<string, Tensor>();
  for (const [name, tree] of Object.entries(inputs)) {
    if (tree === undefined) continue;
    if (tree instanceof HeldState) {
      for (const [path, tensor] of tree.tensors) feeds.set(`${name}.${path}`, tensor);
    } else {
      eachLeaf(tree as Tree<Tensor>, (leaf, path) =>
        feeds.set(path === "" ? name : `${name}.${path}`, leaf),
      );
    }
  }
  const bindings = bindInputs(traced, feeds);
  for (const noise of traced.noise) {
    feeds.set(noise.name, fillNoise(noise, evaluateShape(noise.value.shape, bindings), draw));
  }
  const results = await session.run(feeds);
  const leafOf = (path: string): Tensor =>
    (kept.has(path) ? feeds.get(path) : results.get(`${outputPrefix}${path}`)) as Tensor;
  const outputs: Record<string, unknown> = {};
  for (const [name, tree] of Object.entries(traced.outputs as Record<string, Tree<Value>>)) {
    if (name === "state") {
      const next = new Map<string, Tensor>();
      eachLeaf(tree, (_value, path) => next.set(path, leafOf(path)), "state");
      outputs[name] = new HeldState(
        new Map([...next].map(([path, tensor]) => [path.slice(statePrefix.length), tensor])),
      );
    } else {
      outputs[name] = mapTree<Value, Tensor, Tree<Value>>(
        tree,
        (_value, path) => leafOf(path),
        name,
      );
    }
  }
  return outputs as ProgramResult<Outputs>;
}
