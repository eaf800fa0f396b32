import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { Command } from "commander";
import { formatBytes } from "../report/table.ts";
import type { Tensor, Tree } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import type { Context } from "./terminal.ts";
import { defaultThreads } from "./train.ts";
import { addVerb, integerOption } from "./verb.ts";

export const addDoctorVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "doctor",
    description: "Checks this installation: versions, the runtime's speed, the cache, the disk.",
    examples: ["doctor", "doctor --threads 4 --json"],
    options: [integerOption("--threads <n>", "threads of one operator").default(defaultThreads())],
    action: async (_args, flags, { say }) => {
      const { machine, versions } = await import("../run/index.ts");
      const { cacheFolder, listDatasets } = await import("../data/index.ts");
      const threads = flags.threads as number;
      const found = versions();
      for (const [part, version] of Object.entries(found)) say(`${part} ${version}`);
      say(machine());
      const speed = await measureSpeed(threads);
      say(`matrix product 1024³: ${speed.matrixProduct.toFixed(1)} GFLOP/s on ${threads} threads`);
      say(`3×3 convolution 64×32×28×28: ${speed.convolution.toFixed(1)} GFLOP/s`);
      const cache = cacheFolder();
      const cached = (await listDatasets()).filter((set) => set.cached).map(({ name }) => name);
      say(`cache ${cache}: ${cached.length === 0 ? "empty" : cached.join(", ")}`);
      const freeBytes = await freeSpace(cache);
      say(`free on its disk: ${formatBytes(freeBytes)}`);
      return {
        versions: found,
        machine: machine(),
        threads,
        gflops: speed,
        cache,
        cached,
        freeBytes,
      };
    },
  });

/** Free bytes of the disk that a folder is on, or would be. */
async function freeSpace(folder: string): Promise<number> {
  let at = folder;
  while (true) {
    const stats = await statfs(at).catch(() => undefined);
    if (stats !== undefined) return stats.bavail * stats.bsize;
    if (at === dirname(at)) return 0;
    at = dirname(at);
  }
}

/** GFLOP/s of the two operations that trainings spend their time in. */
async function measureSpeed(
  threads: number,
): Promise<{ readonly matrixProduct: number; readonly convolution: number }> {
  const { conv2d, matmul } = await import("../ops/index.ts");
  const matrixProduct = await gflops(
    threads,
    [
      [1024, 1024],
      [1024, 1024],
    ],
    2 * 1024 ** 3,
    matmul,
  );
  const shapes = [
    [64, 32, 28, 28],
    [32, 32, 3, 3],
  ];
  const flops = 2 * 64 * 28 * 28 * 32 * 32 * 9;
  const convolution = await gflops(threads, shapes, flops, (x, w) => conv2d(x, w, { padding: 1 }));
  return { matrixProduct, convolution };
}

async function gflops(
  threads: number,
  shapes: readonly (readonly number[])[],
  flops: number,
  build: (a: Value, b: Value) => Value,
): Promise<number> {
  const { compile } = await import("../onnx/index.ts");
  const { zeros } = await import("../tensor/index.ts");
  const [a, b] = shapes.map((shape) => zeros(shape)) as [Tensor, Tensor];
  // One number comes back, so that fetching the result is not what is timed.
  const { slice } = await import("../ops/index.ts");
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
  for (let i = 0; i < 8; i++) {
    const start = performance.now();
    await program.run(inputs);
    best = Math.min(best, (performance.now() - start) / 1000);
  }
  await program.release();
  return flops / best / 1e9;
}
