/*
 * ONNX Runtime's trace: a JSON array with one event a line, in the form of Chrome's trace viewer. A kernel is an
 * event of category Node with its duration in microseconds; a run ends with the event `model_run`.
 */

/** What a kernel of the runtime is. */
export interface KernelKind {
  readonly op: string;
  /** Shapes of inputs and outputs as of the last call, for example `128×784, 784×400 → 128×400`. */
  readonly shapes: string;
  /** The kernel that ran before it, as of the last call. */
  readonly after: string | undefined;
}

/** One run of a session. Kernels have the node's name in the model, or what the runtime made of it. */
export interface RunTrace {
  /** Without feeding and fetching. */
  readonly seconds: number;
  readonly kernels: ReadonlyMap<string, { readonly calls: number; readonly seconds: number }>;
}

/** The runs that a trace holds from start to end: it has room for a million events. */
export interface TraceContent {
  readonly kinds: ReadonlyMap<string, KernelKind>;
  readonly runs: readonly RunTrace[];
}

type Shapes = readonly Readonly<Record<string, readonly number[]>>[];

interface TraceEvent {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly dur: number;
  readonly args: {
    readonly op_name?: string;
    readonly input_type_shape?: Shapes;
    readonly output_type_shape?: Shapes;
  };
}

const kernelEnd = "_kernel_time";

/** Operators that run a graph of others, whose kernels the trace has too. */
const containers = new Set(["Scan", "Loop", "If"]);

/** Reads a trace without its first `skip` runs. */
export async function readTrace(lines: AsyncIterable<string>, skip: number): Promise<TraceContent> {
  const kinds = new Map<string, KernelKind>();
  const runs: RunTrace[] = [];
  let run = 0;
  let pending: TraceEvent[] = [];
  for await (const line of lines) {
    const ends = line.includes('"model_run"');
    if (!ends && (run < skip || !line.includes(kernelEnd))) continue;
    const event = JSON.parse(line.replace(/,\s*$/, "")) as TraceEvent;
    if (!ends) {
      pending.push(event);
      continue;
    }
    if (run >= skip) runs.push({ seconds: event.dur / 1e6, kernels: addUp(pending, kinds) });
    pending = [];
    run += 1;
  }
  return { kinds, runs };
}

const nodeOf = ({ name }: TraceEvent): string => name.slice(0, -kernelEnd.length);

/** Calls and time of every kernel of a run; what is new about them goes into `kinds`. */
function addUp(events: readonly TraceEvent[], kinds: Map<string, KernelKind>): RunTrace["kernels"] {
  const sums = new Map<string, { calls: number; seconds: number }>();
  for (const [i, event] of events.entries()) {
    const { dur, args } = event;
    const op = args.op_name ?? "";
    if (containers.has(op)) continue;
    const name = nodeOf(event);
    const { calls, seconds } = sums.get(name) ?? { calls: 0, seconds: 0 };
    sums.set(name, { calls: calls + 1, seconds: seconds + dur / 1e6 });
    const shapes = `${shapesText(args.input_type_shape)} → ${shapesText(args.output_type_shape)}`;
    const previous = events[i - 1];
    kinds.set(name, { op, shapes, after: previous && nodeOf(previous) });
  }
  return sums;
}

/** Shapes that are written out of a kernel with many. */
const mostShapes = 6;

function shapesText(shapes: Shapes = []): string {
  const texts = shapes
    .flatMap((shape) => Object.values(shape))
    .map((sizes) => (sizes.length === 0 ? "scalar" : sizes.join("×")));
  const more = texts.length - mostShapes;
  return texts.slice(0, mostShapes).join(", ") + (more > 0 ? `, … ${more} more` : "");
}
