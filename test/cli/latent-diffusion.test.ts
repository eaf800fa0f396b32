// Diffusion of an autoencoder's latents, from its training to its images, when the autoencoder's run is gone.
import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { decodeNpy } from "../../src/data/npy.ts";
import { invoke, lastJson, sampleData } from "./invoke.ts";

const root = mkdtempSync(join(tmpdir(), "reparam-latent-"));
const [autoencoder, away, run] = ["vae", "away", "run"].map((name) => join(root, name)) as [
  string,
  string,
  string,
];

beforeAll(async () => {
  await invoke(
    ...["train", "gaussian-vae", "--data", sampleData, "--out", autoencoder, "--latents", "4"],
    ...["--hidden", "16", "--threads", "1", "--steps", "4", "--no-export"],
  );
  const trained = await invoke(
    ...["train", "diffusion", "--autoencoder", autoencoder, "--out", run, "--width", "16"],
    ...["--batch-size", "16", "--steps", "3", "--threads", "1", "--no-export"],
  );
  expect(trained.status, trained.stderr).toBe(0);
  renameSync(autoencoder, away);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

it("reads the autoencoder's images, and draws new ones from its folder alone", async () => {
  const { data } = JSON.parse(readFileSync(join(run, "config.json"), "utf8"));
  expect(data).toMatchObject({ name: sampleData, autoencoder });
  const npy = join(root, "images.npy");
  const drawn = await invoke("sample", run, "-n", "5", "--steps", "3", "--npy", npy);
  expect(drawn.status, drawn.stderr).toBe(0);
  expect(drawn.stdout).toMatch(/5 images in .*: [\d.]+ a second, 3 evaluations/);
  expect(decodeNpy(new Uint8Array(readFileSync(npy)), npy).shape).toEqual([5, 1, 28, 28]);
});

it("encodes images and draws latents", async () => {
  const [latents, images] = [join(root, "latents.npy"), join(root, "decoded.npy")];
  const encoded = await invoke("encode", run, "--limit", "6", "--out", latents);
  expect(encoded.status, encoded.stderr).toBe(0);
  expect(decodeNpy(new Uint8Array(readFileSync(latents)), latents).shape).toEqual([6, 4]);
  const png = join(root, "decoded.png");
  await invoke("decode", run, "--input", latents, "--npy", images, "--out", png);
  expect(decodeNpy(new Uint8Array(readFileSync(images)), images).shape).toEqual([6, 1, 28, 28]);
});

it("goes on, is evaluated, interpolates and is exported with its decoder", async () => {
  expect(lastJson(await invoke("resume", run, "--no-export", "--json")).status).toBe("finished");
  const { metrics } = lastJson(await invoke("eval", run, "--json")).evaluate;
  expect(metrics.loss).toBeGreaterThan(0);
  const flags = ["--count", "2", "--steps", "2", "--frames", "3", "--sampler", "ddim"];
  const between = await invoke("sample", run, "--interpolate", ...flags);
  expect(between.status, between.stderr).toBe(0);
  const exported = await invoke("export", run, "--out", root, "--steps", "2", "--json");
  const { files } = lastJson(exported);
  expect(files.map((each) => (each as { file: string }).file)).toEqual([
    ...["denoise.onnx", "encode.onnx", "decode.onnx", "sample.onnx"],
  ]);
});

it.each([
  [["train", "diffusion", "--autoencoder", join(root, "none")], "there is no run"],
  [["train", "diffusion", "--autoencoder", run], "diffusion makes no real latents of images"],
  [
    ["train", "diffusion", "--autoencoder", away, "--tokenizer", away],
    "--tokenizer and --autoencoder exclude each other",
  ],
  [["train", "gaussian-vae", "--autoencoder", away], "wants images"],
  [["sample", run, "--inpaint", "left"], "--inpaint is for diffusion models of data themselves"],
  [["eval", run, "--likelihood"], "has no probability flow"],
])("refuses %o", async (argv, message) => {
  const { status, stderr } = await invoke(...argv);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});
