import { readFile, statfs } from "node:fs/promises";
import { availableParallelism, cpus, freemem, loadavg, totalmem } from "node:os";
import { dirname } from "node:path";
import { formatBytes } from "../report/table.ts";

/** What a machine offers to a training. */
export interface MachineFacts {
  /** Cores of the machine, and those that this process may use. */
  readonly cores: number;
  readonly usableCores: number;
  readonly memoryBytes: number;
  /** Memory that can be had without swapping. */
  readonly freeMemoryBytes: number;
  /** Processes that ran or waited to run in the last minute, on average. */
  readonly load: number;
  /** Vector instructions that the runtime's kernels use; undefined where the system does not tell. */
  readonly instructions: readonly string[] | undefined;
}

const knownInstructions = ["avx", "avx2", "fma", "avx512f", "avx512_vnni", "amx_tile", "asimd"];

/** Looks at the machine; takes no time. */
export async function machineFacts(): Promise<MachineFacts> {
  const [info, memory] = await Promise.all([
    readFile("/proc/cpuinfo", "utf8").catch(() => undefined),
    readFile("/proc/meminfo", "utf8").catch(() => ""),
  ]);
  const available = /^MemAvailable:\s*(\d+) kB/m.exec(memory)?.[1];
  return {
    cores: cpus().length,
    usableCores: availableParallelism(),
    memoryBytes: totalmem(),
    freeMemoryBytes: available === undefined ? freemem() : Number(available) * 1024,
    load: loadavg()[0] as number,
    instructions: info === undefined ? undefined : instructionsIn(info),
  };
}

/** The vector instructions that a /proc/cpuinfo lists. */
function instructionsIn(info: string): readonly string[] | undefined {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(info)?.[1];
  if (line === undefined) return undefined;
  const flags = new Set(line.trim().split(/\s+/));
  return knownInstructions.filter((name) => flags.has(name));
}

/** Free bytes of the disk that a folder is on, or would be. */
export async function freeSpace(folder: string): Promise<number> {
  let at = folder;
  while (true) {
    const stats = await statfs(at).catch(() => undefined);
    if (stats !== undefined) return stats.bavail * stats.bsize;
    if (at === dirname(at)) return 0;
    at = dirname(at);
  }
}

/** What to change about a machine or a command line, one sentence each. */
export function adviceFor(
  facts: MachineFacts,
  { threads, freeDiskBytes }: { readonly threads: number; readonly freeDiskBytes: number },
): readonly string[] {
  const { cores, usableCores, freeMemoryBytes, load, instructions } = facts;
  const advice: string[] = [];
  if (threads > usableCores) {
    advice.push(
      `${threads} threads share ${usableCores} usable cores and wait for each other. Use --threads ${usableCores}.`,
    );
  } else if (usableCores === 1) {
    advice.push("only 1 core is usable: expect half the speed of two.");
  } else if (threads < usableCores) {
    advice.push(
      `${threads} of ${usableCores} usable cores are in use. --threads ${usableCores} may be faster; numbers change in their last digits.`,
    );
  }
  if (usableCores < cores) {
    advice.push(`this process may use ${usableCores} of the machine's ${cores} cores.`);
  }
  if (instructions !== undefined && !instructions.some((name) => /^avx2$|^asimd$/.test(name))) {
    advice.push(
      "the processor has no AVX2: matrix products are several times slower than with it.",
    );
  }
  if (load > usableCores * 0.75) {
    advice.push(
      `the machine is busy (load ${load.toFixed(1)}): the figures here, and trainings, are slower than they could be.`,
    );
  }
  if (freeMemoryBytes < 2e9) {
    advice.push(
      `only ${formatBytes(freeMemoryBytes)} of memory are free. Smaller batches need less.`,
    );
  }
  if (freeDiskBytes < 1e9) {
    advice.push(`only ${formatBytes(freeDiskBytes)} are free on the disk of the data sets.`);
  }
  return advice;
}
