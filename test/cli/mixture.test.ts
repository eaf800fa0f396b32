// A table with text and empty cells, from the command line to parameters, responsibilities and pictures.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeSafetensors } from "../../src/run/index.ts";
import { fillNormal } from "../../src/tensor/index.ts";
import { type Invocation, invoke } from "./invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "reparam-mixture-"));
const [table, run] = [join(folder, "birds.csv"), join(folder, "run")];
const common = ["--threads", "1", "--no-export", "--reg-covar", "0"];
let trained: Invocation;

/** 90 rows of three kinds: a text column, and every ninth bill without its length. */
function birds(): string {
  const noise = new Float64Array(180);
  fillNormal(noise, { seed: 1, step: 0, path: "birds" });
  const rows = Array.from({ length: 90 }, (_, i) => {
    const bill = 10 * (i % 3) + (noise[2 * i] as number);
    const mass = 4 * ((i + 1) % 3) + (noise[2 * i + 1] as number);
    return `${i % 9 === 0 ? "" : bill},${mass},"kind, ${i % 3}"`;
  });
  return `bill (mm),mass,species\n${rows.join("\n")}\n`;
}

beforeAll(async () => {
  writeFileSync(table, birds());
  const flags = ["--data", table, "--ignore-columns", "species", "--out", run];
  trained = await invoke("train", "gaussian-mixture", ...flags, ...common);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (file: string): string => readFileSync(join(run, file), "utf8");
const linesOf = (text: string): string[] => text.trimEnd().split("\n");
const lossesOf = (path: string): number[] =>
  linesOf(readFileSync(join(path, "metrics.jsonl"), "utf8"))
    .map((line) => JSON.parse(line))
    .filter(({ kind }) => kind === "train")
    .map(({ metrics }) => metrics.loss);

describe("train gaussian-mixture", () => {
  it("refuses text by column and line, and says which flags leave it out", async () => {
    const { status, stderr } = await invoke("train", "gaussian-mixture", "--data", table);
    expect(status).toBe(2);
    expect(stderr).toMatch(/species \("kind, 0", line 2\).*--ignore-columns species/);
  });

  it("logs every iteration, and says how it ended", () => {
    expect([trained.status, trained.stderr]).toEqual([0, expect.stringContaining("birds.csv")]);
    const losses = lossesOf(run);
    expect(losses.length).toBeGreaterThan(2);
    expect(trained.stdout).toContain(`Converged after ${losses.length} iterations.`);
    expect(trained.stdout).toMatch(/AIC [\d.]+, BIC [\d.]+/);
    expect(trained.stdout).not.toContain("regularisation");
  });

  it("writes the parameters twice, with the names of the features", () => {
    const json = JSON.parse(read("parameters.json"));
    expect(json.features).toEqual(["bill (mm)", "mass"]);
    expect([json.means.length, json.covariances[2].length]).toEqual([3, 2]);
    const path = join(run, "parameters.safetensors");
    const { tensors, metadata } = decodeSafetensors(new Uint8Array(readFileSync(path)), path);
    expect(metadata.features).toBe('["bill (mm)","mass"]');
    for (const name of ["weights", "means", "covariances"]) {
      expect(Array.from(tensors.get(name)?.data as Float64Array)).toEqual(
        json[name].flat(Number.POSITIVE_INFINITY),
      );
    }
  });

  it("writes the responsibilities of every row, empty cells as they were", () => {
    const [head, ...rows] = linesOf(read("responsibilities.csv")).map((line) => line.split(","));
    expect(head?.join()).toBe(
      "split,bill (mm),mass,component,component 0,component 1,component 2,logDensity",
    );
    expect(rows.length).toBe(90);
    expect(rows.filter(([, bill]) => bill === "").length).toBe(10);
    for (const [, , , component, ...rest] of rows) {
      const shares = rest.slice(0, 3).map(Number);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
      expect(shares[Number(component)]).toBe(Math.max(...shares));
    }
  });

  it("draws the components and the convergence, into the report as well", () => {
    for (const picture of ["components", "convergence"]) {
      const file = join(run, `samples/${picture}.png`);
      expect(existsSync(file) && readFileSync(file).subarray(1, 4).toString()).toBe("PNG");
    }
    const report = read("report.html");
    expect(report).toContain("<h3>Components</h3>");
    expect(report).toContain("Converged after");
  });

  it("goes on from the parameters of another run, where it stood", async () => {
    const next = join(folder, "next");
    const start = ["--parameters", `@${join(run, "parameters.json")}`, "--steps", "2"];
    const flags = ["--data", table, "--ignore-columns", "species", "--out", next];
    const { status } = await invoke("train", "gaussian-mixture", ...flags, ...common, ...start);
    expect(status).toBe(0);
    const [before, after] = [lossesOf(run).at(-1) as number, lossesOf(next)[0] as number];
    expect(after).toBeLessThanOrEqual(before + 1e-12);
    expect(before - after).toBeLessThan(1e-5);
  });

  it("names regularisation where the likelihood falls by it", async () => {
    const out = join(folder, "regularised");
    const start = ["--parameters", `@${join(run, "parameters.json")}`, "--steps", "2"];
    const flags = ["--data", table, "--ignore-columns", "species", "--out", out, "--no-export"];
    const { stdout } = await invoke(
      "train",
      "gaussian-mixture",
      ...flags,
      ...start,
      "--reg-covar",
      "2",
    );
    expect(stdout).toMatch(
      /The likelihood fell in 1 of 2 iterations.*That is regularisation.*regCovar/,
    );
    const losses = lossesOf(out);
    expect(losses[1]).toBeGreaterThan(losses[0] as number);
  });

  it("says that a file of parameters is not there, or not parameters", async () => {
    const flags = ["--data", table, "--ignore-columns", "species"];
    const missing = await invoke("train", "gaussian-mixture", ...flags, "--parameters", "@no.json");
    expect(missing.stderr).toMatch(/no\.json cannot be read: ENOENT/);
    const wrong = await invoke(
      "train",
      "gaussian-mixture",
      ...flags,
      "--parameters",
      '{"weights": [1]}',
    );
    expect(wrong.stderr).toMatch(/given weights must be \[3\] finite numbers, got 1 of them/);
  });
});

it("encodes the rows of a table in their order, as CSV", async () => {
  const out = join(folder, "all.csv");
  const { stderr, status } = await invoke("encode", run, "--data", table, "--out", out);
  expect([status, stderr]).toEqual([0, ""]);
  const [head, ...rows] = linesOf(readFileSync(out, "utf8")).map((line) => line.split(","));
  expect(head).toEqual(["latent 0", "latent 1", "latent 2", "logDensity"]);
  // The kinds take turns in the file: each has a component of its own.
  const best = rows.map((row) => row.indexOf(String(Math.max(...row.slice(0, 3).map(Number)))));
  expect(new Set(best.slice(0, 3)).size).toBe(3);
  expect(best.every((component, i) => component === best[i % 3])).toBe(true);
});
