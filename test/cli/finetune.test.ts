// A file trained on from the command line, killed files refused, and what inspect says.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Option } from "commander";
import { afterAll, describe, expect, it } from "vitest";
import { dataFlags } from "../../src/cli/data-flags.ts";
import { readerOf } from "../../src/cli/encoded-images.ts";
import { externalData } from "../../src/run/imported-model.ts";
import { keepModel, openKeptModel, openModel } from "../../src/run/index.ts";
import { invoke } from "./invoke.ts";

const root = new URL("../..", import.meta.url).pathname;
const digits = join(root, "test/data/mnist-sample");
const model = join(root, "assets/features/mnist.onnx");
const folder = mkdtempSync(join(tmpdir(), "reparam-finetune-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("reparam finetune", () => {
  it("trains, keeps the model in the run, goes on, and exports with the interface of the file", async () => {
    const run = join(folder, "run");
    const settings = ["--output", "logits", "--threads", "1", "--out", run];
    const trained = await invoke("finetune", model, "--data", digits, "--steps", "3", ...settings);
    expect(trained.status, trained.stderr).toBe(0);
    expect(existsSync(join(run, "model/model.onnx"))).toBe(true);
    const exported = await openModel(join(run, "predict.onnx"));
    const original = await openModel(model);
    expect([original.path, original.beside]).toEqual([model, []]);
    expect(exported.inputs).toEqual(original.inputs);
    expect(Object.keys(exported.outputs)).toEqual(["logits"]);
    expect(exported.metadata.preprocessing).toBe(original.metadata.preprocessing);
    const resumed = await invoke("eval", run, "--json");
    expect(resumed.status, resumed.stderr).toBe(0);
  });

  it("refuses a file that is no model in one line, and leaves nothing", async () => {
    const path = join(folder, "broken.onnx");
    writeFileSync(path, readFileSync(model).subarray(0, 5000));
    const run = join(folder, "none");
    const result = await invoke("finetune", path, "--data", digits, "--out", run);
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/not a whole ONNX file/);
    expect(existsSync(run)).toBe(false);
  });
});

describe("--tokenizer", () => {
  const flag = () => dataFlags().find(({ long }) => long === "--tokenizer") as Option;

  it("is a kind of tokenizer before a folder of that name, and a path where there is none", () => {
    const before = process.cwd();
    process.chdir(folder);
    try {
      for (const name of ["words", "mine"]) {
        mkdirSync(name);
        writeFileSync(join(name, "config.json"), "{}");
      }
      const read = (text: string): unknown => flag().parseArg?.(text, undefined as never);
      expect(read("words")).toBe("words");
      expect(read("./words")).toBe(resolve("words"));
      expect(read("mine")).toBe(resolve("mine"));
      expect(read("none")).toBe("none");
      const readers = ["words", "mine"].map((tokenizer) => readerOf({ name: "x", tokenizer }));
      expect(readers).toEqual([undefined, "mine"]);
    } finally {
      process.chdir(before);
    }
  });
});

describe("reparam inspect", () => {
  it("lists inputs, outputs and layers with their weights", async () => {
    const { status, stdout, stderr } = await invoke("inspect", model, "--json");
    expect(status, stderr).toBe(0);
    expect(stdout).toContain("uint8[B, 1, 28, 28]");
    const figures = JSON.parse(stdout.trim().split("\n").at(-1) as string) as {
      parameters: number;
      operations: number;
      layers: { layer: string; parameters: number; operations: number }[];
    };
    // 3×3 convolutions 1-16-32-64 at 28, 14 and 7 pixels, two operations a product.
    const convolutions = [
      [28, 1, 16],
      [14, 16, 32],
      [7, 32, 64],
    ].map(
      ([side, inputs, outputs]) =>
        2 * 9 * (side as number) ** 2 * (inputs as number) * (outputs as number),
    );
    const found = figures.layers.filter(({ layer }) => layer.endsWith(".conv"));
    expect(found.map(({ operations }) => operations)).toEqual(convolutions);
    expect(figures.layers.reduce((sum, { parameters }) => sum + parameters, 0)).toBe(
      figures.parameters,
    );
  });
});

describe("weights in other files", () => {
  it("are named when the model is read, and kept in a run beside it", async () => {
    const opened = await openModel(join(root, "test/golden/imported/perceptron-beside.onnx"));
    const whole = await openModel(join(root, "test/golden/imported/perceptron.onnx"));
    expect(opened.weights).toEqual(whole.weights);
    expect([opened.beside, whole.beside]).toEqual([["perceptron-beside.bin"], []]);
    const run = join(folder, "kept");
    await keepModel(run, opened);
    const kept = await openKeptModel(run);
    expect(kept?.weights).toEqual(whole.weights);
    expect(readdirSync(join(run, "model")).sort()).toEqual(["model.onnx", "perceptron-beside.bin"]);
  });

  writeFileSync(join(folder, "weights.bin"), Uint8Array.of(1, 2, 3, 4));
  writeFileSync(join(tmpdir(), "reparam-outside.bin"), Uint8Array.of(9));
  const read = externalData(folder);

  it("are read by offset and length", () => {
    expect([...read("weights.bin", 1, 2)]).toEqual([2, 3]);
  });

  it.each(["../reparam-outside.bin", "/etc/hostname", "", "sub/../../reparam-outside.bin"])(
    "are not looked for at %j",
    (location) => {
      expect(() => read(location, 0, 1)).toThrow(/not in the model's folder|missing/);
    },
  );

  it("are not followed through a link out of the folder, nor beyond their end", () => {
    symlinkSync(join(tmpdir(), "reparam-outside.bin"), join(folder, "link.bin"));
    expect(() => read("link.bin", 0, 1)).toThrow(/not in the model's folder/);
    expect(() => read("weights.bin", 2, 2 ** 40)).toThrow(/has 4 bytes/);
    rmSync(join(tmpdir(), "reparam-outside.bin"));
  });
});
