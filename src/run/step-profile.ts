import type { Pass, PlacedKernel, ProgramProfile, ProgramProfiler } from "../onnx/index.ts";

/**
 * Where the time of a training step goes. Seconds and calls are those of one step, as means over `steps`; times in
 * the runtime over the faster half of them, so that what else the machine did hardly counts.
 */
export interface StepProfile {
  readonly phase: string;
  /** Steps before, which were not measured. */
  readonly warmup: number;
  readonly steps: number;
  /** A step while the runtime writes its trace, which takes time of its own. */
  readonly tracedSeconds: number;
  /** A step right after that, without the trace; absent where the training was over by then. */
  readonly stepSeconds?: number;
  /** The parts of `tracedSeconds`. */
  readonly parts: {
    readonly kernels: number;
    /** In the runtime, but not in a kernel: scheduling, memory, and writing the trace. */
    readonly betweenKernels: number;
    /** Handing tensors to the runtime and taking them back. */
    readonly feedAndFetch: number;
    /** In the library: batches, random numbers, metrics. */
    readonly host: number;
  };
  /** In the order of the model's code. */
  readonly layers: readonly LayerTime[];
  /** By ONNX operator, the most expensive first. */
  readonly operators: readonly OperatorTime[];
  /** Single kernels, the most expensive first. */
  readonly kernels: readonly KernelTime[];
}

/** Seconds a step in the kernels of a layer. */
export interface LayerTime {
  readonly layer: string;
  readonly forward: number;
  readonly backward: number;
  readonly update: number;
}

export interface OperatorTime {
  readonly operator: string;
  readonly calls: number;
  readonly seconds: number;
}

export interface KernelTime extends OperatorTime {
  readonly program: string;
  readonly layer: string;
  readonly pass: Pass;
  /** Name of the node in the runtime. */
  readonly name: string;
  readonly shapes: string;
}

/** Single kernels that a profile lists. */
const mostKernels = 50;

export interface StepProfilerOptions {
  /** Steps that are not measured, since the first ones allocate memory. Default 5. */
  readonly warmup?: number;
  /** Steps to measure, in every phase; a phase's step is an iteration. Default 50. */
  readonly steps?: number;
  /** Called once a phase, as soon as its measurement is over. */
  readonly onProfile: (profile: StepProfile) => void;
}

/** Watches a training from outside; `fit` tells it of every step. It changes none of the numbers. */
export interface StepProfiler {
  /** After `steps` steps that ran together and took `seconds`. */
  after(phase: ProfiledPhase, steps: number, seconds: number): Promise<void>;
  /** The phase is over, or the training is interrupted. */
  end(phase: ProfiledPhase): Promise<void>;
}

/** A phase under way, and the programs that were compiled for it so far. */
export interface ProfiledPhase {
  readonly phase: { readonly name: string };
  readonly profilers: ReadonlyMap<string, ProgramProfiler>;
}

/** Measures the first steps of every phase of a training. */
export function createStepProfiler(options: StepProfilerOptions): StepProfiler {
  const { warmup = 5, steps: wanted = 50, onProfile } = options;
  let state = startState();
  const report = ({ phase }: ProfiledPhase): void => {
    const { programs } = state;
    if (programs !== undefined) onProfile(summarize(phase.name, programs, state));
    state.stage = "done";
  };
  return {
    after: async (phase, steps, seconds) => {
      const { stage } = state;
      if (stage === "done") return;
      const timed = state[stage];
      timed.steps += steps;
      timed.seconds += seconds;
      timed.groups.push({ steps, seconds });
      if (timed.steps < (stage === "warmup" ? warmup : wanted)) return;
      if (stage === "warmup") {
        for (const profiler of phase.profilers.values()) profiler.start();
        state.stage = "measured";
      } else if (stage === "measured") {
        state.programs = await stopAll(phase);
        state.stage = "plain";
      } else {
        report(phase);
      }
    },
    end: async (phase) => {
      const { stage, measured } = state;
      if (stage === "measured" && measured.steps > 0) state.programs = await stopAll(phase);
      if (stage !== "done") report(phase);
      state = startState();
    },
  };
}

interface Timed {
  steps: number;
  seconds: number;
  /** The same, by steps that ran together. */
  readonly groups: { readonly steps: number; readonly seconds: number }[];
}

const notYet = (): Timed => ({ steps: 0, seconds: 0, groups: [] });

/** Seconds of a step in the faster half of the groups. */
function typicalSeconds({ groups }: Timed): number {
  const fastest = [...groups].sort((a, b) => a.seconds / a.steps - b.seconds / b.steps);
  const half = fastest.slice(0, Math.ceil(groups.length / 2));
  const total = (part: "steps" | "seconds"): number =>
    half.reduce((sum, group) => sum + group[part], 0);
  return total("seconds") / total("steps");
}

/** Time with the trace, not counted and counted, and after it. */
interface Times {
  readonly warmup: Timed;
  readonly measured: Timed;
  readonly plain: Timed;
}

interface State extends Times {
  stage: keyof Times | "done";
  programs: ReadonlyMap<string, ProgramProfile> | undefined;
}

const startState = (): State => ({
  stage: "warmup",
  warmup: notYet(),
  measured: notYet(),
  plain: notYet(),
  programs: undefined,
});

async function stopAll({ profilers }: ProfiledPhase): Promise<Map<string, ProgramProfile>> {
  const programs = new Map<string, ProgramProfile>();
  for (const [name, profiler] of profilers) programs.set(name, await profiler.stop());
  return programs;
}

/** The profile of a step from those of the programs that ran during the measured steps. */
function summarize(
  phase: string,
  programs: ReadonlyMap<string, ProgramProfile>,
  { warmup, measured, plain }: Times,
): StepProfile {
  const { steps, seconds } = measured;
  const kernels = [...programs].flatMap(([program, profile]) =>
    profile.kernels.map((kernel) => ({ ...perStep(kernel, profile, steps), program })),
  );
  const total = (part: (profile: ProgramProfile) => number): number =>
    [...programs.values()].reduce((sum, profile) => sum + part(profile), 0) / steps;
  const inKernels = kernels.reduce((sum, kernel) => sum + kernel.seconds, 0);
  const inRuns = total((profile) => profile.runSeconds * runsPerTraced(profile));
  const inCalls = total((profile) => profile.callSeconds * runsPerTraced(profile));
  const host = seconds / steps - total(({ allCallSeconds }) => allCallSeconds);
  return {
    ...{ phase, warmup: warmup.steps, steps, tracedSeconds: inCalls + host },
    ...(plain.steps === 0 ? {} : { stepSeconds: typicalSeconds(plain) }),
    parts: {
      kernels: inKernels,
      betweenKernels: inRuns - inKernels,
      feedAndFetch: inCalls - inRuns,
      host,
    },
    layers: byLayer(kernels),
    operators: byOperator(kernels),
    kernels: [...kernels]
      .sort((a, b) => b.seconds - a.seconds)
      .slice(0, mostKernels)
      .map(({ position, ...kernel }) => kernel),
  };
}

/** How many runs stand behind each one in the trace: more than 1 only where the trace was full. */
const runsPerTraced = ({ runs, tracedRuns }: ProgramProfile): number =>
  tracedRuns === 0 ? 0 : runs / tracedRuns;

function perStep(
  { name, op, layer, pass, position, shapes, calls, seconds }: PlacedKernel,
  profile: ProgramProfile,
  steps: number,
): Omit<OrderedKernel, "program"> {
  const share = runsPerTraced(profile) / steps;
  return {
    ...{ operator: op, calls: calls * share, seconds: seconds * share },
    ...{ layer, pass, position, name, shapes },
  };
}

type OrderedKernel = KernelTime & { readonly position: number };

function byLayer(kernels: readonly OrderedKernel[]): LayerTime[] {
  const layers = new Map<string, LayerTime>();
  const inOrder = [...kernels].sort((a, b) => a.position - b.position);
  for (const { layer, pass, seconds } of inOrder) {
    const before = layers.get(layer) ?? { layer, forward: 0, backward: 0, update: 0 };
    layers.set(layer, { ...before, [pass]: before[pass] + seconds });
  }
  return [...layers.values()].sort((a, b) => placeInStep(a.layer) - placeInStep(b.layer));
}

/** What is no layer stands before or after the layers. */
const placeInStep = (layer: string): number =>
  ["input", "", "loss", "output", "runtime", "optimizer"].indexOf(layer) + 1 || 2;

function byOperator(kernels: readonly KernelTime[]): OperatorTime[] {
  const operators = new Map<string, OperatorTime>();
  for (const { operator, calls, seconds } of kernels) {
    const before = operators.get(operator) ?? { operator, calls: 0, seconds: 0 };
    const sums = { calls: before.calls + calls, seconds: before.seconds + seconds };
    operators.set(operator, { operator, ...sums });
  }
  return [...operators.values()].sort((a, b) => b.seconds - a.seconds);
}
