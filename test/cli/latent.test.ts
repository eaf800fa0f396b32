// Moving in the latents of trained models, from the command line.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeNpy } from "../../src/data/npy.ts";
import { invoke, sampleData } from "./invoke.ts";

const root = mkdtempSync(join(tmpdir(), "reparam-latent-"));
const [style, plain] = [join(root, "style"), join(root, "plain")];
const sizes = ["--latents", "6", "--steps", "4", "--batch-size", "8", "--threads", "1"];
const common = ["--data", sampleData, ...sizes, "--no-export"];

beforeAll(async () => {
  const kinds = ["--architecture", "style", "--no-growing", "--width", "2", "--conditional"];
  await invoke("train", "gan", ...common, ...kinds, "--out", style);
  await invoke("train", "gaussian-vae", ...common, "--hidden", "16", "--out", plain);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const latent = async (...argv: string[]) => {
  const out = join(root, "out.png");
  rmSync(out, { force: true });
  const done = await invoke("latent", ...argv, "--out", out, "--json");
  if (done.status !== 0) return { error: done.stderr, figures: {} as Record<string, never> };
  expect(existsSync(out)).toBe(true);
  const figures = JSON.parse(done.stdout.trimEnd().split("\n").at(-1) as string);
  return { error: undefined, figures };
};

describe("of a style-based generator, told the class", () => {
  it.each([
    [["interpolate", "--count", "2", "--columns", "5"], 10, 5],
    [["interpolate", "--count", "2", "--columns", "5", "--space", "z"], 10, 5],
    [["classes", "--count", "3"], 30, 10],
    [["truncation", "--truncations", "0,1", "--columns", "4"], 8, 4],
    // A corner and 4 that give, then 1 + 4 for each of three groups.
    [["mix", "--count", "3", "--columns", "4"], 20, 5],
    [["directions", "--count", "2", "--columns", "3"], 6, 3],
  ])("%j", async ([what = "", ...flags], images, columns) => {
    const { figures, error } = await latent(what, style, ...flags);
    expect(error).toBeUndefined();
    expect([figures.images, figures.columns]).toEqual([images, columns]);
  });

  it("projects an image, better with a style for each layer and more steps", async () => {
    const npy = join(root, "found.npy");
    const errorOf = async (...flags: string[]): Promise<number> =>
      (await latent("project", style, "--test", "3", ...flags)).figures.squaredError;
    const few = await errorOf("--steps", "1");
    const many = await errorOf("--steps", "40", "--npy", npy);
    const each = await errorOf("--steps", "40", "--layers", "each");
    expect(many).toBeLessThan(few);
    expect(each).toBeLessThan(many);
    expect(decodeNpy(new Uint8Array(readFileSync(npy)), npy).shape).toEqual([1, 1, 6]);
  });
});

describe("of an autoencoder", () => {
  it("interpolates and projects in z", async () => {
    expect((await latent("interpolate", plain)).figures.images).toBe(54);
    const { figures } = await latent("project", plain, "--test", "0", "--steps", "5");
    expect(figures.space).toBe("z");
  });

  it.each([
    [["mix"], "mixing is of styles"],
    [["directions"], "no direction is more than another"],
    [["interpolate", "--space", "w"], "no styles here"],
    [["classes"], "--conditional"],
    [["truncation"], "no knob"],
    [["project"], "one image"],
    [["project", "--test", "100000"], "test images"],
    [["wander"], "one of interpolate"],
  ])("refuses %j", async ([what = "", ...flags], reason) => {
    expect((await latent(what, plain, ...flags)).error).toContain(reason);
  });
});
