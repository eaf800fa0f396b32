// A prior over the tokens of a tokenizer's run, from its training to its samples, when nothing else is left.
import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { decodeNpy } from "../../src/data/npy.ts";
import { invoke, lastJson, sampleData } from "./invoke.ts";

const root = mkdtempSync(join(tmpdir(), "reparam-prior-"));
const [tokenizer, away, run] = ["tokenizer", "away", "run"].map((name) => join(root, name)) as [
  string,
  string,
  string,
];
const tiny = ["--threads", "1", "--width", "8"];
const prior = ["--layers", "1", "--heads", "2", "--checkpoint-seconds", "0", "--batch-size", "32"];

beforeAll(async () => {
  await invoke(
    ...["train", "fsq", "--data", sampleData, "--out", tokenizer, "--levels", "5,4", ...tiny],
    ...["--blocks", "0", "--steps", "4", "--no-export", "--limit", "40"],
  );
  const trained = await invoke(
    ...["train", "token-prior", "--tokenizer", tokenizer, "--conditional", "--out", run],
    ...[...tiny, ...prior, "--steps", "3", "--no-export"],
  );
  expect(trained.status, trained.stderr).toBe(0);
  // From here on neither the tokenizer's run nor its data are needed.
  renameSync(tokenizer, away);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

it("reads the tokenizer's data, as that was loaded", () => {
  const { data } = JSON.parse(readFileSync(join(run, "config.json"), "utf8"));
  expect(data).toMatchObject({ name: sampleData, limit: 40, tokenizer, samples: [40, 21, 40] });
});

it("draws images of a class from its folder alone, with the flags for tokens", async () => {
  const npy = join(root, "images.npy");
  const flags = ["--count", "5", "--top-k", "3", "--set", "label=2", "--npy", npy];
  const drawn = await invoke("sample", run, ...flags, "--temperature", "0.5");
  expect(drawn.status, drawn.stderr).toBe(0);
  const images = decodeNpy(new Uint8Array(readFileSync(npy)), npy);
  expect([images.shape, images.dtype]).toEqual([[5, 1, 28, 28], "float32"]);
});

it("goes on, is evaluated and exported without the tokenizer's run", async () => {
  expect(lastJson(await invoke("resume", run, "--no-export", "--json")).status).toBe("finished");
  const { metrics } = lastJson(await invoke("eval", run, "--json")).evaluate;
  expect(metrics.bitsPerToken).toBeCloseTo((metrics.negativeLogLikelihood as number) / Math.LN2, 4);
  const { files } = lastJson(await invoke("export", run, "--out", root, "--json"));
  expect(files.map((each) => (each as { file: string }).file)).toEqual([
    ...["sample.onnx", "next.onnx", "decode.onnx"],
  ]);
});

it("has the tokenizer's run in it, which encodes as before", async () => {
  const [before, after] = [join(root, "before.npy"), join(root, "after.npy")];
  await invoke("encode", away, "--out", before);
  const { stdout } = await invoke("encode", join(run, "autoencoder"), "--out", after);
  expect(readFileSync(after)).toEqual(readFileSync(before));
  expect(stdout).toMatch(/40 rows in .*: [\d.]+k? a second/);
});

it.each([
  [["train", "token-prior", "--data", sampleData], "wants images as tokens"],
  [["train", "token-prior", "--tokenizer", join(root, "none")], "there is no run"],
  [["sample", run, "--top-p", "0.5"], "--top-p"],
  [["sample", run, "--top-k", "21"], "topK must be integers from 0 to 20, got 21"],
  [["sample", run, "--set", "label=10"], "label must be a whole number from 0 to 9"],
])("refuses %o", async (argv, message) => {
  const { status, stderr } = await invoke(...argv);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});
