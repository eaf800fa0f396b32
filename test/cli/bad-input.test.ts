import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  promises,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { invoke, sampleData } from "./invoke.ts";

const root = mkdtempSync(join(tmpdir(), "reparam-bad-"));
const out = join(root, "made", "run");
const here = (name: string): string => join(root, name);
const tiny = ["--hidden", "8", "--latents", "2", "--threads", "1", "--batch-size", "64"];
const train = (...more: string[]): string[] => [
  ...["train", "gaussian-vae", "--data", sampleData, "--out", out, "--steps", "2", ...tiny],
  ...more,
];

beforeAll(async () => {
  const images = gunzipSync(readFileSync(join(sampleData, "train-images-idx3-ubyte.gz")));
  mkdirSync(here("truncated"));
  writeFileSync(join(here("truncated"), "train-images-idx3-ubyte"), images.subarray(0, 5000));
  mkdirSync(here("odd-size"));
  const odd = Buffer.from([
    0,
    0,
    8,
    3,
    0,
    0,
    0,
    20,
    0,
    0,
    0,
    9,
    0,
    0,
    0,
    7,
    ...new Array(20 * 63).fill(9),
  ]);
  writeFileSync(join(here("odd-size"), "train-images-idx3-ubyte"), odd);
  mkdirSync(here("full"));
  writeFileSync(join(here("full"), "notes.txt"), "mine");
  mkdirSync(here("broken"));
  writeFileSync(join(here("broken"), "config.json"), '{"method": "gaussian-vae"}');
  writeFileSync(here("text.npy"), "not an array");
  const args = [
    "train",
    "gaussian-vae",
    "--data",
    sampleData,
    "--out",
    here("run"),
    "--steps",
    "2",
  ];
  expect((await invoke(...args, ...tiny, "--no-export")).status).toBe(0);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const cases: [string, () => string[], RegExp][] = [
  ["an unknown verb", () => ["trian"], /unknown command 'trian'.*train/],
  [
    "an unknown option",
    () => train("--lerning-rate", "1"),
    /unknown option '--lerning-rate'.*--learning-rate/,
  ],
  ["an unknown method", () => ["train", "gauss", "--latents", "3"], /no method "gauss"/],
  ["no method", () => ["train"], /missing required argument 'method'/],
  [
    "a temperature of 0",
    () => ["train", "categorical-vae", "--temperature", "0"],
    /--temperature 0: must be above 0/,
  ],
  [
    "a floor above the temperature",
    () => [
      "train",
      "categorical-vae",
      "--data",
      sampleData,
      "--out",
      out,
      "--temperature",
      "0.1",
      "--temperature-floor",
      "0.5",
    ],
    /temperatureFloor 0.5 is above/,
  ],
  ["a word for a number", () => train("--latents", "many"), /--latents.*must be an integer/],
  ["a fraction for an integer", () => train("--latents", "2.5"), /--latents 2.5/],
  ["no epochs", () => ["train", "gaussian-vae", "--epochs", "0"], /--epochs.*at least 1/],
  ["epochs and steps", () => train("--epochs", "2"), /--epochs and --steps exclude/],
  ["a wrong choice", () => train("--network", "cnn"), /--network.*mlp, convolutional/],
  ["data that is not there", () => train("--data", here("nowhere")), /no data set or folder/],
  [
    "a truncated IDX file",
    () => train("--data", here("truncated")),
    /train-images-idx3-ubyte.*(truncated|bytes)/,
  ],
  [
    "images of the wrong size",
    () => train("--data", here("odd-size"), "--network", "convolutional"),
    /divisible by 4, got 9×7/,
  ],
  ["too many for validation", () => train("--validation", "100000"), /validation/],
  ["a folder with other files", () => train("--out", here("full")), /full is not empty/],
  [
    "a run that is not there",
    () => ["resume", here("nowhere")],
    /nowhere is not the folder of a run/,
  ],
  [
    "a config that does not fit",
    () => ["resume", here("broken")],
    /config.json does not fit: .*seed/,
  ],
  ["a folder that is no run", () => ["sample", here("full")], /full is not the folder of a run/],
  [
    "a picture into nowhere",
    () => ["sample", here("run"), "--out", here("no/such/grid.png")],
    /there is no .*grid.png/,
  ],
  [
    "a knob that is not there",
    () => ["sample", here("run"), "--set", "warmth=2"],
    /no knob "warmth".*temperature/,
  ],
  [
    "codes that are not there",
    () => ["decode", here("run"), "--input", here("none.npy")],
    /there is no .*none.npy/,
  ],
  [
    "codes that are no array",
    () => ["decode", here("run"), "--input", here("text.npy")],
    /not a .npy file/,
  ],
  [
    "an output that is not there",
    () => ["encode", here("run"), "--output", "code", "--out", here("c.npy")],
    /has latent/,
  ],
  ["an unknown data set", () => ["data", "verify", "mnits"], /no data set "mnits"/],
];

/** All files below the folder of these tests. */
const files = (): string[] => (readdirSync(root, { recursive: true }) as string[]).sort();

describe("bad input", () => {
  it.each(cases)(
    "%s is one line and status 2, and leaves nothing",
    async (_name, argv, message) => {
      const before = files();
      const { status, stdout, stderr } = await invoke(...argv());
      expect(stderr).toMatch(message);
      expect(stderr).toMatch(/^reparam: [^\n]+\n$/);
      expect([status, stdout]).toEqual([2, ""]);
      expect(files()).toEqual(before);
    },
  );
});

/** From now on, files whose names match cannot be opened for writing. */
function failToWrite(names: RegExp, code: string): void {
  const open = promises.open.bind(promises);
  vi.spyOn(promises, "open").mockImplementation((path, flags, mode) => {
    if (names.test(String(path)) && flags === "w") {
      return Promise.reject(Object.assign(new Error(`${code}: injected`), { code }));
    }
    return open(path, flags, mode);
  });
}

describe("trouble on the way", () => {
  it.each([
    ["ENOSPC", /the disk is full/],
    ["EACCES", /no permission/],
  ])("%s before the first step leaves nothing", async (code, message) => {
    failToWrite(/config\.json/, code);
    const { status, stderr } = await invoke(...train());
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr.match(/^reparam: /gm)).toHaveLength(1);
    expect(existsSync(here("made"))).toBe(false);
  });

  it("a disk that fills up in training keeps what was saved, and the run goes on later", async () => {
    const whole = here("whole");
    const args = [
      "--data",
      sampleData,
      "--steps",
      "8",
      ...tiny,
      "--checkpoint-seconds",
      "0",
      "--no-export",
    ];
    await invoke("train", "gaussian-vae", ...args, "--out", whole);
    const run = here("filled");
    failToWrite(/step-0000000[5-8]/, "ENOSPC");
    const stopped = await invoke("train", "gaussian-vae", ...args, "--out", run);
    expect(stopped.status).toBe(2);
    expect(stopped.stderr).toMatch(/reparam: the disk is full: .*step-00000005.*\n$/);
    vi.restoreAllMocks();
    expect(files().filter((name) => name.endsWith(".tmp"))).toEqual([]);
    expect((await invoke("resume", run, "--no-export")).status).toBe(0);
    const figures = (folder: string): string =>
      readFileSync(join(folder, "metrics.jsonl"), "utf8").replaceAll(/"seconds":[\d.e-]+/g, "");
    expect(figures(run)).toBe(figures(whole));
  });

  it("a loss that is not finite names the step, the term and the last good checkpoint", async () => {
    const run = here("wild");
    const { status, stderr } = await invoke(
      ...train("--out", run, "--steps", "30", "--learning-rate", "1e30"),
    );
    expect(status).toBe(2);
    const last = stderr.trimEnd().split("\n").at(-1);
    expect(last).toMatch(
      /^reparam: \w+ is (NaN|-?Infinity) at step \d+ .*checkpoint is .*step-\d{8}/,
    );
    expect(readdirSync(join(run, "checkpoints")).length).toBeGreaterThan(0);
  });
});
