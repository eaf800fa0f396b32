// CIFAR-10 from pictures like the published ones: an image a row, its pixels in reading order, red, green and blue.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { cifar10 } from "../../src/data/cifar10.ts";
import { encodePng } from "../../src/report/index.ts";

const folder = mkdtempSync(join(tmpdir(), "reparam-cifar10-"));
const [rows, pixels] = [10_000, 1024];
const load = cifar10.load as NonNullable<typeof cifar10.load>;

/** Byte of a colour of a pixel of an image. */
const byteOf = (image: number, pixel: number, colour: number): number =>
  (image * 7 + (pixel >> 5) * 3 + (pixel & 31) + colour * 50) % 256;

beforeAll(async () => {
  const data = new Uint8Array(rows * pixels * 3);
  for (const image of [0, 1, 2, 9999]) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let c = 0; c < 3; c++) data[(image * pixels + pixel) * 3 + c] = byteOf(image, pixel, c);
    }
  }
  const png = await encodePng({ width: pixels, height: rows, channels: 3, pixels: data });
  // Only the pictures that hold a wanted image are read: the others are not there.
  writeFileSync(join(folder, "data_batch_1.png"), png);
  writeFileSync(join(folder, "test_batch.png"), png);
  const labels = (count: number) => JSON.stringify(Array.from({ length: count }, (_, i) => i % 10));
  writeFileSync(join(folder, "train_lables.json"), labels(5 * rows));
  writeFileSync(join(folder, "test_lables.json"), labels(rows));
});
afterAll(() => rmSync(folder, { recursive: true }));

it("reads rows as images [3, 32, 32], with their labels", async () => {
  const { train, test, classes } = await load(folder, { validation: 0, limit: 3 });
  expect([train.length, test.length, classes?.[9]]).toEqual([3, 3, "truck"]);
  const { image, label } = test.columns;
  expect([image?.dtype, image?.shape]).toEqual(["uint8", [3, 32, 32]]);
  expect([...(label?.data ?? [])]).toEqual([0, 1, 2]);
  for (const [i, v] of (image?.data ?? []).entries()) {
    const [n, c, pixel] = [Math.floor(i / 3072), Math.floor(i / pixels) % 3, i % pixels];
    if (v !== byteOf(n, pixel, c)) expect([n, c, pixel, v]).toEqual([]);
  }
});

it("does not resize", async () => {
  const wide = { validation: 0, limit: 3, imageSize: 64 };
  await expect(load(folder, wide)).rejects.toThrow(/32×32 pixels.*Leave out --image-size/);
});
