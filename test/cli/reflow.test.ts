// Reflow: a flow is trained again on noise and what it makes of it, and needs nothing outside of its folder then.
import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openTrained } from "../../src/cli/runs.ts";
import type { Context } from "../../src/cli/terminal.ts";
import type { Column } from "../../src/data/index.ts";
import { compileFunction, drawPairs, readPairs } from "../../src/run/index.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import { invoke, lastJson, sampleData } from "./invoke.ts";

const root = mkdtempSync(join(tmpdir(), "reparam-reflow-"));
const [first, away, again] = ["first", "away", "again"].map((name) => join(root, name)) as [
  string,
  string,
  string,
];
const flow = ["--prediction", "flow", "--conditional", "--width", "16", "--threads", "1"];
const short = ["--batch-size", "32", "--steps", "6", "--no-export"];

beforeAll(async () => {
  const data = ["--data", "blobs", "--toy-size", "100"];
  await invoke("train", "diffusion", ...data, "--out", first, ...flow, ...short);
  const reflow = ["--reflow", first, "--pairs", "70"];
  const trained = await invoke("train", "diffusion", ...reflow, "--out", again, ...flow, ...short);
  expect(trained.status, trained.stderr).toBe(0);
  renameSync(first, away);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

it("keeps pairs that the first flow makes, classes in turn", async () => {
  const { data } = JSON.parse(readFileSync(join(again, "config.json"), "utf8"));
  expect(data).toMatchObject({ name: "blobs", reflow: first, pairs: 70, toySize: 100 });
  expect(data.samples[0]).toBe(70);
  const pairs = (await readPairs(again))?.columns ?? {};
  const { method, weights } = await openTrained(away, {
    note: () => undefined,
  } as unknown as Context);
  const sample = await compileFunction(method, "sample", weights, {
    ...{ threads: 1, options: { sampler: "heun", steps: 20 } },
  });
  const rows = ({ shape, data: numbers }: Column): Tensor =>
    ({
      dtype: numbers instanceof Int32Array ? "int32" : "float32",
      shape: [70, ...shape],
      data: numbers,
    }) as Tensor;
  const { x } = await sample.run({
    noise: rows(pairs.noise as Column),
    label: rows(pairs.label as Column),
  });
  await sample.release();
  expect(x?.data).toEqual(pairs.x?.data);
  const classes = new Set(pairs.label?.data as Int32Array).size;
  expect(Array.from(pairs.label?.data as Int32Array)).toEqual(
    Array.from({ length: 70 }, (_, i) => i % classes),
  );
});

it("goes on, is evaluated and samples without the first flow", async () => {
  expect(lastJson(await invoke("resume", again, "--no-export", "--json")).status).toBe("finished");
  const { metrics } = lastJson(await invoke("eval", again, "--json")).evaluate;
  expect(metrics.loss).toBeGreaterThan(0);
  const flags = ["--sampler", "ddim", "--steps", "1", "--count", "5"];
  expect((await invoke("sample", again, ...flags)).status).toBe(0);
});

it.each([
  [["train", "diffusion", "--reflow", join(root, "none")], "there is no run"],
  [["train", "diffusion", "--reflow", again, "--pairs", "0"], "at least 1"],
])("refuses %o", async (argv, message) => {
  const { status, stderr } = await invoke(...argv);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});

it("refuses a model without a sampler of noise", async () => {
  const vae = join(root, "vae");
  const tiny = ["--latents", "2", "--hidden", "8", "--threads", "1"];
  await invoke("train", "gaussian-vae", "--data", sampleData, "--out", vae, ...tiny, ...short);
  const { method, weights } = await openTrained(vae, {} as Context);
  await expect(drawPairs({ method, weights }, 3)).rejects.toThrow(
    "gaussian-vae does not make data of noise by a sampler",
  );
});
