import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { type Dataset, listDatasets, loadDataset, type Split } from "../../src/data/index.ts";

const sample = fileURLToPath(new URL("mnist-sample", import.meta.url));
const newFolder = () => mkdtempSync(join(tmpdir(), "reparam-folder-"));
const image = (split: Split) => split.columns.image!.data as Uint8Array;
const labels = (split: Split) => [...(split.columns.label?.data ?? [])].map(Number);
const lengths = ({ train, validation, test }: Dataset) =>
  [train, validation, test].map((split) => split.length);

/** Writes a picture of one colour. */
async function picture(path: string, size: [number, number], colour: number[], grey = false) {
  const [r = 0, g = 0, b = 0] = colour;
  const create = {
    width: size[0],
    height: size[1],
    channels: 3 as const,
    background: { r, g, b },
  };
  const drawn = sharp({ create });
  await (grey ? drawn.toColourspace("b-w") : drawn).toFile(path);
}

describe("a folder of IDX files", () => {
  it("keeps the published order: MNIST begins with 5 0 4 1 and 7 2 1 0", async () => {
    const data = await loadDataset(sample);
    expect(lengths(data)).toEqual([235, 21, 64]);
    expect(labels(data.train).slice(0, 4)).toEqual([5, 0, 4, 1]);
    expect(labels(data.test).slice(0, 4)).toEqual([7, 2, 1, 0]);
    expect(data.train.columns.image).toMatchObject({ dtype: "uint8", shape: [1, 28, 28] });
    // Mean byte of the whole training set is 33.3.
    const mean = image(data.train).reduce((a, b) => a + b, 0) / image(data.train).length;
    expect(Math.abs(mean - 33.3)).toBeLessThan(3);
  });

  it("divides as asked, and an image binarises alike in whichever split it is", async () => {
    const all = await loadDataset(sample, { validation: 0, binarize: "fixed" });
    const most = await loadDataset(sample, { validation: 56, binarize: "fixed", limit: 50 });
    expect(lengths(all)).toEqual([256, 0, 64]);
    expect(lengths(most)).toEqual([50, 50, 50]);
    expect(image(most.validation)).toEqual(image(all.train).slice(200 * 784, 250 * 784));
    expect(image(all.train).every((v) => v === 0 || v === 255)).toBe(true);
    const other = await loadDataset(sample, { validation: 0, binarize: "fixed", seed: 1 });
    expect(image(other.train)).not.toEqual(image(all.train));
  });

  it("divides a single unlabelled file by seed, without overlap", async () => {
    const folder = newFolder();
    cpSync(join(sample, "train-images-idx3-ubyte.gz"), join(folder, "digits-images-idx3-ubyte.gz"));
    const a = await loadDataset(folder, { seed: 1 });
    expect(lengths(a)).toEqual([216, 19, 21]);
    expect(Object.keys(a.train.columns)).toEqual(["image"]);
    const rows = [a.train, a.validation, a.test].flatMap((split) =>
      Array.from({ length: split.length }, (_, i) =>
        image(split)
          .slice(784 * i, 784 * i + 784)
          .join(),
      ),
    );
    expect(new Set(rows).size).toBe(256);
    expect(image((await loadDataset(folder, { seed: 1 })).test)).toEqual(image(a.test));
    expect(image((await loadDataset(folder, { seed: 2 })).test)).not.toEqual(image(a.test));
  });

  it("refuses parts that do not fit together", async () => {
    const folder = newFolder();
    cpSync(sample, folder, { recursive: true });
    const asked = (options: object) => loadDataset(folder, options);
    await expect(asked({ imageSize: 32 })).rejects.toThrow(/\[1, 28, 28\].*--image-size/);
    await expect(asked({ validation: 256 })).rejects.toThrow(/256 samples wanted.* 255/);
    await expect(asked({ limit: 0 })).rejects.toThrow(/limit must be an integer of at least 1/);
    renameSync(
      join(folder, "t10k-labels-idx1-ubyte.gz"),
      join(folder, "train-labels-idx1-ubyte.gz"),
    );
    await expect(asked({})).rejects.toThrow(/labels must be integers \[256\].* got uint8 \[64\]/);
    rmSync(join(folder, "train-images-idx3-ubyte.gz"));
    await expect(asked({})).rejects.toThrow(/has no file of images/);
  });
});

describe("a folder of images", () => {
  it("takes classes and parts from subfolders, channels in planes", async () => {
    const folder = newFolder();
    const colours = { cat: [200, 10, 30], dog: [0, 100, 250] };
    for (const [part, count] of [
      ["train", 6],
      ["test", 1],
    ] as const) {
      for (const [name, colour] of Object.entries(colours)) {
        mkdirSync(join(folder, part, name), { recursive: true });
        for (let i = 0; i < count; i++) {
          await picture(
            join(folder, part, name, `${i}.${i === 0 ? "webp" : "png"}`),
            [3, 2],
            colour,
          );
        }
      }
    }
    const data = await loadDataset(folder, { validation: 4 });
    expect(lengths(data)).toEqual([8, 4, 2]);
    expect(data.classes).toEqual(["cat", "dog"]);
    expect(data.train.columns.image!.shape).toEqual([3, 2, 3]);
    // Not the last class alone: the order is random before the validation part is cut.
    expect(new Set(labels(data.train)).size).toBe(2);
    for (const split of [data.train, data.validation, data.test]) {
      labels(split).forEach((label, i) => {
        const colour = Object.values(colours)[label] as number[];
        const planes = colour.flatMap((value) => Array<number>(6).fill(value));
        const got = image(split).slice(18 * i, 18 * i + 18);
        // WebP is lossy.
        expect(got.every((value, at) => Math.abs(value - planes[at]!) < 8)).toBe(true);
      });
    }
    mkdirSync(join(folder, "test", "emu"));
    await picture(join(folder, "test", "emu", "0.png"), [3, 2], [0, 0, 0]);
    await expect(loadDataset(folder)).rejects.toThrow(/class emu has no training images/);
  });

  it("needs one size, or --image-size", async () => {
    const folder = newFolder();
    await picture(join(folder, "a.png"), [4, 4], [90, 90, 90], true);
    await picture(join(folder, "b.jpg"), [8, 6], [90, 90, 90], true);
    const refused = loadDataset(folder);
    await expect(refused).rejects.toThrow(
      /b\.jpg: 6×8 pixels, not 4×4 pixels as .*a\.png\. .*--image-size/,
    );
    const data = await loadDataset(folder, { imageSize: 5 });
    expect(data.train.columns.image!.shape).toEqual([1, 5, 5]);
    expect(image(data.train).every((value) => Math.abs(value - 90) < 4)).toBe(true);
    const rgb = await loadDataset(folder, { imageSize: 5, channels: 3 });
    expect(rgb.train.columns.image!.shape).toEqual([3, 5, 5]);
    expect(image(rgb.train).every((value) => Math.abs(value - 90) < 4)).toBe(true);
    const wide = await loadDataset(folder, { imageSize: [3, 5] });
    expect(wide.train.columns.image!.shape).toEqual([1, 3, 5]);
  });

  it("leaves out what is unlike most images, or refuses it", async () => {
    const folder = newFolder();
    for (const name of ["b", "c", "d"]) {
      await picture(join(folder, `${name}.png`), [4, 4], [90, 0, 0]);
    }
    await picture(join(folder, "a.png"), [4, 4], [90, 90, 90], true);
    await picture(join(folder, "e.png"), [8, 4], [90, 0, 0]);
    const whole = { whole: true } as const;
    const data = await loadDataset(folder, { ...whole, unlike: "skip" });
    expect(data.leftOut).toEqual([
      expect.stringMatching(/a\.png: grey, not coloured$/),
      expect.stringMatching(/e\.png: 4×8 pixels, not 4×4 pixels$/),
    ]);
    expect(data.test.length).toBe(3);
    expect(data.test.columns.image!.shape).toEqual([3, 4, 4]);
    const same = await loadDataset(folder, { ...whole, unlike: "skip", imageSize: 4, channels: 3 });
    expect([same.test.length, same.leftOut]).toEqual([5, undefined]);
    await expect(loadDataset(folder, { ...whole, unlike: "refuse" })).rejects.toThrow(
      /a\.png: grey, not coloured as .*b\.png, and so it is with 1 more\. .*--unlike skip/,
    );
    // Grey images among others of their size become coloured unless something else is asked for.
    rmSync(join(folder, "e.png"));
    expect((await loadDataset(folder, whole)).test.columns.image!.shape).toEqual([3, 4, 4]);
  });

  it("leaves out what cannot be read, header or pixels, and keeps labels beside their images", async () => {
    const folder = newFolder();
    const colours = { cat: [200, 10, 30], dog: [0, 100, 250] };
    for (const [name, colour] of Object.entries(colours)) {
      mkdirSync(join(folder, name));
      for (let i = 0; i < 4; i++) await picture(join(folder, name, `${i}.png`), [40, 30], colour);
    }
    writeFileSync(join(folder, "cat", "0.png"), "not a picture");
    const cut = join(folder, "cat", "2.png");
    const bytes = readFileSync(cut);
    writeFileSync(cut, bytes.subarray(0, bytes.length - 30)); // The header is whole.
    await expect(loadDataset(folder, { whole: true })).rejects.toThrow(
      /0\.png: cannot be read as an image \(.*\)\. Replace or remove it, .*--unreadable skip/,
    );
    const data = await loadDataset(folder, { whole: true, unreadable: "skip" });
    expect(data.leftOut).toEqual([
      expect.stringMatching(/cat.0\.png: cannot be read/),
      expect.stringMatching(/cat.2\.png: cannot be read/),
    ]);
    expect(labels(data.test)).toEqual([0, 0, 1, 1, 1, 1]);
    const first = Array.from({ length: 6 }, (_, i) => image(data.test)[3600 * i]);
    expect(first).toEqual([200, 200, 0, 0, 0, 0]);
    const split = await loadDataset(folder, { unreadable: "skip" });
    expect(lengths(split).reduce((sum, n) => sum + n)).toBe(6);
    for (const name of ["1", "3"]) writeFileSync(join(folder, "cat", `${name}.png`), "");
    for (const name of ["0", "1", "2", "3"]) writeFileSync(join(folder, "dog", `${name}.png`), "");
    await expect(loadDataset(folder, { whole: true, unreadable: "skip" })).rejects.toThrow(
      /none of 8 images can be read/,
    );
  });

  it("names the damaged file, and the loose one", async () => {
    const folder = newFolder();
    mkdirSync(join(folder, "a"));
    await picture(join(folder, "a", "a.png"), [4, 4], [0, 0, 0]);
    writeFileSync(join(folder, "b.png"), "not a picture");
    await expect(loadDataset(folder)).rejects.toThrow(/b\.png is in no class folder/);
    renameSync(join(folder, "b.png"), join(folder, "a", "b.png"));
    await expect(loadDataset(folder)).rejects.toThrow(/b\.png: cannot be read as an image/);
  });
});

describe("names", () => {
  it("that are unknown are answered with the known ones", async () => {
    const message =
      /no data set or folder "mnits"\. Known are mnist, fashion-mnist, .*, or a folder/;
    await expect(loadDataset("mnits")).rejects.toThrow(message);
    await expect(loadDataset(newFolder())).rejects.toThrow(/neither IDX files nor PNG/);
    const picture = join(newFolder(), "a.gif");
    writeFileSync(picture, "GIF89a");
    await expect(loadDataset(picture)).rejects.toThrow(/it is a file/);
  });

  it("are listed with licence and whether they are cached", async () => {
    const listed = await listDatasets(newFolder());
    const withFiles = listed.filter(({ generated }) => !generated);
    const tables = ["penguins", "iris", "state-of-the-union"];
    const names = ["mnist", "fashion-mnist", "cifar10", ...tables];
    expect(withFiles.map(({ name, cached }) => [name, cached])).toEqual(
      names.map((name) => [name, false]),
    );
    expect(listed.every(({ card }) => card.license !== "" && card.citation !== "")).toBe(true);
  });
});
