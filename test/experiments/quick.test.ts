// Every experiment runs with --quick on digits that need no network, and ends with its figures as JSON.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const digits = join(root, "test/data/mnist-sample");
const experiments = (await readdir(join(root, "experiments"))).filter((f) => f.endsWith(".ts"));

async function run(file: string, cwd: string, flags: readonly string[]): Promise<string> {
  const script = join(root, "experiments", file);
  const tsx = import.meta.resolve("tsx");
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", tsx, script, ...flags],
    { cwd, env: { ...process.env, TSX_TSCONFIG_PATH: join(root, "tsconfig.json") } },
  );
  return stdout.trimEnd();
}

const sourceOf = (file: string): string => readFileSync(join(root, "experiments", file), "utf8");

/** The figures of a quick run, on digits where the experiment has data that can be chosen. */
async function figuresOf(file: string, cwd: string): Promise<{ readonly cells: object }> {
  const chosen = sourceOf(file).includes("[--data ");
  const flags = ["--quick", "--json", ...(chosen ? ["--data", digits] : [])];
  return JSON.parse((await run(file, cwd, flags)).split("\n").at(-1) ?? "");
}

const leavesOf = (value: unknown): unknown[] =>
  typeof value === "object" && value !== null ? Object.values(value).flatMap(leavesOf) : [value];

// Two at once: this file is the last one to run, when the other core has nothing left to do.
it.concurrent.each(experiments)("%s", { timeout: 120_000 }, async (file) => {
  const folder = await mkdtemp(join(tmpdir(), "reparam-experiment-"));
  try {
    const first = await figuresOf(file, folder);
    // What is not finite becomes null in JSON. Texts name what a cell is of.
    const figures = leavesOf(first.cells).filter((value) => typeof value !== "string");
    expect(figures.length).toBeGreaterThan(0);
    for (const value of figures)
      expect(typeof value === "boolean" || Number.isFinite(value)).toBe(true);
    // A second call reads what the first one left, and says the same. Most keep their cells by one function: one of
    // these stands for them, beside those that look for files themselves.
    if (file === "key-size.ts" || sourceOf(file).includes("existsSync("))
      expect(await figuresOf(file, folder)).toEqual(first);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it("--help prints what a script says of itself, and a flag that is not there is refused", async () => {
  const help = await run("norms.ts", root, ["--help"]);
  expect(help).toContain("npx tsx experiments/norms.ts [--quick] [--full]");
  await expect(run("norms.ts", root, ["--timing"])).rejects.toMatchObject({
    ...{ code: 2, stdout: "" },
    stderr: expect.stringMatching(
      /^norms\.ts: Unknown option '--timing'\. It takes --quick, --full/m,
    ),
  });
});
