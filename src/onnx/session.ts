import type { InferenceSession, Tensor as OrtTensor, TensorConstructor } from "onnxruntime-common";
import { ReparamError, type Tensor } from "../tensor/index.ts";
import { readTrace, type TraceContent } from "./trace-events.ts";

/**
 * What computes: the processor by native code (`cpu`, in Node), the processor by WebAssembly (`wasm`, in browsers and in
 * Node), or a graphics adapter (`webgpu`, in both).
 */
export const devices = ["cpu", "wasm", "webgpu"] as const;
export type Device = (typeof devices)[number];

const inNode =
  (globalThis as { process?: { versions?: { node?: string } } }).process?.versions?.node !==
  undefined;

/** What a session runs on if nothing is said. */
export const defaultDevice: Device = inNode ? "cpu" : "wasm";

/** What a session runs on, and how. */
export interface SessionOptions {
  /** Default `cpu` in Node, `wasm` in browsers. */
  readonly device?: Device;
  /** Threads of one operator. Results depend on it in the last digits, so runs record it. */
  readonly threads?: number;
  /** Spin while waiting for work: 14-40 % faster steps, at the price of a busy core. */
  readonly spin?: boolean;
  /** Have the runtime write down the time of every kernel; see `Session.trace`. */
  readonly profile?: boolean;
}

/** The runtime's own trace of a session, from its first run on. */
export interface SessionTrace {
  /** Runs so far are of no interest: forgets them. */
  start(): void;
  /** Ends the trace, after which the session runs at full speed, and reads it. */
  stop(): Promise<TracedRuns>;
}

/** The runs between start and stop. */
export interface TracedRuns extends TraceContent {
  /** Seconds of every call of the runtime, with feeding and fetching; more than there is room for in a trace. */
  readonly callSeconds: readonly number[];
}

/** A file that the runtime writes its trace to. */
export interface TraceFile {
  readonly prefix: string;
  lines(): AsyncIterable<string>;
  /** Deletes it. */
  close(): void;
}

/** The part of ONNX Runtime this library uses; Node and the browser offer the same. */
export interface Runtime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: TensorConstructor;
}

export interface InputSpec {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly (number | string)[];
}

/** A model loaded into ONNX Runtime. */
export interface Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** What every input takes; free axes by name. */
  readonly specs: readonly InputSpec[];
  /** Runs the model. Extra feeds are ignored; missing ones are an error. */
  run(feeds: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>>;
  /** Present in a session with the option `profile`. */
  readonly trace?: SessionTrace;
  release(): Promise<void>;
}

const loaded = new Map<"native" | "web", Promise<Runtime>>();

/** The runtime of a device, loaded once. */
function runtimeOf(device: Device, threads: number): Promise<Runtime> {
  const kind = inNode && device !== "wasm" ? "native" : "web";
  if (device === "cpu" && !inNode) {
    throw new ReparamError('device "cpu" is for Node; in a browser take "wasm" or "webgpu".');
  }
  const before = loaded.get(kind);
  if (before !== undefined) return before;
  const loading =
    kind === "native"
      ? import("./session-node.ts").then(({ loadRuntime }) => loadRuntime())
      : import("./session-web.ts").then(({ loadRuntime }) =>
          loadRuntime({ threads: inNode ? 1 : threads }),
        );
  loaded.set(kind, loading);
  return loading;
}

/** Loads an ONNX model. The outputs named `resident` stay on a graphics adapter, where the session runs on one. */
export async function createSession(
  model: Uint8Array,
  options: SessionOptions = {},
  resident: readonly string[] = [],
): Promise<Session> {
  if (options.profile === true) return createTracedSession(model, options);
  if (options.device !== "webgpu" || inNode) return wrapSession(await createRaw(model, options));
  // In Node, reading a tensor back from the adapter ends the process; results come to the host there.
  const locations = Object.fromEntries(resident.map((name) => [name, "gpu-buffer"] as const));
  return wrapSession(await createRaw(model, options, { preferredOutputLocation: locations }));
}

/** A session of the runtime, and its type of tensor. */
interface Raw {
  readonly session: InferenceSession;
  readonly RuntimeTensor: TensorConstructor;
}

async function createRaw(
  model: Uint8Array,
  options: SessionOptions,
  more: InferenceSession.SessionOptions = {},
): Promise<Raw> {
  const { device = defaultDevice, threads = 2 } = options;
  const { InferenceSession, Tensor: RuntimeTensor } = await runtimeOf(device, threads);
  const settings = { ...sessionOptions({ ...options, device }), ...more };
  return { session: await InferenceSession.create(model, settings), RuntimeTensor };
}

function wrapSession({ session, RuntimeTensor }: Raw): Session {
  const { inputNames, outputNames } = session;
  return {
    inputs: inputNames,
    outputs: outputNames,
    specs: session.inputMetadata.map((input) => ({
      name: input.name,
      dtype: input.isTensor ? input.type : "no tensor",
      shape: input.isTensor ? input.shape : [],
    })),
    run: async (feeds) => {
      const given: Record<string, OrtTensor> = {};
      for (const name of inputNames) {
        const tensor = feeds.get(name);
        if (tensor === undefined)
          throw new ReparamError(`input "${name}" of the model is missing.`);
        given[name] =
          residents.get(tensor) ?? new RuntimeTensor(tensor.dtype, tensor.data, tensor.shape);
      }
      const results = await session.run(given);
      return new Map(outputNames.map((name) => [name, tensorOf(results[name] as OrtTensor)]));
    },
    release: () => session.release(),
  };
}

/** The runtime traces a session from when it is made; its trace can be read once it has ended. */
async function createTracedSession(model: Uint8Array, options: SessionOptions): Promise<Session> {
  if ((options.device ?? defaultDevice) !== "cpu") {
    throw new ReparamError('profiles are written by the device "cpu" only.');
  }
  const { openTraceFile } = await import("./session-node.ts");
  const file = openTraceFile();
  const profiling = { enableProfiling: true, profileFilePrefix: file.prefix };
  const raw = await createRaw(model, options, profiling).catch((error: unknown) => {
    file.close();
    throw error;
  });
  const plain = wrapSession(raw);
  const callSeconds: number[] = [];
  let [skipped, tracing] = [0, true];
  const end = (): void => {
    if (tracing) raw.session.endProfiling();
    tracing = false;
  };
  return {
    ...plain,
    run: async (feeds) => {
      const start = performance.now();
      const results = await plain.run(feeds);
      callSeconds.push((performance.now() - start) / 1000);
      return results;
    },
    trace: {
      start: () => {
        skipped = callSeconds.length;
      },
      stop: async () => {
        if (!tracing) throw new ReparamError("the trace of this session has ended already.");
        end();
        const counted = callSeconds.slice(skipped);
        try {
          return { callSeconds: counted, ...(await readTrace(file.lines(), skipped)) };
        } finally {
          file.close();
        }
      },
    },
    release: async () => {
      end();
      file.close();
      await plain.release();
    },
  };
}

/** What the runtime knows the tensors by whose elements are on a graphics adapter. */
const residents = new WeakMap<Tensor, OrtTensor>();

/** A result of the CPU provider lives in host memory already; nothing is copied here. */
function tensorOf(result: OrtTensor): Tensor {
  const dtype = result.type as Tensor["dtype"];
  const shape = result.dims;
  if (result.location !== "gpu-buffer") {
    return { dtype, shape, data: result.data as Tensor["data"] } as Tensor;
  }
  const tensor = {
    dtype,
    shape,
    get data(): never {
      throw new ReparamError(
        "these numbers are on the graphics adapter. Read: await state.toHost().",
      );
    },
  };
  residents.set(tensor, result);
  return tensor;
}

/** The tensor with its elements in host memory; itself if they are there. */
export async function toHost(tensor: Tensor): Promise<Tensor> {
  const { dtype, shape } = tensor;
  const found = residents.get(tensor);
  return found === undefined
    ? tensor
    : ({ dtype, shape, data: (await found.getData()) as Tensor["data"] } as Tensor);
}

/** Whether the elements are on a graphics adapter. */
export const isResident = (tensor: Tensor): boolean => residents.has(tensor);

/** Frees the adapter's memory of a tensor, which must not be used again; nothing for one in host memory. */
export function releaseTensor(tensor: Tensor): void {
  residents.get(tensor)?.dispose();
}

const sessionOptions = ({
  device = defaultDevice,
  threads = 2,
  spin = true,
}: SessionOptions): InferenceSession.SessionOptions => ({
  executionProviders: [device],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: "sequential",
  graphOptimizationLevel: "all",
  // Patterns of memory use cost 40 % more peak memory and gain nothing measurable.
  enableMemPattern: false,
  enableCpuMemArena: true,
  logSeverityLevel: 3,
  extra: {
    session: {
      intra_op: { allow_spinning: spin ? "1" : "0" },
      // Every session has threads of its own. Spinning on after a run, they would take the cores from the
      // next program's for tens of milliseconds: a GAN's two programs in turn lost a tenth of their time.
      force_spinning_stop: "1",
    },
  },
});
