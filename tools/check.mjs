// `npm run check`: everything that must hold before a commit, in the order of cost; stops at the
// first failure.
import { spawnSync } from "node:child_process";
import { ensureInstalled, root } from "./ensure-installed.mjs";

// Biome's ci colours even a log file.
const colors = process.stdout.isTTY ? [] : ["--colors=off"];
const steps = [
  ["format and lint", "npx", "biome", "ci", "--error-on-warnings", ...colors, "."],
  ["types", "npm", "run", "--silent", "types"],
  ["unused files, exports and dependencies", "npx", "knip"],
  ["build", "npm", "run", "--silent", "build"],
  ["package", "npx", "publint", "--strict"],
  ["tests", "npm", "test", "--silent"],
];

ensureInstalled();
for (const [title, command, ...args] of steps) {
  console.log(`\n── ${title}: ${[command, ...args].join(" ")}`);
  const start = performance.now();
  const shell = process.platform === "win32";
  // The registry must not be asked for a tool that is missing.
  const env = { ...process.env, npm_config_yes: "false", npm_config_loglevel: "error" };
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit", shell, env });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (status !== 0) {
    console.error(`── ${title}: failed after ${seconds} s`);
    process.exit(1);
  }
  // After the tests nothing more is printed: their count stays the last line.
  if (title !== "tests") console.log(`── ${title}: ok, ${seconds} s`);
}
