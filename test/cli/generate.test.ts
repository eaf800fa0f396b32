// A small language model from a text file to its continuation and to a folder for other libraries.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as runtime from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSession } from "../../src/onnx/index.ts";
import { decodeSafetensors } from "../../src/run/index.ts";
import { tensor } from "../../src/tensor/index.ts";
import { openTokenizer, type TokenizerFile } from "../../src/text/index.ts";
import { invoke } from "./invoke.ts";

const root = mkdtempSync(join(tmpdir(), "reparam-generate-"));
const run = join(root, "run");
const tiny = ["--layers", "1", "--width", "16", "--heads", "2", "--learning-rate", "0.02"];

beforeAll(async () => {
  const file = join(root, "story.txt");
  writeFileSync(file, "abcd efgh. ".repeat(120));
  const flags = ["--data", file, "--context", "16", "--batch-size", "16", "--steps", "60"];
  const { status, stderr } = await invoke("train", "gpt", ...flags, ...tiny, "--out", run);
  expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
  // The model goes on without its data.
  rmSync(file);
}, 120_000);
afterAll(() => rmSync(root, { recursive: true }));

const sample = (...flags: string[]) => invoke("sample", run, ...flags);

describe("sample", () => {
  it("streams the continuation of a prompt, the same for the same seed", async () => {
    const greedy = await sample("--prompt", "abcd", "--tokens", "18", "--temperature", "0");
    expect(greedy.stdout).toBe("abcd efgh. abcd efgh. \n");
    const first = await sample(
      "--temperature",
      "3",
      "--tokens",
      "30",
      "--seed",
      "4",
      "--prompt",
      "a",
    );
    expect(
      await sample("--temperature", "3", "--tokens", "30", "--seed", "4", "--prompt", "a"),
    ).toEqual(first);
    expect(
      await sample("--temperature", "3", "--tokens", "30", "--seed", "5", "--prompt", "a"),
    ).not.toEqual(first);
  });

  it("makes several texts, into a file as well, with their figures", async () => {
    const out = join(root, "texts.txt");
    const { stdout } = await sample(
      "--count",
      "2",
      "--tokens",
      "5",
      "--out",
      out,
      "--json",
      "--prompt",
      "ab",
    );
    const figures = JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as { texts: string[] };
    expect(figures.texts).toHaveLength(2);
    expect(readFileSync(out, "utf8")).toBe(`${figures.texts.join("\n---\n")}\n`);
  });

  it.each([
    [["--prompt", "xyz"], /lacks "x"/],
    [["--top-p", "2"], /topP must be above 0/],
    [["--npy", "a.npy"], /--npy: .* generates text/],
  ])("refuses %j", async (flags, message) => {
    const { status, stderr, stdout } = await sample(...flags);
    expect([status, stderr, stdout]).toEqual([2, expect.stringMatching(message), ""]);
  });
});

describe("train", () => {
  const text = join(root, "text.txt");
  const gpt = (...flags: string[]) =>
    invoke("train", "gpt", "--data", text, "--steps", "1", "--out", join(root, "bad"), ...flags);

  const enough = "abcd ".repeat(60);
  it.each([
    ["an empty text", "", [], /text.txt has no text to train on: it is empty/],
    ["a text of less than a window", "abc", [], /a window of context 8 needs 9/],
    ["keys that cannot turn", enough, ["--positions", "rotary", "--key-size", "3"], /got 3/],
    ["softmax heads alone", enough, ["--softmax-heads", "4"], /wants talkingHeads logits\+weights/],
    ["heads that do not fit", enough, ["--heads", "3"], /do not divide a width of 128/],
  ] as [string, string, string[], RegExp][])(
    "refuses %s",
    async (_what, content, flags, message) => {
      writeFileSync(text, content);
      const { status, stderr } = await gpt("--context", "8", ...flags);
      expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
      expect(existsSync(join(root, "bad"))).toBe(false);
    },
  );
});

describe("next.onnx", () => {
  it("in ONNX Runtime alone, keys and values in and out, gives the text of sample", async () => {
    const file = JSON.parse(readFileSync(join(run, "tokenizer.json"), "utf8")) as TokenizerFile;
    const tokenizer = openTokenizer(file);
    const session = await runtime.InferenceSession.create(join(run, "next.onnx"));
    const written = tokenizer.encode("abcd");
    let fresh = written.slice();
    const none = (): runtime.Tensor => new runtime.Tensor(new Float32Array(0), [1, 2, 0, 8]);
    let past: Record<string, runtime.Tensor> = { pastKeys0: none(), pastValues0: none() };
    for (let i = 0; i < 12; i++) {
      const token = new runtime.Tensor(Int32Array.from(fresh), [1, fresh.length]);
      const result = await session.run({ token, ...past });
      past = { pastKeys0: result.presentKeys0!, pastValues0: result.presentValues0! };
      const logits = result.logits!.data as Float32Array;
      fresh = [logits.indexOf(Math.max(...logits))];
      written.push(...fresh);
    }
    await session.release();
    const { stdout } = await sample("--prompt", "abcd", "--tokens", "12", "--temperature", "0");
    expect(stdout).toBe(`${tokenizer.decode(written)}\n`);
  });

  it("sample goes on beyond the positions that were learned, and after longer prompts", async () => {
    const prompt = "abcd efgh. ".repeat(3).trimEnd();
    const { stdout } = await sample("--prompt", prompt, "--tokens", "40", "--temperature", "0");
    expect(stdout).toHaveLength(prompt.length + 41);
  });
});

describe("export --hugging-face", () => {
  it("writes a folder whose graph, past in and past out, continues the text", async () => {
    const out = join(root, "folder");
    const { status } = await invoke("export", run, "--hugging-face", "--out", out);
    expect([status, readdirSync(out).sort()]).toEqual([
      0,
      [
        ...["config.json", "generation_config.json", "model.safetensors", "onnx"],
        ...["tokenizer.json", "tokenizer_config.json"],
      ],
    ]);
    const json = (name: string) => JSON.parse(readFileSync(join(out, name), "utf8"));
    const tokenizer = openTokenizer(json("tokenizer.json") as TokenizerFile);
    expect(json("config.json")).toMatchObject({
      ...{ model_type: "gpt2", n_layer: 1, n_head: 2, n_embd: 16, n_positions: 16 },
      ...{ vocab_size: tokenizer.vocabulary, eos_token_id: tokenizer.special.end },
    });
    const { tensors } = decodeSafetensors(readFileSync(join(out, "model.safetensors")), "model");
    expect(tensors.get("transformer.h.0.attn.c_attn.weight")?.shape).toEqual([16, 48]);
    expect(tensors.has("lm_head.weight")).toBe(false);
    const session = await createSession(readFileSync(join(out, "onnx/model.onnx")), { threads: 1 });
    const long = (values: number[]) =>
      tensor(BigInt64Array.from(values, BigInt), [1, values.length]);
    const written = tokenizer.encode("abcd");
    let fresh = written.slice();
    let past = [0, 1].map(() => tensor(new Float32Array(0), [1, 2, 0, 8]));
    for (let i = 0; i < 8; i++) {
      const feeds = new Map([
        ["input_ids", long(fresh)],
        ["attention_mask", long(written.map(() => 1))],
        ["position_ids", long(fresh.map((_, j) => written.length - fresh.length + j))],
        ["past_key_values.0.key", past[0]!],
        ["past_key_values.0.value", past[1]!],
      ]);
      const result = await session.run(feeds);
      past = [result.get("present.0.key")!, result.get("present.0.value")!];
      const { data, shape } = result.get("logits")!;
      const last = (data as Float32Array).subarray(data.length - shape[2]!);
      fresh = [last.indexOf(Math.max(...last))];
      written.push(...fresh);
    }
    await session.release();
    expect(tokenizer.decode(written)).toBe("abcd efgh. a");
  });
});
