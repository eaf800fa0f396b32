// `npm test`: installs what is missing, runs vitest with the arguments given, and prints the
// count of tests alone on the last line.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureInstalled, root } from "./ensure-installed.mjs";

function readSummary(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    // Vitest ended before its reporters could speak: a broken configuration, or a kill.
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

ensureInstalled();
const folder = mkdtempSync(join(tmpdir(), "reparam-test-"));
const summaryPath = join(folder, "summary.json");
const given = process.argv.slice(2);
const reporters = given.some((arg) => arg.startsWith("--reporter")) ? [] : ["--reporter=default"];
const vitest = [
  `${root}node_modules/vitest/vitest.mjs`,
  "run",
  ...given,
  ...reporters,
  `--reporter=${root}tools/summary-reporter.mjs`,
];
const child = spawn(process.execPath, vitest, {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, REPARAM_TEST_SUMMARY: summaryPath },
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => {
  const { passed, failed, skipped } = readSummary(summaryPath);
  rmSync(folder, { recursive: true, force: true });
  if (passed + failed === 0) console.error("No test ran.");
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  process.exitCode = failed > 0 || passed === 0 ? code || 1 : (code ?? 1);
});
