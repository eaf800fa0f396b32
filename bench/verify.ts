// `npm run bench -- --verify`: both sides get the same weights, batch and random numbers, and their losses are
// compared over a few steps.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createLoader } from "../src/data/loader.ts";
import { encodeSafetensors } from "../src/run/safetensors.ts";
import type { Metrics } from "../src/step/index.ts";
import { evaluateShape, ReparamError, scalar, type Tensor } from "../src/tensor/index.ts";
import { fillNoise } from "../src/trace/index.ts";
import type { Training } from "./models/samples.ts";
import type { Peer } from "./side.ts";
import { type CompiledTraining, compileTraining, parametersOf } from "./training.ts";
import type { Workload } from "./workloads.ts";

export interface Agreement {
  readonly losses: readonly Metrics[];
  readonly torch: readonly Metrics[];
  /** Largest difference of the losses of each step, relative to the loss where that is above 1. */
  readonly differences: readonly number[];
}

const steps = 3;

/** Largest difference of step 0 that counts as agreement. */
export const tolerance = 1e-4;

/** Parameters in order, the batch, and the random numbers of every step, as the peer reads them. */
function recording(
  { phase, batchSize }: Training,
  { start, programs }: CompiledTraining,
  batch: Readonly<Record<string, Tensor>>,
): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>([["steps", scalar(steps, "int32")]]);
  for (const [i, [path, tensor]] of [...parametersOf(start)].entries()) {
    tensors.set(`param:${String(i).padStart(4, "0")}:${path}`, tensor);
  }
  for (const [name, tensor] of Object.entries(batch)) tensors.set(`batch:${name}`, tensor);
  const bindings = new Map([["B", batchSize]]);
  for (const { traced } of programs.values()) {
    for (const noise of traced.noise) {
      const shape = evaluateShape(noise.value.shape, bindings);
      const name = noise.path.slice(phase.name.length + 1);
      for (let step = 0; step < steps; step++) {
        tensors.set(`noise:${step}:${name}`, fillNoise(noise, shape, { seed: 0, step }));
      }
    }
  }
  return tensors;
}

/** Runs a few steps of a workload on either side from the same numbers. */
export async function verify(
  { name, peer: [file, ...rest] }: Workload,
  training: Training,
  peer: Peer,
  threads: number,
): Promise<Agreement> {
  const compiled = await compileTraining(training, threads);
  const batch = createLoader(training.samples, { batchSize: training.batchSize }).batch(0);
  const folder = mkdtempSync(join(tmpdir(), "reparam-verify-"));
  try {
    const path = join(folder, "numbers.safetensors");
    const tensors = recording(training, compiled, batch);
    writeFileSync(path, encodeSafetensors({ tensors, metadata: {} }));
    const losses: Metrics[] = [];
    for (let i = 0; i < steps; i++) losses.push(await compiled.iterate(i, batch));
    const script = fileURLToPath(new URL(`peer/${file}`, import.meta.url));
    const args = [script, ...rest, "--threads", String(threads), "--verify", path];
    const { status, stdout, stderr } = spawnSync(peer.python, args, { encoding: "utf8" });
    if (status !== 0) {
      throw new ReparamError(`PyTorch ${name}: ${stderr.trim().split("\n").at(-1)}`);
    }
    const torch = (JSON.parse(stdout) as { losses: Metrics[] }).losses;
    return { losses, torch, differences: losses.map((own, i) => difference(own, torch[i]!)) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await Promise.all([...compiled.programs.values()].map((program) => program.release()));
  }
}

/** Over the losses that the peer names. */
const difference = (own: Metrics, other: Metrics): number =>
  Math.max(
    ...Object.entries(other).map(([name, theirs]) => {
      const ours = own[name] ?? Number.NaN;
      return Math.abs(ours - theirs) / Math.max(1, Math.abs(theirs));
    }),
  );
