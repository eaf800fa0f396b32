import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeNpy } from "../../src/data/npy.ts";
import { catalogue } from "../../src/methods/catalogue.ts";
import { type Invocation, invoke, lastJson, sampleData } from "./invoke.ts";

const root = mkdtempSync(join(tmpdir(), "reparam-cli-"));
const run = join(root, "run");
let trained: Invocation;

beforeAll(async () => {
  const small = ["--epochs", "3", "--hidden", "32", "--latents", "4", "--batch-size", "50"];
  const common = ["--data", sampleData, "--out", run, "--threads", "1", "--json"];
  trained = await invoke("train", "gaussian-vae", ...common, ...small);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const png = (file: string): boolean => readFileSync(file).subarray(1, 4).toString() === "PNG";

describe("train", () => {
  it("makes a run's folder with everything in it, and says where", () => {
    expect(trained.stderr).not.toMatch(/reparam:/);
    expect(trained.status).toBe(0);
    const { status, test, exports } = lastJson(trained);
    expect(status).toBe("finished");
    expect(test.samples).toBe(64);
    expect(test.metrics.negativeElbo).toBeLessThan(530);
    const files = [
      "config.json",
      "metrics.jsonl",
      "report.html",
      "decode.onnx",
      "samples/sample.png",
    ];
    for (const file of files) expect(existsSync(join(run, file)), file).toBe(true);
    for (const file of readdirSync(join(run, "samples"))) {
      expect(png(join(run, "samples", file))).toBe(true);
      expect(trained.stdout).toContain(join(run, "samples", file));
    }
    for (const { maxDifference } of exports) {
      expect(maxDifference).toBeLessThan(1e-5);
    }
    const config = JSON.parse(readFileSync(join(run, "config.json"), "utf8"));
    expect(config).toMatchObject({ seed: 0, threads: 1, epochs: 3, options: { hidden: 32 } });
    expect(config.command).toMatch(/^reparam train gaussian-vae /);
    expect(readFileSync(join(run, "report.html"), "utf8")).toContain("Latent traversal");
  });

  it("is repeated bit by bit by a run of the same settings", async () => {
    const out = join(root, "again");
    const small = ["--epochs", "3", "--hidden", "32", "--latents", "4", "--batch-size", "50"];
    const common = ["--data", sampleData, "--out", out, "--threads", "1", "--no-export"];
    await invoke("train", "gaussian-vae", ...common, ...small);
    const figures = (folder: string): unknown[] =>
      readFileSync(join(folder, "metrics.jsonl"), "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => ({ ...JSON.parse(line), seconds: 0 }));
    expect(figures(out)).toEqual(figures(run));
    expect(readdirSync(out).filter((name) => name.endsWith(".onnx"))).toEqual([]);
  });

  it("is not begun twice in one folder, but a finished run is resumed to itself", async () => {
    const twice = await invoke("train", "gaussian-vae", "--data", sampleData, "--out", run);
    expect([twice.status, twice.stderr]).toEqual([
      2,
      `reparam: ${run} is a run already. Use: reparam resume ${run}\n`,
    ]);
    const before = readFileSync(join(run, "metrics.jsonl"), "utf8").replaceAll(
      /"seconds":[\d.e-]+/g,
      "",
    );
    const resumed = await invoke("resume", run, "--json");
    expect(lastJson(resumed).test).toEqual(lastJson(trained).test);
    const after = readFileSync(join(run, "metrics.jsonl"), "utf8").replaceAll(
      /"seconds":[\d.e-]+/g,
      "",
    );
    expect(after).toBe(before);
  });
});

describe("a trained run", () => {
  it("samples, the same for the same seed", async () => {
    const draw = async (seed: string, name: string) => {
      const out = join(root, `${name}.png`);
      const npy = join(root, `${name}.npy`);
      const args = [
        "--count",
        "5",
        "--seed",
        seed,
        "--out",
        out,
        "--npy",
        npy,
        "--set",
        "temperature=0.5",
      ];
      expect((await invoke("sample", run, ...args)).status).toBe(0);
      expect(png(out)).toBe(true);
      return decodeNpy(new Uint8Array(readFileSync(npy)), npy);
    };
    const first = await draw("1", "a");
    expect(first.shape).toEqual([5, 1, 28, 28]);
    expect(await draw("1", "b")).toEqual(first);
    expect(await draw("2", "c")).not.toEqual(first);
  });

  it("encodes and decodes through files", async () => {
    const codes = join(root, "codes.npy");
    await invoke("encode", run, "--data", "test", "--out", codes);
    expect(decodeNpy(new Uint8Array(readFileSync(codes)), codes).shape).toEqual([64, 4]);
    const other = await invoke(
      "encode",
      run,
      "--data",
      sampleData,
      "--limit",
      "7",
      "--out",
      codes,
      "--json",
    );
    expect(lastJson(other).shape).toEqual([7, 4]);
    const out = join(root, "decoded.png");
    const decoded = await invoke("decode", run, "--input", codes, "--out", out, "--json");
    expect([decoded.status, lastJson(decoded).count, png(out)]).toEqual([0, 7, true]);
  });

  it("is evaluated: the importance-weighted bound is tighter", async () => {
    const { evaluate, bound } = lastJson(await invoke("eval", run, "--samples", "40", "--json"));
    expect(bound.metrics.negativeBound).toBeLessThan(evaluate.metrics.negativeElbo as number);
    expect(lastJson(trained).test.metrics).toEqual(evaluate.metrics);
  });

  it("is exported and reported anew", async () => {
    const models = join(root, "models");
    const exported = await invoke("export", run, "--out", models, "--json");
    expect(lastJson(exported).files).toHaveLength(readdirSync(models).length);
    const report = join(root, "report.html");
    await invoke("report", run, "--out", report);
    // All but the names of clipping paths, which count up within the process.
    const text = (path: string): string =>
      readFileSync(path, "utf8").replaceAll(/plot-clip-\d+/g, "");
    expect(text(report) === text(join(run, "report.html"))).toBe(true);
  });
});

describe("what needs no run", () => {
  it("list and info show every method with its options", async () => {
    const { stdout } = await invoke("list");
    for (const { name } of catalogue) {
      expect(stdout).toContain(name);
      const info = await invoke("info", name, "--json");
      const definition =
        (await catalogue.find((method) => method.name === name)?.load())?.options.shape ?? {};
      const { options } = lastJson(info);
      expect(options.map((option) => option.name)).toEqual(Object.keys(definition));
      for (const option of options) expect(option.description, option.name).not.toBe("");
    }
  });

  it("every verb has examples in its help, and help loads no runtime", async () => {
    const { stdout } = await invoke("--help");
    const verbs = [...stdout.matchAll(/^ {2}([a-z]+) (?:\[options\]|<)/gm)].map(
      ([, verb]) => verb as string,
    );
    expect(verbs).toEqual(expect.arrayContaining(["list", "train", "experiment", "doctor"]));
    for (const verb of verbs) {
      const help = await invoke(verb, "--help");
      expect(help.status).toBe(0);
      expect(help.stdout).toMatch(new RegExp(`Examples:\\n {2}reparam ${verb}`));
    }
    const method = await invoke("train", "categorical-vae", "--help");
    expect(method.stdout).toContain("--temperature-decay <number>");
  });
});
