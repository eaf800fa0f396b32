// Networks that grow in phases of one run: Karras, Aila, Laine, Lehtinen, "Progressive growing of GANs" (2018).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadDataset } from "../../../src/data/index.ts";
import { gan } from "../../../src/methods/gan/gan.ts";
import { fadeAfter, sidesOf, viewsOf } from "../../../src/methods/gan/growing.ts";
import { adamOf } from "../../../src/methods/gan/options.ts";
import {
  compileDefinition,
  dataShape,
  type FitOptions,
  fit,
  type Snapshot,
} from "../../../src/run/index.ts";
import { initialState, type ModelFunction, weightsOf } from "../../../src/step/index.ts";
import { leafMap, type Tensor, type Tree, tensorOf } from "../../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../../src/trace/index.ts";

const digits = new URL("../../data/mnist-sample", import.meta.url).pathname;
const dataset = await loadDataset(digits);
const folders: string[] = [];
const newFolder = (): string => {
  folders.push(mkdtempSync(join(tmpdir(), "reparam-growing-")));
  return folders.at(-1) as string;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

it("takes the settings of Adam that its paper has, where the options name none", () => {
  const of = (given: object) => adamOf(gan.options.parse(given));
  expect(of({})).toEqual({ learningRate: 2e-4, beta1: 0.5, beta2: 0.999 });
  const own = { learningRate: 1e-3, beta1: 0, beta2: 0.99 };
  expect(of({ architecture: "progressive" })).toEqual(own);
  expect(of({ architecture: "style", beta1: 0.5 })).toEqual({ ...own, beta1: 0.5 });
});

const methodOf = (architecture: string) =>
  gan.create(
    gan.options.parse({ architecture, width: 2, latents: 4, sizeSteps: 2, fadeSteps: 2 }),
    dataShape(dataset, 8),
  );

describe.each(["progressive", "style"])("%s", (architecture) => {
  const method = methodOf(architecture);
  const options: FitOptions = {
    ...{ method, train: dataset.train, batchSize: 8, seed: 5, steps: 3, threads: 1, logEvery: 1 },
  };
  const snapshots: Snapshot[] = [];

  it("is the same training, bit for bit, when it is stopped inside a fade and resumed", async () => {
    const take = async (snapshot: Snapshot) => void snapshots.push(snapshot);
    const whole = await fit({ ...options, snapshots: { take } });
    expect(snapshots.map(({ phase, step }) => `${phase.name} ${step}`)).toEqual([
      "size-4 2",
      "size-8 4",
      "size-16 6",
      "size-32 9",
    ]);
    // The styles' training stops and goes on by the same means.
    if (architecture === "style") return;
    const folder = newFolder();
    // One step into the fade of 8×8, and of 32×32.
    for (const stop of [3, 7]) {
      const controller = new AbortController();
      const stopped = await fit({
        ...{ ...options, folder, signal: controller.signal },
        onProgress: ({ step }) => step === stop && controller.abort(),
      });
      expect(stopped.step).toBe(stop);
      expect(leafMap<Tensor>(stopped.state).get("fade")?.data[0]).toBe(0.5);
    }
    const resumed = await fit({ ...options, folder });
    expect(leafMap<Tensor>(resumed.state)).toEqual(leafMap<Tensor>(whole.state));
  });

  it("shows the same images before and after it grows", async () => {
    const images = async (sample: ModelFunction, state: Tree<Tensor>): Promise<Tensor> => {
      const compiled = await compileDefinition("sample", sample, weightsOf(method, state));
      // Noise of the layers that both have is the same; those of the new ones are not seen yet.
      const noise = sample.inputs.noise?.shape[1] as number | undefined;
      const given =
        noise === undefined ? {} : { noise: tensorOf(new Float32Array(3 * noise), [3, noise]) };
      const { image } = await compiled.run(given, { count: 3, seed: 1 });
      await compiled.release();
      return image as Tensor;
    };
    for (const [i, { phase, state }] of snapshots.slice(0, -1).entries()) {
      const next = method.phases[i + 1] as (typeof method.phases)[number];
      const small = await images(phase.sample as ModelFunction, state);
      const large = await images(next.sample as ModelFunction, initialState(next, 5, state));
      const side = small.shape[2] as number;
      if (next === method.phases.at(-1)) {
        // The margin is cut off: 28 pixels of 32.
        expect(large.shape).toEqual([3, 1, 28, 28]);
        continue;
      }
      expect(large.shape).toEqual([3, 1, 2 * side, 2 * side]);
      for (const [at, pixel] of (large.data as Float32Array).entries()) {
        const [row, y, x] = [
          Math.floor(at / (4 * side * side)),
          Math.floor(at / (2 * side)) % (2 * side),
          at % (2 * side),
        ];
        const from = (row * side + (y >> 1)) * side + (x >> 1);
        expect(pixel).toBeCloseTo(Number(small.data[from]), 5);
      }
    }
  });
});

it("sides end with the power of two that holds the image", () => {
  expect(sidesOf([1, 28, 28])).toEqual([4, 8, 16, 32]);
  expect(sidesOf([3, 64, 48])).toEqual([4, 8, 16, 32, 64]);
  expect(() => sidesOf([1, 3, 4])).toThrow("too small");
});

it("sees data as means of squares within a margin, its details as they fade in", () => {
  const sizes = { image: [1, 6, 6], width: 1 } as const;
  const eight = viewsOf({ ...sizes, sides: [4, 8], fades: true });
  const four = viewsOf({ ...sizes, sides: [4], fades: false });
  const data = Float32Array.from({ length: 36 }, (_, i) => i / 36);
  const rows = tensorOf(data, [1, 1, 6, 6]);
  const program = trace(
    ({ x, half }) => {
      const seen = (views: typeof eight, fade?: Value): Value =>
        (views.view as NonNullable<typeof views.view>)(x as Value, fade);
      const whole = seen(eight, (half as Value).mul(2));
      return {
        ...{ four: seen(four), whole, faded: seen(eight, half as Value) },
        ...{ back: (eight.crop as (y: Value) => Value)(whole), later: fadeAfter(half as Value, 4) },
      };
    },
    { x: rows, half: tensorOf([0.5], []) },
  );
  const got = evaluate(program, { x: rows, half: tensorOf([0.5], []) }) as Record<string, Tensor>;
  const at = (name: string, y: number, x: number): number => {
    const { shape, data } = got[name] as Tensor;
    return Number(data[y * (shape[3] as number) + x]);
  };
  expect(at("whole", 0, 3)).toBe(-1);
  expect(at("whole", 1, 1)).toBeCloseTo(0, 6);
  // The first square of 2×2 has three places of the margin and the first pixel.
  expect(at("four", 0, 0)).toBeCloseTo(-3 / 4, 6);
  expect(at("faded", 1, 1)).toBeCloseTo((-3 / 4 + 0) / 2, 6);
  for (const [i, value] of [...(got.back as Tensor).data].entries()) {
    expect(value).toBeCloseTo(data[i] as number, 6);
  }
  expect((got.later as Tensor).data[0]).toBe(0.75);
});
