import { conv2d } from "../ops/index.ts";
import { elementCount, fillUniform, type Tensor, zeros } from "../tensor/index.ts";
import { trace } from "../trace/index.ts";
import { encodeModel } from "./encode.ts";
import { lowerProgram } from "./lower.ts";
import { createSession } from "./session.ts";

/** Blocks that ONNX Runtime's kernels are built for, by instruction set: AVX-512, and AVX2 or NEON. */
const blocks = [16, 8] as const;

let found: Promise<number> | undefined;

/**
 * Channels in a block of this processor's blocked convolution, or 0. Found by computing: nothing says which
 * block the runtime uses, and a wrong one gives wrong numbers without an error.
 */
export function blockedChannels(): Promise<number> {
  found ??= probe();
  return found;
}

async function probe(): Promise<number> {
  try {
    for (const block of blocks) {
      const [plain, blocked] = [await convolve(block, 0), await convolve(block, block)];
      const close = plain.every((y, i) => Math.abs(y - (blocked[i] as number)) < 1e-4);
      if (close) return block;
    }
  } catch {
    // A runtime without these kernels refuses the graph: the plain operator does it.
  }
  return 0;
}

/** One convolution of two blocks of channels to two, on an image too large for columns. */
async function convolve(block: number, used: number): Promise<Float32Array> {
  const channels = 2 * block;
  const example = {
    x: noise("x", [1, channels, 13, 13]),
    w: noise("w", [channels, channels, 3, 3]),
  };
  const program = trace(({ x, w }) => ({ y: conv2d(x, w, { padding: 1 }) }), example);
  const graph = lowerProgram(program, { target: "cpu", block: used });
  const session = await createSession(encodeModel(graph), { threads: 1, spin: false });
  const results = await session.run(new Map(Object.entries(example)));
  await session.release();
  return results.get("y")?.data as Float32Array;
}

function noise(path: string, shape: readonly number[]): Tensor {
  const tensor = zeros(shape);
  fillUniform(tensor.data as Float32Array, { seed: 0, step: 0, path });
  for (let i = 0; i < elementCount(shape); i++) (tensor.data[i] as number) -= 0.5;
  return tensor;
}
