import { promises as fs } from "node:fs";
import { join } from "node:path";
import { HeldState } from "../onnx/index.ts";
import type { Metrics } from "../step/index.ts";
import {
  leafMap,
  mapTree,
  ReparamError,
  type Tensor,
  type TensorSpec,
  type Tree,
} from "../tensor/index.ts";
import { makeFolder, readBytes, writeAtomic } from "./atomic.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

/** Where a training is: everything beside the state that the rest of it depends on. */
export interface Position {
  /** Index of the phase. */
  phase: number;
  /** Iterations of this phase that are done. */
  iteration: number;
  /** Iterations of all phases that are done. */
  step: number;
  /** Next training batch, counted across epochs. */
  cursor: number;
  /** Value of `cursor` when this phase began. */
  phaseCursor: number;
  /** Program runs of this phase: addresses the random numbers. */
  runs: number;
  /** Sums of the metrics since they were logged last. */
  interval: { count: number; sums: Record<string, number> };
  /** Metrics of every iteration of this phase, kept only for a phase with `done`. */
  history: Metrics[];
  /** Seconds spent so far by activity: compile, train, evaluate. */
  seconds: Record<string, number>;
  finished: boolean;
}

export const startPosition = (): Position => ({
  phase: 0,
  iteration: 0,
  step: 0,
  cursor: 0,
  phaseCursor: 0,
  runs: 0,
  interval: { count: 0, sums: {} },
  history: [],
  seconds: {},
  finished: false,
});

/** The state of a phase with its tree structure, and where the training is. */
export interface Checkpoint {
  readonly state: Tree<Tensor>;
  readonly position: Position;
  readonly path: string;
}

const folderOf = (run: string): string => join(run, "checkpoints");
const kept = 3;
const filePattern = /^step-(\d{8,})\.safetensors$/;

/** Names of a run's checkpoint files, newest first. */
async function checkpointFiles(run: string): Promise<string[]> {
  const names = await fs.readdir(folderOf(run)).catch(() => []);
  return names.filter((name) => filePattern.test(name)).sort((a, b) => stepOf(b) - stepOf(a));
}

const stepOf = (name: string): number => Number(filePattern.exec(name)?.[1]);

/** Writes a checkpoint and removes all but the last three. Returns its path. */
export async function saveCheckpoint(
  run: string,
  state: HeldState,
  structure: Tree<TensorSpec>,
  position: Position,
): Promise<string> {
  await makeFolder(folderOf(run));
  const name = `step-${String(position.step).padStart(8, "0")}.safetensors`;
  const path = join(folderOf(run), name);
  const metadata = {
    format: "reparam-checkpoint-1",
    position: JSON.stringify(position),
    structure: JSON.stringify(mapTree<TensorSpec, null>(structure, () => null)),
  };
  await writeAtomic(path, encodeSafetensors({ tensors: state.tensors, metadata }));
  const files = await checkpointFiles(run);
  for (const old of files.slice(kept)) await fs.rm(join(folderOf(run), old), { force: true });
  return path;
}

/** The newest checkpoint that reads without error; damaged ones are told to `warn` and passed over. */
export async function newestCheckpoint(
  run: string,
  warn: (message: string) => void = () => undefined,
): Promise<Checkpoint | undefined> {
  for (const name of await checkpointFiles(run)) {
    try {
      return await readCheckpoint(join(folderOf(run), name));
    } catch (error) {
      if (!(error instanceof ReparamError)) throw error;
      warn(error.message);
    }
  }
  return undefined;
}

/** Reads one checkpoint file. */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const { tensors, metadata } = decodeSafetensors(await readBytes(path), path);
  const { position, structure } = metadata;
  if (position === undefined || structure === undefined) {
    throw new ReparamError(`${path} is a safetensors file, but not a checkpoint of a run.`);
  }
  const state = restore(JSON.parse(structure), "", tensors, path);
  return { state, position: JSON.parse(position) as Position, path };
}

/** Puts tensors into the places of `null` in a structure. */
function restore(
  node: unknown,
  at: string,
  tensors: ReadonlyMap<string, Tensor>,
  file: string,
): Tree<Tensor> {
  if (node === null) {
    const found = tensors.get(at);
    if (found === undefined) throw new ReparamError(`${file} lacks the tensor "${at}".`);
    return found;
  }
  const below = (name: string | number): string => (at === "" ? `${name}` : `${at}.${name}`);
  if (Array.isArray(node)) return node.map((child, i) => restore(child, below(i), tensors, file));
  return Object.fromEntries(
    Object.entries(node as object).map(([name, child]) => [
      name,
      restore(child, below(name), tensors, file),
    ]),
  );
}

/** Path of the first leaf with a NaN or an infinity, if any. */
export function nonFiniteLeaf(tensors: ReadonlyMap<string, Tensor>): string | undefined {
  for (const [path, { data }] of tensors) {
    if (!(data instanceof Float32Array || data instanceof Float64Array)) continue;
    for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return path;
  }
  return undefined;
}

/** Hands a restored state to the runtime. */
export const heldState = (state: Tree<Tensor>): HeldState => new HeldState(leafMap(state));
