import type { Tensor, Tree } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";

/** What the runtime reaches on this machine. */
export interface Speed {
  /** GFLOP/s of a matrix product 1024³. */
  readonly matrixProduct: number;
  /** GFLOP/s of a 3×3 convolution of 64×32×28×28 to 32 channels. */
  readonly convolution: number;
  /** GB/s that a sum of two vectors of 16M numbers reads and writes. */
  readonly memory: number;
}

/** Best of this many runs. */
const rounds = 8;

/** Times the operations that trainings spend their time in. Takes about a second. */
export async function measureSpeed(threads: number): Promise<Speed> {
  const { conv2d, matmul } = await import("../ops/index.ts");
  const side = 1024;
  const square = [side, side];
  const product = await fastest(threads, [square, square], matmul);
  const images = [64, 32, 28, 28];
  const convolution = await fastest(threads, [images, [32, 32, 3, 3]], (x, w) =>
    conv2d(x, w, { padding: 1 }),
  );
  const length = 2 ** 24;
  const sum = await fastest(threads, [[length], [length]], (a, b) => a.add(b));
  return {
    matrixProduct: (2 * side ** 3) / product / 1e9,
    convolution: (2 * 64 * 28 * 28 * 32 * 32 * 9) / convolution / 1e9,
    memory: (3 * 4 * length) / sum / 1e9,
  };
}

/** Seconds of the fastest run of `build` on two tensors of ones. */
async function fastest(
  threads: number,
  shapes: readonly (readonly number[])[],
  build: (a: Value, b: Value) => Value,
): Promise<number> {
  const { compile } = await import("../onnx/index.ts");
  const { zeros } = await import("../tensor/index.ts");
  const { slice } = await import("../ops/index.ts");
  // Memory that was never written has no place yet, and reads faster than it will.
  const ones = shapes.map((shape) => {
    const tensor = zeros(shape);
    tensor.data.fill(1 as never);
    return tensor;
  });
  const [a, b] = ones as [Tensor, Tensor];
  // One number comes back, so that fetching the result is not what is timed.
  const program = await compile<{ a: Tensor; b: Tensor }, { y: Value }>(
    (inputs) => {
      const { a: x, b: y } = inputs as unknown as { a: Value; b: Value };
      return { y: slice(build(x, y), 0, 0, 1) };
    },
    { a, b },
    { threads },
  );
  const inputs = { a, b } as Readonly<Record<string, Tree<Tensor>>>;
  await program.run(inputs);
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await program.run(inputs);
    best = Math.min(best, (performance.now() - start) / 1000);
  }
  await program.release();
  return best;
}
