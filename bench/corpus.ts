// A gpt trained on a real text here and in PyTorch, from the same weights on the same batches: bits a character of the
// test text, the time of either training, and how fast each continues a text.
//   npx tsx bench/corpus.ts [--steps N] [--batch-size N] [--seed N] [--threads N] [--data NAME] [--json]
// REPARAM_PYTHON names the Python to ask for torch; python3 otherwise. The other options are those of gpt by default.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createLoader, type Dataset, loadDataset } from "../src/data/index.ts";
import { gpt } from "../src/methods/transformer/gpt.ts";
import { type TrainedModel, train } from "../src/model.ts";
import { dataShape, encodeSafetensors, openGenerator } from "../src/run/index.ts";
import { initialState } from "../src/step/index.ts";
import { leafMap, ReparamError, type Tensor, type Tree, tensor } from "../src/tensor/index.ts";
import { findPeer, type Peer } from "./side.ts";

const { values: flags } = parseArgs({
  options: {
    steps: { type: "string", default: "300" },
    "batch-size": { type: "string", default: "8" },
    seed: { type: "string", default: "0" },
    threads: { type: "string", default: "2" },
    data: { type: "string", default: "state-of-the-union" },
    json: { type: "boolean", default: false },
  },
});
const [steps, batchSize, seed, threads] = [
  flags.steps,
  flags["batch-size"],
  flags.seed,
  flags.threads,
].map(Number) as [number, number, number, number];
const context = 128;
const testWindows = 256;
/** A text is continued this often by either side; the fastest counts. */
const repeats = 3;

const options = gpt.options.parse({
  ...{ learningRate: 3e-3, warmupSteps: 50, decaySteps: steps },
});
const sizes = { layers: options.layers, features: options.width, heads: options.heads, context };

const parameters = (tree: Tree<Tensor>): [string, Tensor][] =>
  [...leafMap(tree)].map(([path, value]) => [`param:${path}`, value]);

/** Everything that a training of `data` is made of: its first weights and its batches; and the test windows. */
function numbersOf(data: Dataset): Map<string, Tensor> {
  const [phase] = gpt.create(options, dataShape(data, batchSize)).phases;
  const { params } = initialState(phase!, seed) as { params: Tree<Tensor> };
  const loader = createLoader(data.train, { batchSize, seed });
  const batches = new Int32Array(steps * batchSize * (context + 1));
  for (let i = 0; i < steps; i++) {
    batches.set(loader.batch(i).tokens!.data as Int32Array, i * batchSize * (context + 1));
  }
  const rows = data.test.columns.tokens!.data;
  return new Map([
    ...parameters(params),
    ["batches", tensor(batches, [steps, batchSize, context + 1])],
    ["test", tensor(Int32Array.from(rows as Int32Array), [data.test.length, context + 1])],
  ]);
}

/** What bench/peer/corpus.py answers. */
function ask<T>({ python }: Peer, numbers: Map<string, Tensor>, settings: object): T {
  const folder = mkdtempSync(join(tmpdir(), "reparam-corpus-"));
  try {
    const file = join(folder, "numbers.safetensors");
    writeFileSync(file, encodeSafetensors({ tensors: numbers, metadata: {} }));
    const script = fileURLToPath(new URL("peer/corpus.py", import.meta.url));
    const args = [script, file, JSON.stringify(settings), "--threads", String(threads)];
    // Threads that wait without spinning: the faster of the two ways for PyTorch on few cores.
    const env = { OMP_WAIT_POLICY: "PASSIVE", ...process.env };
    const { status, stdout, stderr } = spawnSync(python, args, { encoding: "utf8", env });
    if (status === 0) return JSON.parse(stdout) as T;
    throw new ReparamError(`PyTorch: ${stderr.trim().split("\n").at(-1)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Ids that follow a prompt, the likeliest each time, and the seconds of the fastest of a few tries. */
async function continued(
  { method, weights, dataset }: TrainedModel,
  prompt: readonly number[],
  count: number,
) {
  const generator = await openGenerator(method, weights, dataset.tokenizer!, { threads });
  const times: number[] = [];
  let tokens: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    tokens = [];
    for await (const id of generator.tokens(prompt, { tokens: count, temperature: 0 })) {
      tokens.push(id);
    }
    times.push((performance.now() - start) / 1000);
  }
  await generator.release();
  return { tokens, seconds: Math.min(...times) };
}

interface PerStep {
  readonly wall: number;
  /** Of all threads together. */
  readonly cpu: number;
}

/** Seconds of a step, from the first report of a training on, so without what stands before it. */
function stepClock() {
  const marks: { step: number; wall: number; cpu: number }[] = [];
  return {
    tick: (step: number): void => {
      const { user, system } = process.cpuUsage();
      marks.push({ step, wall: performance.now() / 1e3, cpu: (user + system) / 1e6 });
    },
    perStep: (): PerStep => {
      const [first, last] = [marks[0]!, marks.at(-1)!];
      const count = last.step - first.step;
      return { wall: (last.wall - first.wall) / count, cpu: (last.cpu - first.cpu) / count };
    },
  };
}

const peer = findPeer();
if (peer === undefined) {
  console.error("a Python with torch is missing. Set REPARAM_PYTHON to one.");
  process.exit(2);
}
// No validation, which a training would end with.
const load = { tokenizer: "characters", context, validation: 0 } as const;
const whole = await loadDataset(flags.data, load);
const { test } = await loadDataset(flags.data, { ...load, limit: testWindows });
const data = { ...whole, test };
const { vocabulary } = data.tokenizer!;
console.log(
  `${steps} steps of ${batchSize} windows of ${context} characters, seed ${seed}, ${threads} threads; PyTorch ${peer.torch}`,
);

const start = performance.now();
const clock = stepClock();
const model = await train("gpt", {
  ...{ data, steps, batchSize, seed, threads, options },
  onProgress: ({ step }) => clock.tick(step),
});
const seconds = (performance.now() - start) / 1000;
const perStep = clock.perStep();
const { bitsPerCharacter = Number.NaN } = (await model.evaluate("test")).metrics;
const settings = { ...options, sizes: { ...sizes, vocabulary } };
const torch = ask<{ nats: number; seconds: number; perStep: PerStep }>(
  peer,
  numbersOf(data),
  settings,
);
const torchBits = torch.nats / Math.LN2 / (test.charactersPerToken ?? 1);

console.log(
  `bits a character of ${testWindows} test windows: ${bitsPerCharacter.toFixed(4)}, PyTorch ${torchBits.toFixed(4)} (${(100 * (bitsPerCharacter / torchBits - 1)).toFixed(2)} %)`,
);
console.log(
  `training: ${seconds.toFixed(1)} s with tracing and compiling, PyTorch ${torch.seconds.toFixed(1)} s`,
);
const ms = ({ wall, cpu }: PerStep): string =>
  `${(1e3 * wall).toFixed(1)} ms (${(1e3 * cpu).toFixed(1)} of a core)`;
console.log(`a step: ${ms(perStep)}, PyTorch ${ms(torch.perStep)}`);

const prompt = data.tokenizer!.encode("My fellow ");
const count = context - prompt.length;
const own = await continued(model, prompt, count);
const { params } = model.weights as { params: Tree<Tensor> };
const other = ask<{ tokens: number[]; seconds: number }>(peer, new Map(parameters(params)), {
  ...{ sizes: settings.sizes, prompt, count, repeats },
});
const same = own.tokens.join() === other.tokens.join();
const figures = {
  ...{ steps, batchSize, seed, threads, torch: peer.torch },
  bitsPerCharacter: { reparam: bitsPerCharacter, torch: torchBits },
  seconds: { reparam: seconds, torch: torch.seconds },
  perStep: { reparam: perStep, torch: torch.perStep },
  tokensPerSecond: { reparam: count / own.seconds, torch: count / other.seconds },
  sameText: same,
};
console.log(
  `${count} characters one by one: ${(count / own.seconds).toFixed(0)} a second, PyTorch ${(count / other.seconds).toFixed(0)}; ${same ? "the same text" : "other texts"}: ${data.tokenizer!.decode(own.tokens).slice(0, 60)}`,
);
if (flags.json) console.log(JSON.stringify(figures));
