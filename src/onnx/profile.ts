import type { Node, TracedProgram } from "../trace/index.ts";
import { nodeName } from "./encode.ts";
import type { OnnxGraph } from "./graph.ts";
import { type Place, placesOf } from "./layers.ts";
import type { SessionTrace, TracedRuns } from "./session.ts";
import type { KernelKind } from "./trace-events.ts";

/** A kernel over all runs of a measurement, and the part of the program that it works for. */
export interface PlacedKernel extends KernelKind, Place {
  /** The node's name in the model, or what the runtime made of it when it fused nodes. */
  readonly name: string;
  readonly calls: number;
  readonly seconds: number;
}

/**
 * Where the time of a program's runs went. Seconds are those of the faster half of the runs, times two: what else
 * the machine did meanwhile hardly counts.
 */
export interface ProgramProfile {
  /** Measured runs, and those of them that found room in the trace; all that follows is of these. */
  readonly runs: number;
  readonly tracedRuns: number;
  /** Seconds within the calls of the runtime, with feeding and fetching. */
  readonly callSeconds: number;
  /** Seconds within the runtime, without. */
  readonly runSeconds: number;
  readonly kernels: readonly PlacedKernel[];
  /** Seconds of all measured calls, as they were. */
  readonly allCallSeconds: number;
}

/** Measures a program that was compiled with the option `profile`. */
export interface ProgramProfiler {
  /** Counts from the next run on. */
  start(): void;
  /** Ends the measurement for good; the program runs on at full speed. */
  stop(): Promise<ProgramProfile>;
}

/** The profiler of a session that runs `graph`, which was made from `program`. */
export const profilerOf = (
  trace: SessionTrace,
  graph: OnnxGraph,
  program: TracedProgram<unknown>,
): ProgramProfiler => ({
  start: () => trace.start(),
  stop: async () => {
    const runs = await trace.stop();
    const place = placer(runs.kinds, sourcesOf(graph), placesOf(program));
    const { kernels, ...sums } = addUp(runs);
    return { ...sums, kernels: kernels.map((kernel) => ({ ...kernel, ...place(kernel.name) })) };
  },
});

/** Sums over the runs of a measurement, from the faster half of them. */
function addUp({ kinds, runs, callSeconds }: TracedRuns): Omit<ProgramProfile, "kernels"> & {
  readonly kernels: readonly Omit<PlacedKernel, keyof Place>[];
} {
  const timed = runs.map(({ seconds, kernels }, i) => {
    const calls = sum([...kernels.values()].map((kernel) => kernel.calls));
    return { seconds, kernels, calls, callSeconds: callSeconds[i] as number };
  });
  // A run may be of several steps, so it counts how long a kernel took on average.
  const fastest = [...timed].sort((a, b) => a.seconds / a.calls - b.seconds / b.calls);
  const half = fastest.slice(0, Math.ceil(runs.length / 2));
  const scale = sum(timed.map(({ calls }) => calls)) / sum(half.map(({ calls }) => calls));
  const kernels = [...kinds].map(([name, kind]) => {
    const total = (part: "calls" | "seconds", of: typeof timed): number =>
      sum(of.map((run) => run.kernels.get(name)?.[part] ?? 0));
    return { ...kind, name, calls: total("calls", timed), seconds: total("seconds", half) * scale };
  });
  return {
    runs: callSeconds.length,
    tracedRuns: runs.length,
    callSeconds: runs.length === 0 ? 0 : sum(half.map((run) => run.callSeconds)) * scale,
    runSeconds: runs.length === 0 ? 0 : sum(half.map((run) => run.seconds)) * scale,
    kernels,
    allCallSeconds: sum(callSeconds),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Where a kernel belongs, by name. */
function placer(
  kinds: ReadonlyMap<string, KernelKind>,
  sources: ReadonlyMap<string, Node | undefined>,
  places: ReadonlyMap<Node, Place>,
): (name: string) => Place {
  const known = (name: string): Place | undefined => {
    const source = sourceOf(name, sources);
    return source && places.get(source);
  };
  return (name) => {
    let at: string | undefined = name;
    // What the runtime adds of its own (a moved transpose) counts to the kernel that ran before it.
    for (let i = 0; i < kinds.size && at !== undefined; i++) {
      const place = known(at);
      if (place !== undefined) return place;
      at = kinds.get(at)?.after;
    }
    return { layer: "runtime", pass: "forward", position: 0 };
  };
}

/** The traced node behind every node of a graph and of the graphs inside of it. */
function sourcesOf(graph: OnnxGraph): Map<string, Node | undefined> {
  const sources = new Map<string, Node | undefined>();
  const makers = new Map<string, Node | undefined>();
  for (const node of graph.nodes) {
    // What only gives a result its name has no node of its own.
    const source = node.source ?? makers.get(node.inputs[0] ?? "");
    sources.set(nodeName(node), source);
    for (const output of node.outputs) makers.set(output, source);
    if (node.body !== undefined) {
      for (const [name, inner] of sourcesOf(node.body)) sources.set(name, inner);
    }
  }
  return sources;
}

/**
 * The runtime names what it fuses after one of the nodes (`fused NAME`, `NAME/MatMulAddFusion`), and makes names
 * unique by a number (`NAME_token_3`). Undefined for what has no such name.
 */
function sourceOf(name: string, sources: ReadonlyMap<string, Node | undefined>): Node | undefined {
  let known = name.replace(/^fused /, "");
  while (!sources.has(known)) {
    const shorter = known.replace(/(\/[^/]*|_token_\d+)$/, "");
    if (shorter === known) return undefined;
    known = shorter;
  }
  return sources.get(known);
}
