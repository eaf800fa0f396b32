import {
  eachLeaf,
  elementCount,
  evaluateShape,
  formatShape,
  leafMap,
  type MapLeaves,
  mapTree,
  ReparamError,
  type Tensor,
  type TensorSpec,
  type Tree,
  zeros,
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
import type { OnnxGraph } from "./graph.ts";
import { lowerProgram } from "./lower.ts";
import { checkOptimizations, type Optimization } from "./passes.ts";
import { blockedChannels } from "./probe.ts";
import { type ProgramProfiler, profilerOf } from "./profile.ts";
import { scanGraph } from "./scan.ts";
import {
  createSession,
  defaultDevice,
  isResident,
  releaseTensor,
  type Session,
  type SessionOptions,
  toHost,
} from "./session.ts";

/** Tensors that stay with the runtime between runs: the state of a training. */
export class HeldState {
  readonly tensors: ReadonlyMap<string, Tensor>;

  /** Use `Program.hold`. */
  constructor(tensors: ReadonlyMap<string, Tensor>) {
    this.tensors = tensors;
  }

  /** The same state in host memory. What stays on a graphics adapter between steps can be read after this only. */
  async toHost(): Promise<HeldState> {
    const read = [...this.tensors].map(
      async ([path, tensor]) => [path, await toHost(tensor)] as const,
    );
    return new HeldState(new Map(await Promise.all(read)));
  }

  /**
   * Frees the memory that this state has on a graphics adapter, but for what the state after it shares. Neither may
   * then be used: this one, nor a state that shares more with it. Nothing happens to a state in host memory.
   */
  release(next?: HeldState): void {
    const shared = new Set(next?.tensors.values());
    for (const tensor of this.tensors.values()) if (!shared.has(tensor)) releaseTensor(tensor);
  }

  /** How many of the tensors are on a graphics adapter. */
  get resident(): number {
    return [...this.tensors.values()].filter(isResident).length;
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

/** Inputs of one of several steps: all but the state. */
export type StepInputs = Readonly<Record<string, Tree<Tensor>>>;

export interface CompileOptions extends SessionOptions {
  /** Optimizations to leave out, for comparisons and to find faults. */
  readonly without?: readonly Optimization[];
}

/** A compiled program. One run of it is, for example, one step of training. */
export interface Program<Outputs> {
  readonly traced: TracedProgram<Outputs>;
  readonly timings: CompileTimings;
  /** Present where compiled with the option `profile`. */
  readonly profiler?: ProgramProfiler;
  /** Runs once; `draw` addresses the random numbers. Shapes and dtypes of inputs are checked. */
  run(inputs: RunInputs, draw?: Draw): Promise<ProgramResult<Outputs>>;
  /**
   * Runs a step for each of `inputs`, which must agree in their shapes: bit for bit what as many runs
   * give, each with the next state and the next draw, but in one call of the runtime where the program
   * changes a state.
   */
  runSteps(
    state: HeldState,
    inputs: readonly StepInputs[],
    draw?: Draw,
  ): Promise<StepsResult<Outputs>>;
  /** Frees the runtime's memory. */
  release(): Promise<void>;
}

export type ProgramResult<Outputs> = {
  readonly [K in keyof Outputs]: K extends "state"
    ? HeldState
    : MapLeaves<Outputs[K], Value, Tensor>;
};

/** The state after the last of several steps, and what each of them returned besides. */
export interface StepsResult<Outputs> {
  readonly state: HeldState;
  readonly steps: readonly Omit<ProgramResult<Outputs>, "state">[];
}

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
  { without: left = [], ...options }: CompileOptions = {},
): Promise<Program<Outputs>> {
  checkOptimizations(left);
  const without: ReadonlySet<string> = new Set(left);
  const { device = defaultDevice } = options;
  const block = device === "cpu" ? await blockedChannels() : 0;
  const start = performance.now();
  const traced = trace(build, example);
  const kept = checkState(traced);
  const lowering = performance.now();
  const graph = lowerProgram(traced, {
    ...{ target: device, skip: kept, outputPrefix },
    ...{ without, block },
  });
  const carried = carriedState(traced, kept);
  // A scan is the processor's: on a graphics adapter the state would leave it with every run.
  const scanned =
    device !== "webgpu" &&
    !without.has("scan") &&
    carried.size > 0 &&
    carried.size + kept.size < graph.inputs.length;
  const whole = scanned ? scanGraph(graph, carried, kept) : graph;
  const model = encodeModel(whole);
  const creating = performance.now();
  const session = await createSession(model, options, residentOutputs(whole.outputs));
  const timings: CompileTimings = {
    traceSeconds: (lowering - start) / 1000,
    lowerSeconds: (creating - lowering) / 1000,
    sessionSeconds: (performance.now() - creating) / 1000,
    nodes: graph.nodes.length,
  };
  const compiled: Compiled = { traced, session, kept, scanned };
  const first: Draw = { seed: 0, step: 0 };
  return {
    traced,
    timings,
    ...(session.trace && { profiler: profilerOf(session.trace, whole, traced) }),
    run: async ({ state, ...inputs }, draw = first) => {
      const result = await runTogether(compiled, state, [inputs as StepInputs], draw);
      const next = result.state === undefined ? {} : { state: result.state };
      return { ...result.steps[0], ...next } as ProgramResult<Outputs>;
    },
    runSteps: async (state, inputs, draw = first) => {
      const groups = scanned ? [inputs] : inputs.map((each) => [each]);
      const steps: Record<string, unknown>[] = [];
      let now = state;
      for (const group of groups) {
        const at = { ...draw, step: draw.step + steps.length };
        const result = await runTogether(compiled, now, group, at);
        const next = result.state ?? now;
        // The caller keeps the first state and gets the last one; those between are nobody's.
        if (now !== state) now.release(next);
        now = next;
        steps.push(...result.steps);
      }
      return { state: now, steps: steps as Omit<ProgramResult<Outputs>, "state">[] };
    },
    release: () => session.release(),
  };
}

/** The next state's numbers, which a graphics adapter keeps. Counters and the like are computed by the processor. */
const residentOutputs = (outputs: OnnxGraph["outputs"]): string[] =>
  outputs
    .filter(({ name, dtype }) => dtype === "float32" && name.startsWith(`${outputPrefix}state.`))
    .map(({ name }) => name);

/** A program in the runtime, and how its inputs and outputs are laid out. */
interface Compiled {
  readonly traced: TracedProgram<unknown>;
  readonly session: Session;
  /** Leaves of the state that never change. */
  readonly kept: ReadonlySet<string>;
  /** Whether a run is a scan over steps: all but the state has a leading axis of steps. */
  readonly scanned: boolean;
}

/** Leaves of the state that a step changes: input → output of the graph. */
function carriedState(
  traced: TracedProgram<unknown>,
  kept: ReadonlySet<string>,
): ReadonlyMap<string, string> {
  const paths = [...traced.inputs.keys()].filter((path) => path.startsWith(statePrefix));
  return new Map(
    paths.filter((path) => !kept.has(path)).map((path) => [path, `${outputPrefix}${path}`]),
  );
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

/** One call of the runtime: as many steps as there are inputs (one, unless the program is scanned). */
async function runTogether(
  { traced, session, kept, scanned }: Compiled,
  state: HeldState | undefined,
  inputs: readonly StepInputs[],
  draw: Draw,
): Promise<{ state: HeldState | undefined; steps: Record<string, unknown>[] }> {
  const feeds = new Map<string, Tensor>();
  for (const [path, tensor] of state?.tensors ?? []) feeds.set(`${statePrefix}${path}`, tensor);
  const each = inputs.map((trees) => leafMap(trees as Tree<Tensor>));
  const first = each[0] ?? new Map<string, Tensor>();
  const bindings = bindInputs(traced, new Map([...feeds, ...first]));
  for (const [path, tensor] of first) {
    const tensors = each.map((step) => step.get(path));
    feeds.set(path, scanned ? stack(path, tensors) : tensor);
  }
  for (const noise of traced.noise) {
    const shape = evaluateShape(noise.value.shape, bindings);
    const stacked = scanned ? [inputs.length, ...shape] : shape;
    feeds.set(noise.name, fillNoise(noise, stacked, draw, inputs.length));
  }
  const results = await session.run(feeds);
  const steps = inputs.map((_, index): Record<string, unknown> => {
    const leafOf = (path: string): Tensor => {
      const tensor = results.get(`${outputPrefix}${path}`) as Tensor;
      return scanned ? row(tensor, index) : tensor;
    };
    const outputs = Object.entries(traced.outputs as Record<string, Tree<Value>>);
    return Object.fromEntries(
      outputs
        .filter(([name]) => name !== "state")
        .map(([name, tree]) => [
          name,
          mapTree<Value, Tensor, Tree<Value>>(tree, (_value, path) => leafOf(path), name),
        ]),
    );
  });
  return { state: nextState(traced, feeds, results, kept), steps };
}

function nextState(
  traced: TracedProgram<unknown>,
  feeds: ReadonlyMap<string, Tensor>,
  results: ReadonlyMap<string, Tensor>,
  kept: ReadonlySet<string>,
): HeldState | undefined {
  const tree = (traced.outputs as Record<string, Tree<Value>>).state;
  if (tree === undefined) return undefined;
  const tensors = new Map<string, Tensor>();
  eachLeaf(
    tree,
    (_value, path) => {
      const from = kept.has(path) ? feeds.get(path) : results.get(`${outputPrefix}${path}`);
      tensors.set(path.slice(statePrefix.length), from as Tensor);
    },
    "state",
  );
  return new HeldState(tensors);
}

/** Tensors of one shape along a new first axis. */
function stack(path: string, tensors: readonly (Tensor | undefined)[]): Tensor {
  const [first] = tensors as [Tensor];
  const { dtype } = first;
  const shape = [tensors.length, ...first.shape];
  if (tensors.length === 1) return { dtype, shape, data: first.data };
  const stacked = zeros(shape, dtype);
  for (const [i, tensor] of tensors.entries()) {
    if (tensor?.dtype !== dtype || formatShape(tensor.shape) !== formatShape(first.shape)) {
      throw new ReparamError(`input "${path}" differs between steps that run together.`);
    }
    stacked.data.set(tensor.data as never, i * first.data.length);
  }
  return stacked;
}

/** Element `index` of the first axis, in the same memory. */
function row({ dtype, shape, data }: Tensor, index: number): Tensor {
  const [, ...rest] = shape;
  const length = elementCount(rest);
  return {
    dtype,
    shape: rest,
    data: data.subarray(index * length, (index + 1) * length),
  } as Tensor;
}
