// Images to tokens and back through files, and tokens that are none.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { decodeNpy, encodeNpy } from "../../src/data/npy.ts";
import { type Tensor, tensor } from "../../src/tensor/index.ts";
import { invoke, lastJson, sampleData } from "./invoke.ts";

const root = mkdtempSync(join(tmpdir(), "reparam-tokens-"));
const run = join(root, "run");
const npy = (file: string): Tensor => decodeNpy(new Uint8Array(readFileSync(file)), file);

beforeAll(async () => {
  const tiny = ["--width", "8", "--blocks", "0", "--levels", "5,4", "--threads", "1"];
  const few = ["--steps", "4", "--batch-size", "32", "--no-export"];
  await invoke("train", "fsq", "--data", sampleData, "--out", run, ...tiny, ...few);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

it("encodes to an array or to lines, and decodes both to the same images", async () => {
  const [array, lines] = [join(root, "tokens.npy"), join(root, "tokens.jsonl")];
  await invoke("encode", run, "--out", array);
  await invoke("encode", run, "--out", lines);
  const tokens = npy(array);
  expect([tokens.dtype, tokens.shape]).toEqual(["int32", [64, 7, 7]]);
  const first = JSON.parse(readFileSync(lines, "utf8").split("\n")[0] as string);
  expect(first.tokens.flat()).toEqual([...tokens.data.slice(0, 49)]);
  const images = [array, lines].map((_, i) => join(root, `images${i}.npy`));
  for (const [i, input] of [array, lines].entries()) {
    const made = ["--out", join(root, "d.png"), "--npy", images[i] as string];
    expect((await invoke("decode", run, "--input", input, ...made)).status).toBe(0);
  }
  const [a, b] = images.map(npy);
  expect(a?.shape).toEqual([64, 1, 28, 28]);
  expect(b?.data).toEqual(a?.data);
});

it("evaluates the use of the codebook by all images together", async () => {
  const { metrics } = lastJson(await invoke("eval", run, "--json")).evaluate;
  const tokens = new Set(npy(join(root, "tokens.npy")).data as Int32Array);
  expect(metrics.codebookUse).toBeCloseTo(tokens.size / 20, 10);
  expect(metrics.perplexity).toBeLessThanOrEqual(tokens.size);
});

it.each([
  ["outside.npy", [20], "tokens must be integers from 0 to 19, got 20"],
  ["negative.npy", [-1], "tokens must be integers from 0 to 19, got -1"],
  ["fraction.npy", [0.5], "element 0 is 0.5, and tokens are whole numbers"],
] as const)("refuses %s", async (name, [token], message) => {
  const file = join(root, name);
  const data = Float64Array.from({ length: 49 }, () => token);
  writeFileSync(file, encodeNpy(tensor(data, [1, 7, 7])));
  const { status, stderr } = await invoke("decode", run, "--input", file);
  expect([status, stderr.trim().split("\n").length]).toEqual([2, 1]);
  expect(stderr).toContain(message);
});

it.each([
  ["{", "line 1 is not JSON"],
  ['{"tokens":[[1,2],[3]]}', "lists of them of equal lengths"],
  ['{"latent":[1]}', "tokens must be numbers"],
])("refuses the line %s", async (line, message) => {
  const file = join(root, "bad.jsonl");
  writeFileSync(file, `${line}\n`);
  const { status, stderr } = await invoke("decode", run, "--input", file);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});
