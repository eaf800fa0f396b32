// Runs a TypeScript file of this repository through tsx, with nothing built beforehand.
import { spawn } from "node:child_process";
import { ensureInstalled, root } from "./ensure-installed.mjs";

/**
 * Runs `entry` (relative to the repository) with the arguments of this process and ends as it ends.
 * A process of its own, so that `process.argv` and worker threads are those of a plain `node entry`.
 */
export function runSource(entry) {
  ensureInstalled();
  const args = ["--import", "tsx", `${root}${entry}`, ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { stdio: "inherit", cwd: root });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => child.kill(signal));
  }
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
