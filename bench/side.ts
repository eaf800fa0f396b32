import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { CompileTimings } from "../src/onnx/index.ts";
import { ReparamError } from "../src/tensor/index.ts";
import type { Workload } from "./workloads.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What a side says of itself when it is ready. */
export interface Introduction {
  readonly compile?: CompileTimings;
  /** Count of trained numbers. */
  readonly parameters?: number;
  /** PyTorch: the settings it chose. */
  readonly [setting: string]: unknown;
}

export interface Round {
  /** Milliseconds of each step. */
  readonly times: readonly number[];
  /** Largest resident memory of the process so far. */
  readonly peakBytes: number;
}

/** A process that does steps of a workload when told to, and sleeps in between. */
export interface Side {
  readonly introduction: Introduction;
  readonly round: (steps: number) => Promise<Round>;
  readonly close: () => Promise<void>;
}

export const startOwn = (workload: Workload, threads: number): Promise<Side> => {
  const args = ["--import", "tsx", `${root}bench/serve.ts`, workload.name, String(threads)];
  return startSide(`reparam ${workload.name}`, process.execPath, args, {});
};

export interface Peer {
  readonly python: string;
  readonly torch: string;
}

export const startPeer = (
  { python }: Peer,
  workload: Workload,
  threads: number,
  env: Readonly<Record<string, string>>,
): Promise<Side> => {
  const [file, ...rest] = workload.peer;
  const args = [`${root}bench/peer/${file}`, ...rest, "--serve", "--threads", String(threads)];
  return startSide(`PyTorch ${workload.name}`, python, args, env);
};

/** A Python that imports torch: `REPARAM_PYTHON`, else `python3` on the path. */
export function findPeer(): Peer | undefined {
  const candidates = [process.env.REPARAM_PYTHON, "python3"];
  for (const python of candidates.filter((name) => name !== undefined && name !== "")) {
    const args = ["-c", "import torch; print(torch.__version__)"];
    const { status, stdout } = spawnSync(python as string, args, { encoding: "utf8" });
    if (status === 0) return { python: python as string, torch: stdout.trim() };
  }
  return undefined;
}

async function startSide(
  title: string,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Side> {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env } });
  const abandon = (): void => void child.kill();
  process.once("exit", abandon);
  const answers = answersOf(title, child);
  const next = async <T>(): Promise<T> => JSON.parse(await answers()) as T;
  const introduction = await next<Introduction>();
  return {
    introduction,
    round: (steps) => {
      child.stdin.write(`${steps}\n`);
      return next<Round>();
    },
    close: async () => {
      process.off("exit", abandon);
      const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
      child.stdin.end();
      await closed;
    },
  };
}

/** The lines of a process, one a call; an early end is an error with the last line it complained with. */
function answersOf(title: string, child: ChildProcessWithoutNullStreams): () => Promise<string> {
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaints = (complaints + text).slice(-4000);
  });
  // Told by the end of its output; without a listener a write to it would end this process.
  child.stdin.on("error", () => {});
  const failed = new Promise<string>((_, reject) => child.once("error", reject));
  const ended = new Promise<string>((_, reject) =>
    child.once("close", (code, signal) => {
      const lines = complaints.trim().split("\n");
      const said = lines.findLast((text) => /Error\b/.test(text)) ?? lines.at(-1);
      const line = said?.trim() || `ended with ${signal ?? `status ${code}`}`;
      reject(new ReparamError(`${title}: ${line}`));
    }),
  );
  for (const promise of [failed, ended]) promise.catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return () =>
    Promise.race([
      failed,
      lines.next().then(({ value, done }) => (done === true ? ended : (value as string))),
    ]);
}
