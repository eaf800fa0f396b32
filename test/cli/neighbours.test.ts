import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Invocation, invoke, sampleData } from "./invoke.ts";

const root = mkdtempSync(join(tmpdir(), "reparam-neighbours-"));
const run = join(root, "run");
const photos = join(root, "photos");
const picture = join(root, "near.png");

/** A square of one colour on another. */
async function draw(name: string, size: number, colour: string, grey = false): Promise<string> {
  const file = join(photos, name);
  const plain = sharp({ create: { width: size, height: size, channels: 3, background: colour } });
  await (grey ? plain.toColourspace("b-w") : plain).png().toFile(file);
  return file;
}

beforeAll(async () => {
  const small = ["--latents", "8", "--steps", "6", "--batch-size", "32", "--threads", "1"];
  await invoke(
    "train",
    "deep-infomax",
    "--data",
    sampleData,
    "--out",
    run,
    "--no-export",
    ...small,
  );
  mkdirSync(photos);
  await draw("dark.png", 40, "#101010");
  await draw("night.png", 24, "#080808", true);
  await draw("light.png", 64, "#e0e0e0");
  await draw("red.png", 30, "#d01010");
}, 120_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Found {
  readonly rows: { name: string; nearest: { name: string; distance: number }[] }[];
  readonly searched: number;
}
const json = ({ stdout }: Invocation) =>
  JSON.parse(stdout.trimEnd().split("\n").at(-1) as string) as Found;

describe("reparam neighbours", () => {
  it("finds the images of a run nearest to its test images, itself first where it is among them", async () => {
    const flags = ["--in", run, "--count", "3", "--out", picture, "--json"];
    const found = await invoke("neighbours", "4,9", ...flags, "--split", "test");
    expect(found.stderr).toBe("");
    expect(found.status).toBe(0);
    const { rows, searched } = json(found);
    expect(searched).toBe(64);
    expect(rows.map(({ name }) => name)).toEqual([
      expect.stringMatching(/^test 4 \(\d\)$/),
      expect.stringMatching(/^test 9 \(\d\)$/),
    ]);
    for (const { name, nearest } of rows) {
      expect(nearest).toHaveLength(3);
      expect(nearest[0]).toEqual({ name, distance: expect.closeTo(0, 10) });
    }
    expect(readFileSync(picture).subarray(1, 4).toString()).toBe("PNG");
    const euclidean = await invoke("neighbours", "4", ...flags, "--distance", "euclidean");
    expect(json(euclidean).rows[0]?.nearest[0]?.name).toMatch(/^train \d+/);
  });

  it("searches a folder of mixed images by pixels or by a run, and keeps vectors in a file", async () => {
    const index = join(root, "photos.safetensors");
    const flags = ["--in", photos, "--out", picture, "--distance", "euclidean", "--json"];
    const dark = join(photos, "dark.png");
    const byPixels = json(await invoke("neighbours", dark, ...flags));
    const names = byPixels.rows[0]?.nearest.map(({ name }) => name.split("/").at(-1));
    expect(names).toEqual(["dark.png", "night.png", "red.png", "light.png"]);
    const byRun = await invoke("neighbours", dark, ...flags, "--run", run, "--index", index);
    expect(byRun.status).toBe(0);
    expect(json(byRun).rows[0]?.nearest[0]).toEqual({
      name: dark,
      distance: expect.closeTo(0, 6),
    });
    const written = statSync(index).mtimeMs;
    const again = await invoke("neighbours", dark, ...flags, "--run", run, "--index", index);
    expect(json(again).rows).toEqual(json(byRun).rows);
    expect(statSync(index).mtimeMs).toBe(written);
    await draw("late.png", 20, "#123456");
    const anew = await invoke("neighbours", dark, ...flags, "--run", run, "--index", index);
    expect(anew.stderr).toMatch(/made anew/);
    expect(json(anew).searched).toBe(5);
  });

  it("refuses unreadable images, or leaves them out by name", async () => {
    const broken = join(photos, "broken.png");
    writeFileSync(broken, "no image");
    const flags = ["--in", photos, "--out", join(root, "never.png"), "--json"];
    const refused = await invoke("neighbours", join(photos, "dark.png"), ...flags);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(/broken\.png: cannot be read as an image/);
    expect(existsSync(join(root, "never.png"))).toBe(false);
    const skipped = await invoke(
      "neighbours",
      join(photos, "dark.png"),
      ...flags,
      "--unreadable",
      "skip",
    );
    expect(skipped.status).toBe(0);
    expect(skipped.stderr).toMatch(/left out: .*broken\.png/);
    const index = join(root, "readable.safetensors");
    const again = () =>
      invoke(
        ...["neighbours", join(photos, "dark.png"), ...flags, "--unreadable", "skip"],
        ...["--index", index],
      );
    const [first, second] = [await again(), await again()];
    expect(json(second).rows).toEqual(json(first).rows);
    // What is kept is not read again.
    expect([first.stderr === "", second.stderr]).toEqual([false, ""]);
    rmSync(broken);
  });

  it("encodes a folder of mixed images, without those that cannot be read or are unlike most", async () => {
    const broken = join(photos, "broken.png");
    writeFileSync(broken, "no image");
    const out = join(root, "codes.npy");
    const flags = ["encode", run, "--data", photos, "--out", out, "--json"];
    const refused = await invoke(...flags);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(/broken\.png: cannot be read as an image.*--unreadable skip/);
    expect(existsSync(out)).toBe(false);
    const made = await invoke(...flags, "--unreadable", "skip");
    expect(made.status).toBe(0);
    expect(made.stderr).toMatch(/^left out: .*broken\.png: cannot be read as an image/);
    const { shape, leftOut } = json(made) as unknown as { shape: number[]; leftOut: string[] };
    expect(shape).toEqual([readdirSync(photos).length - 1, 8]);
    expect(leftOut).toHaveLength(1);
    rmSync(broken);
  });

  it("trains on a folder without what is left out, and says what that is", async () => {
    const folder = join(root, "mixed");
    mkdirSync(folder);
    for (let i = 0; i < 7; i++) {
      const file = join(folder, `${i}.png`);
      await draw(`../mixed/${i}.png`, i === 3 ? 20 : 16, `#${i}0${i}0${i}0`, i !== 4);
      if (i === 5) writeFileSync(file, readFileSync(file).subarray(0, 40));
    }
    const small = ["--latents", "4", "--steps", "1", "--batch-size", "4", "--threads", "1"];
    const flags = ["--data", folder, "--validation", "0", "--no-export", ...small];
    const asked = ["train", "deep-infomax", ...flags, "--out", join(root, "mixed-run")];
    const refused = await invoke(...asked);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(/3\.png: 20×20 pixels, not 16×16 pixels|5\.png: cannot be read/);
    const made = await invoke(...asked, "--unreadable", "skip", "--unlike", "skip");
    expect(made.stderr).toMatch(/left out: .*3\.png: 20×20 pixels, not 16×16 pixels/);
    expect(made.stderr).toMatch(/left out: .*4\.png: coloured, not grey/);
    expect(made.stderr).toMatch(/left out: .*5\.png: cannot be read as an image/);
    expect(made.status).toBe(0);
  });

  it("finds words near words, and says which it does not know", async () => {
    const words = join(root, "words");
    const file = join(root, "text.txt");
    writeFileSync(file, "the cat and the dog ran; the dog and the cat sat. ".repeat(60));
    const small = ["--features", "4", "--context", "8", "--steps", "4", "--batch-size", "4"];
    const flags = ["--data", file, "--tokenizer", "words", "--out", words, "--no-export"];
    const made = await invoke("train", "skip-gram", ...flags, ...small, "--threads", "1");
    expect(made.status).toBe(0);
    const found = json(await invoke("neighbours", "cat, dog", "--in", words, "--json"));
    expect(found.searched).toBe(6);
    expect(found.rows.map(({ name }) => name)).toEqual(["cat", "dog"]);
    const near = found.rows[0]?.nearest.map(({ name }) => name) ?? [];
    expect([...near].sort()).toEqual(["and", "dog", "ran", "sat", "the"]);
    const { status, stderr } = await invoke("neighbours", "horse", "--in", words);
    expect(status).toBe(2);
    expect(stderr).toMatch(/"horse" is not among the 6 words/);
  });

  it("are drawn as a map by reparam map", async () => {
    const out = join(root, "map.png");
    for (const by of ["pca", "umap"]) {
      const made = await invoke("map", run, "--by", by, "--limit", "40", "--out", out, "--json");
      expect(made.stderr).toBe("");
      expect(made.stdout).toMatch(`${by} of 40 vectors of 8 numbers`);
      expect(readFileSync(out).subarray(1, 4).toString()).toBe("PNG");
    }
    const { status, stderr } = await invoke("map", run, "--output", "codes", "--out", out);
    expect(status).toBe(2);
    expect(stderr).toMatch(/the encoder has latent, variance/);
  });

  it("says what is wrong", async () => {
    const cases: [string[], RegExp][] = [
      [["7", "--in", photos], /7 is the number of a test image, and there is no run/],
      [["7", "--in", join(root, "none")], /there is no folder/],
      [["7", "--in", run, "--run", run], /Leave out --run/],
      [["999", "--in", run], /there is no image 999: they are 0 … 63/],
      [["1", "--in", run, "--output", "codes"], /the encoder has latent, variance/],
      [["x.png", "--in", run], /x\.png: cannot be read as an image/],
    ];
    for (const [args, message] of cases) {
      const { status, stderr } = await invoke("neighbours", ...args, "--out", join(root, "n.png"));
      expect(status, args.join(" ")).toBe(2);
      expect(stderr).toMatch(message);
    }
  });
});
