// Forward passes of models whose weights are constants of the graph, as they are in an exported file.
import { type CompileTimings, compile } from "../src/onnx/index.ts";
import { argMax, cast, constant, reshape, slice } from "../src/ops/index.ts";
import {
  dim,
  fillNormal,
  fillUniform,
  leaves,
  mapTree,
  spec,
  type Tensor,
  type Tree,
  tensorOf,
  zeros,
} from "../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../src/trace/index.ts";
import { initGpt, logitsOf, sizes } from "./models/gpt.ts";
import { initUNet, predictNoise } from "./models/unet.ts";
import { countElements } from "./training.ts";
import type { Running } from "./workloads.ts";

/** Weights on the host, and a function that puts them into a graph. */
function frozen<M>(init: (key: Key) => M): { count: number; model: () => M } {
  const build = (): Tree<Value> => init(new Key("init")) as Tree<Value>;
  const weights = evaluate(trace(build, {}), {}) as Tree<Tensor>;
  return {
    count: countElements(leaves(weights)),
    model: () => mapTree<Tensor, Value>(weights, (leaf) => constant(leaf)) as M,
  };
}

/** The noise of a batch of images and times. */
export async function unetForward(batchSize: number, threads: number): Promise<Running> {
  const { count, model } = frozen(initUNet);
  const B = dim("B");
  const program = await compile(
    ({ x, times }) => ({ noise: predictNoise(model(), x, times) }),
    { x: spec("float32", [B, 3, 32, 32]), times: spec("float32", [B]) },
    { threads },
  );
  const [x, times] = [zeros([batchSize, 3, 32, 32]), zeros([batchSize])];
  fillNormal(x.data as Float32Array, { seed: 0, step: 0, path: "x" });
  fillUniform(times.data as Float32Array, { seed: 0, step: 0, path: "times" });
  return {
    timings: program.timings,
    parameters: count,
    step: () => program.run({ x, times }),
  };
}

type HostCache = { readonly keys: Tensor; readonly values: Tensor };

const promptLength = 64;

/**
 * The likeliest tokens after a prompt of 64, up to the end of the context: the prompt at once, then a token
 * a run. Caches go out of one run into the next; their length is free.
 */
export async function gptGeneration(threads: number): Promise<Running> {
  const { layers, features, heads, context, vocabulary } = sizes;
  const { count, model } = frozen(initGpt);
  const past = spec("float32", [1, heads, dim("S"), features / heads]);
  const program = await compile(
    ({ tokens, caches }) => {
      const { logits, caches: next } = logitsOf(model(), tokens, { caches });
      const last = reshape(slice(logits, 1, -1), [1, vocabulary]);
      return { token: reshape(cast(argMax(last, -1), "int32"), [1, 1]), caches: next };
    },
    {
      tokens: spec("int32", [1, dim("T")]),
      caches: Array.from({ length: layers }, () => ({ keys: past, values: past })),
    },
    { threads },
  );
  const prompt = tensorOf(
    Array.from({ length: promptLength }, (_, i) => (7 * i) % vocabulary),
    [1, promptLength],
    "int32",
  );
  const none = zeros([1, heads, 0, features / heads]);
  return {
    timings: program.timings as CompileTimings,
    parameters: count,
    step: async () => {
      let tokens: Tensor = prompt;
      let caches: readonly HostCache[] = Array.from({ length: layers }, () => ({
        keys: none,
        values: none,
      }));
      const written: number[] = [];
      for (let at = promptLength; at < context; at++) {
        const result = await program.run({ tokens, caches: caches as unknown as Tree<Tensor> });
        tokens = result.token;
        caches = result.caches as unknown as readonly HostCache[];
        written.push(Number(tokens.data[0]));
      }
      return written;
    },
  };
}
