// `eval` on sets of samples: what it says stands beside each figure, and what it refuses.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeNpy } from "../../src/data/index.ts";
import { encodePng } from "../../src/report/index.ts";
import { tensor } from "../../src/tensor/index.ts";
import { invoke, sampleData } from "./invoke.ts";

const root = mkdtempSync(join(tmpdir(), "reparam-eval-"));
const points = join(root, "points");
const digits = join(root, "digits");
const tiny = ["--width", "4", "--latents", "3", "--batch-size", "16", "--threads", "1"];

interface Compared {
  readonly real: { readonly samples: number };
  readonly fake: { readonly samples: number; readonly seed?: number };
  readonly features: { readonly name: string; readonly sha256?: string; readonly size: number };
  readonly figures: Readonly<Record<string, number>>;
}

const json = <T>(stdout: string): T => JSON.parse(stdout.trimEnd().split("\n").at(-1) as string);

async function compared(...argv: string[]): Promise<Compared> {
  const { status, stdout, stderr } = await invoke("eval", ...argv, "--json");
  expect(stderr).not.toMatch(/reparam:/);
  expect(status).toBe(0);
  return json(stdout);
}

beforeAll(async () => {
  const common = ["--no-export", "--steps", "2", ...tiny];
  const made = [
    await invoke(
      "train",
      "gan",
      "--data",
      "eight-gaussians",
      "--toy-size",
      "1200",
      "--out",
      points,
      ...common,
    ),
    await invoke("train", "gan", "--data", sampleData, "--out", digits, "--conditional", ...common),
  ];
  for (const { status, stderr } of made) expect(status, stderr).toBe(0);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("eval of a run that is judged by its samples", () => {
  it("gives figures of as many samples as there are rows, and modes of points", async () => {
    const { status, stdout } = await invoke("eval", points, "--limit", "300", "--json");
    expect(status).toBe(0);
    expect(stdout).toMatch(/fake +300 of .*points \(seed 0\)/);
    expect(stdout).toMatch(/modes covered +\d of 8/);
    const { evaluate, samples } = json<{ evaluate: object; samples: Compared }>(stdout);
    expect(evaluate).toMatchObject({ samples: 300 });
    expect(samples.features).toEqual({ name: "none", size: 2 });
    expect(samples.figures.goodShare).toBeLessThan(0.5);
  });

  it("of images without shipped features says how to name some, and compares when told", async () => {
    const plain = await invoke("eval", digits);
    expect(plain.status).toBe(0);
    expect(plain.stderr).toContain("--features");
    const { stdout } = await invoke("eval", digits, "--features", "mnist", "--json");
    expect(stdout).toMatch(/features +mnist, 64 of them, SHA-256 d65e6d11/);
    const { figures, fake } = json<{ samples: Compared }>(stdout).samples;
    expect(fake).toMatchObject({ samples: 64, seed: 0 });
    // Classes are known on both sides; what 2 steps of training draw teaches nothing.
    expect(figures.classifierAccuracyScore).toBeLessThan(0.8);
    expect(figures.frechetDistance).toBeGreaterThan(1);
  });
});

describe("eval --real --fake", () => {
  it("finds a set equal to itself, and a run far from it", async () => {
    const same = await compared("--real", sampleData, "--fake", sampleData, "--features", "mnist");
    expect(same.figures.frechetDistance).toBeCloseTo(0, 6);
    expect(same.figures).toMatchObject({ precision: 1, recall: 1, slicedWasserstein: 0 });
    const drawn = await compared("--real", sampleData, "--fake", digits, "--features", "mnist");
    expect(drawn.fake).toMatchObject({ samples: same.real.samples, seed: 0 });
    expect(drawn.figures.coverage).toBeLessThan(0.5);
  });

  it("takes NumPy files and folders of pictures, grey and coloured", async () => {
    const folder = join(root, "pictures");
    mkdirSync(folder);
    const pixels = (from: number) =>
      new Uint8Array(12 * 12).map((_, i) => (i * i * 7 + 31 * from) % 256);
    const all = new Float32Array(12 * 144);
    for (let i = 0; i < 12; i++) {
      const image = { width: 12, height: 12, channels: 1, pixels: pixels(i) } as const;
      writeFileSync(join(folder, `${i}.png`), await encodePng(image));
      all.set(
        Float32Array.from(pixels(i), (v) => v / 255),
        144 * i,
      );
    }
    const file = join(root, "images.npy");
    writeFileSync(file, encodeNpy(tensor(all, [12, 1, 12, 12])));
    const found = await compared("--real", folder, "--fake", file, "--features", "none");
    expect(found.features).toEqual({ name: "none", size: 144 });
    expect(found.figures.slicedWasserstein).toBeLessThan(1e-6);
    const colour = ["--image-size", "32", "--channels", "3"];
    const wide = await compared("--real", folder, "--fake", folder, ...colour);
    expect(wide.features).toMatchObject({ name: "cifar10", size: 128 });
  });

  it.each([
    [["--real", sampleData], /Give both/],
    [["--real", sampleData, "--fake", sampleData, points], /no run beside them/],
    [[], /eval takes a run, or two sets/],
    [["--real", sampleData, "--fake", sampleData], /name the features .*\[1, 28, 28\]/],
    [["--real", sampleData, "--fake", points, "--features", "mnist"], /must be alike/],
    [["--real", points, "--fake", points, "--features", "mnist"], /vectors are compared as they/],
    [
      ["--real", sampleData, "--fake", sampleData, "--features", "no.onnx"],
      /there is no such file.*mnist, fashion-mnist, cifar10/,
    ],
    [
      ["--real", sampleData, "--fake", sampleData, "--features", "cifar10"],
      /the extractor takes images \[3, 32, 32\], got \[1, 28, 28\]/,
    ],
  ])("refuses %j", async (argv, reason) => {
    const { status, stderr } = await invoke("eval", ...argv);
    expect(status).toBe(2);
    expect(stderr).toMatch(reason);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});
