import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { invoke, sampleData } from "./invoke.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "reparam-kill-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const args = (folder: string): string[] => [
  ...["train", "gaussian-vae", "--data", sampleData, "--out", folder, "--epochs", "40"],
  ...["--batch-size", "32", "--hidden", "32", "--latents", "4", "--threads", "1"],
  ...["--checkpoint-seconds", "0", "--log-every", "5", "--no-export"],
];

const figures = (folder: string): string =>
  readFileSync(join(folder, "metrics.jsonl"), "utf8").replaceAll(/"seconds":[\d.e-]+/g, "");

const newest = (folder: string): string | undefined => {
  try {
    return readdirSync(join(folder, "checkpoints"))
      .filter((name) => /^step-/.test(name))
      .sort()
      .at(-1);
  } catch {
    return undefined;
  }
};

/** Starts a command line, and waits until it has written a checkpoint, and some milliseconds more. */
async function underWay(
  folder: string,
  argv: readonly string[],
  milliseconds: number,
): Promise<ChildProcess> {
  const before = newest(folder);
  const child = spawn(process.execPath, ["--import", "tsx", main, ...argv], { stdio: "ignore" });
  while (newest(folder) === before && child.exitCode === null) await setTimeout(5);
  await setTimeout(milliseconds);
  return child;
}

const ended = (child: ChildProcess): Promise<number | NodeJS.Signals | null> =>
  new Promise((resolve) => child.on("exit", (code, signal) => resolve(code ?? signal)));

it("a run killed twice at random moments ends with the figures of one that was not", async () => {
  const whole = join(root, "whole");
  expect((await invoke(...args(whole))).status).toBe(0);
  const run = join(root, "killed");
  for (const argv of [args(run), ["resume", run, "--checkpoint-seconds", "0", "--no-export"]]) {
    const child = await underWay(run, argv, Math.random() * 200);
    const end = ended(child);
    child.kill("SIGKILL");
    expect(await end).toBe("SIGKILL");
  }
  expect(figures(run)).not.toBe(figures(whole));
  expect((await invoke("resume", run, "--no-export")).status).toBe(0);
  expect(figures(run)).toBe(figures(whole));
}, 60_000);

it("Ctrl-C finishes the step, saves, and says how to go on", async () => {
  const run = join(root, "stopped");
  const child = await underWay(run, args(run), 50);
  const end = ended(child);
  child.kill("SIGINT");
  expect(await end).toBe(130);
  expect((await invoke("resume", run, "--no-export")).status).toBe(0);
  expect(figures(run)).toBe(figures(join(root, "whole")));
}, 60_000);
