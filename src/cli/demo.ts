import { existsSync } from "node:fs";
import { findMethod } from "../methods/catalogue.ts";
import { formatDuration } from "../report/table.ts";
import { ReparamError } from "../tensor/index.ts";
import { flagOf, parseOptions } from "./method-flags.ts";
import { type Context, createContext, processTerminal } from "./terminal.ts";
import { defaultThreads } from "./train.ts";
import { trainNew } from "./training.ts";

/** The two models of the demo, with settings that take about two minutes in all on two cores. */
const acts = [
  {
    method: "gaussian-vae",
    epochs: 6,
    options: {},
    story:
      "A variational autoencoder: 784 pixels through 400 hidden units to 20 Gaussian latents and back.",
  },
  {
    method: "categorical-vae",
    epochs: 3,
    options: { width: 16, features: 256, warmupSteps: 600 },
    story:
      "The same bound with 32 categorical latents of 10 classes, trained through Gumbel-softmax samples.",
  },
] as const;

/** The first free of `runs/demo-1`, `runs/demo-2`, …, which holds both runs. */
function demoFolder(): string {
  let n = 1;
  while (existsSync(`runs/demo-${n}`)) n++;
  return `runs/demo-${n}`;
}

async function demo(context: Context): Promise<void> {
  const { say } = context;
  const start = performance.now();
  const root = demoFolder();
  say(
    "Two generative models learn to write digits: traced in TypeScript, trained by ONNX Runtime.",
  );
  const figures: Record<string, unknown> = {};
  for (const { method, epochs, options, story } of acts) {
    say(`\n${method}: ${story}`);
    say(`Training on the 55000 digits of MNIST for ${epochs} epochs …`);
    const definition = await findMethod(method);
    const folder = `${root}/${method}`;
    const flags = Object.entries(options).flatMap(([name, value]) => [flagOf(name), String(value)]);
    const argv = ["train", method, "--epochs", String(epochs), "--out", folder, ...flags];
    const inner = createContext(context.terminal, argv);
    figures[method] = await trainNew(
      {
        definition,
        options: parseOptions(definition, options),
        data: { name: "mnist" },
        seed: 0,
        threads: defaultThreads(),
        device: "cpu",
        batchSize: definition.training.batchSize,
        epochs,
        logEvery: 50,
        folder,
        exports: true,
      },
      inner,
    );
    context.exitCode = inner.exitCode;
    if (inner.exitCode !== 0) return;
  }
  const seconds = (performance.now() - start) / 1000;
  say(
    `\nDone in ${formatDuration(seconds)}. Look at the pictures and the reports above, then try:`,
  );
  say(`  npm run reparam -- sample ${root}/gaussian-vae --count 100 --seed 1 --out grid.png`);
  say("  npm run reparam -- train gaussian-vae --data fashion-mnist --epochs 5");
  if (process.argv.includes("--json")) say(JSON.stringify({ seconds, ...figures }));
}

const context = createContext(processTerminal(), process.argv.slice(2));
try {
  await demo(context);
  process.exitCode = context.exitCode;
} catch (error) {
  if (!(error instanceof ReparamError)) throw error;
  context.note(`reparam: ${error.message}`);
  process.exitCode = 2;
}
