// Every experiment runs with --quick on digits that need no network, and ends with its figures as JSON.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const digits = join(root, "test/data/mnist-sample");
const experiments = (await readdir(join(root, "experiments"))).filter((f) => f.endsWith(".ts"));

async function run(file: string, cwd: string): Promise<string> {
  const script = join(root, "experiments", file);
  const tsx = import.meta.resolve("tsx");
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", tsx, script, "--quick", "--json", "--data", digits],
    { cwd, env: { ...process.env, TSX_TSCONFIG_PATH: join(root, "tsconfig.json") } },
  );
  return stdout.trimEnd().split("\n").at(-1) ?? "";
}

const leavesOf = (value: unknown): unknown[] =>
  typeof value === "object" && value !== null ? Object.values(value).flatMap(leavesOf) : [value];

// Two at once: this file is the last one to run, when the other core has nothing left to do.
it.concurrent.each(experiments)("%s", { timeout: 120_000 }, async (file) => {
  const folder = await mkdtemp(join(tmpdir(), "reparam-experiment-"));
  try {
    const first = JSON.parse(await run(file, folder)) as { cells: object };
    // What is not finite becomes null in JSON. Texts name what a cell is of.
    const figures = leavesOf(first.cells).filter((value) => typeof value !== "string");
    expect(figures.length).toBeGreaterThan(0);
    for (const value of figures)
      expect(typeof value === "boolean" || Number.isFinite(value)).toBe(true);
    // A second call reads what the first one left, and says the same.
    expect(JSON.parse(await run(file, folder))).toEqual(first);
  } finally {
    await rm(folder, { recursive: true });
  }
});
