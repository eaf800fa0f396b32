// Installs the locked dependencies when they are missing or out of date. Plain JavaScript with no
// dependency: it runs on a fresh clone, before anything is installed.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The folder of package.json, with a trailing separator. */
export const root = fileURLToPath(new URL("..", import.meta.url));

function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(`${root}${path}`, "utf8")).packages ?? {};
  } catch {
    return undefined;
  }
}

/**
 * Whether node_modules holds what package-lock.json asks for. Versions are compared, not file
 * times, because a git checkout makes the lock file new without changing it.
 */
function isInstalled() {
  const wanted = packagesOf("package-lock.json");
  const present = packagesOf("node_modules/.package-lock.json");
  if (wanted === undefined || present === undefined) return false;
  return Object.entries(wanted).every(([path, { version, optional, devOptional }]) => {
    if (path === "") return true;
    const found = present[path];
    // Binaries for other platforms are locked and never installed.
    if (found === undefined) return optional === true || devOptional === true;
    return found.version === version;
  });
}

/** Runs `npm ci` without install scripts when needed; exits with status 2 when that fails. */
export function ensureInstalled() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`reparam needs Node 20.19 or newer, this is ${process.versions.node}.`);
    process.exit(2);
  }
  if (isInstalled()) return;
  console.error("Installing dependencies (npm ci) …");
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  // On Windows npm is a .cmd file, which only a shell can start.
  const shell = process.platform === "win32";
  // Standard output is kept for the command that follows.
  const { status } = spawnSync("npm", ["ci", ...flags], {
    cwd: root,
    shell,
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) {
    console.error("npm ci failed. Check that npm can reach its registry, then run it again.");
    process.exit(2);
  }
}
