import { setTimeout } from "node:timers/promises";
import { ReparamError } from "../src/tensor/index.ts";
import { type Peer, type Round, type Side, startOwn, startPeer } from "./side.ts";
import { compareRounds, median, type Ratio, type Summary, summarize } from "./statistics.ts";
import type { Workload } from "./workloads.ts";

export interface MeasureOptions {
  readonly threads: number;
  /** Pairs of rounds. */
  readonly rounds: number;
  /** Rounds of a few steps. */
  readonly quick: boolean;
  readonly peer: Peer | undefined;
  /** Time PyTorch under torch.compile too. */
  readonly torchCompile: boolean;
}

export interface SideFigures extends Summary {
  readonly peakBytes: number;
  /** What the process said of itself: times of compilation, settings. */
  readonly [setting: string]: unknown;
}

export interface Figures {
  readonly title: string;
  readonly kind: Workload["kind"];
  readonly batch: number | undefined;
  readonly steps: number;
  readonly rounds: number;
  readonly reparam: SideFigures;
  readonly torch: SideFigures | undefined;
  /** Time of reparam over time of PyTorch. */
  readonly ratio: Ratio | undefined;
  /** Peak memory of reparam's process over that of PyTorch's. */
  readonly memoryRatio: number | undefined;
  /** A median step under torch.compile, in milliseconds, or why there is none. */
  readonly torchCompile: CompiledTime | undefined;
}

export type CompiledTime =
  | { readonly ms: number; readonly failure?: undefined }
  | { readonly failure: string };

/** Threads of either side spin for 10 to 20 ms after their last step, and then sleep. */
const settleMs = 50;

/** Times a workload and its peer in turns; only one of them works at a time. */
export async function measure(workload: Workload, options: MeasureOptions): Promise<Figures> {
  const { rounds, threads, peer, quick } = options;
  const steps = quick ? Math.ceil(workload.steps / 10) : workload.steps;
  const starting = startOwn(workload, threads);
  // Awaited below; its failure must not end this process before.
  starting.catch(() => {});
  // One after the other, because compilation is timed too.
  if (!quick) await starting;
  const other = peer && (await fastestPeer(peer, workload, threads, steps, quick));
  const own = await starting.catch(async (error: unknown) => {
    await other?.close();
    throw error;
  });
  const sides = other === undefined ? [own] : [own, other];
  try {
    checkParameters(own, other);
    for (const side of sides) await side.round(steps);
    const taken = new Map<Side, Round[]>(sides.map((side) => [side, []]));
    for (let i = 0; i < rounds; i++) {
      // Who goes first changes, lest one always find the processor as the other left it.
      for (const side of i % 2 === 0 ? sides : sides.toReversed()) {
        await setTimeout(settleMs);
        taken.get(side)?.push(await side.round(steps));
      }
    }
    const timesOf = (side: Side) => (taken.get(side) as Round[]).map(({ times }) => times);
    const figuresOf = (side: Side): SideFigures => ({
      ...summarize(timesOf(side)),
      peakBytes: (taken.get(side) as Round[]).at(-1)?.peakBytes ?? 0,
      ...side.introduction,
    });
    const { title, kind, batch } = workload;
    const [reparam, torch] = [figuresOf(own), other && figuresOf(other)];
    const compiled = options.torchCompile && peer !== undefined && kind !== "operation";
    return {
      ...{ title, kind, batch, steps, rounds, reparam, torch },
      ratio: other && compareRounds(timesOf(own), timesOf(other)),
      memoryRatio: torch && reparam.peakBytes / torch.peakBytes,
      torchCompile: compiled ? await timeCompiled(peer, workload, threads, steps) : undefined,
    };
  } finally {
    await Promise.all(sides.map((side) => side.close()));
  }
}

/** A round of PyTorch under torch.compile, after one that compiles. */
async function timeCompiled(
  peer: Peer,
  workload: Workload,
  threads: number,
  steps: number,
): Promise<CompiledTime> {
  const compiled = { ...workload, peer: [...workload.peer, "--compile"] };
  let side: Side | undefined;
  try {
    side = await startPeer(peer, compiled, threads, { OMP_WAIT_POLICY: "PASSIVE" });
    await side.round(Math.max(2, steps));
    return { ms: median((await side.round(Math.max(2, steps))).times) };
  } catch {
    return { failure: "cannot run" };
  } finally {
    await side?.close();
  }
}

/** Both sides must train equally many numbers, else they are not the same model. */
function checkParameters(own: Side, other: Side | undefined): void {
  const [ours, theirs] = [own.introduction.parameters, other?.introduction.parameters];
  if (ours !== undefined && theirs !== undefined && ours !== theirs) {
    throw new ReparamError(
      `reparam has ${ours} parameters, PyTorch ${theirs}: these are different models.`,
    );
  }
}

/**
 * PyTorch with the faster of two ways for its idle threads to wait. Spinning ones stand in the way of a
 * matrix library that brings threads of its own, sleeping ones are late for the next operation.
 */
async function fastestPeer(
  peer: Peer,
  workload: Workload,
  threads: number,
  steps: number,
  quick: boolean,
): Promise<Side> {
  if (process.env.OMP_WAIT_POLICY !== undefined) return startPeer(peer, workload, threads, {});
  const second = await startPeer(peer, workload, threads, { OMP_WAIT_POLICY: "PASSIVE" });
  if (quick) return second;
  const first = await startPeer(peer, workload, threads, {});
  const speeds: number[] = [];
  for (const side of [first, second]) {
    await side.round(steps);
    await setTimeout(settleMs);
    speeds.push(median((await side.round(steps)).times));
  }
  const [spinning, sleeping] = speeds as [number, number];
  const [kept, dropped] = sleeping < spinning ? [second, first] : [first, second];
  await dropped.close();
  const waitPolicy = kept === second ? "passive" : "default";
  return { ...kept, introduction: { ...kept.introduction, waitPolicy } };
}
