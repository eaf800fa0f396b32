import { type Command, Option } from "commander";
import type { SplitName } from "../data/index.ts";
import type { Evaluation } from "../run/index.ts";
import { ReparamError } from "../tensor/index.ts";
import { openTrained } from "./runs.ts";
import type { Context } from "./terminal.ts";
import { evaluationLine } from "./training.ts";
import { addVerb, integerOption } from "./verb.ts";

export const addEvalVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "eval <run>",
    description: "Figures of a trained model on data it has not seen: mean ± standard error.",
    examples: [
      "eval runs/gaussian-vae-mnist-1",
      "eval runs/gaussian-vae-mnist-1 --split validation --samples 100 --seed 1",
    ],
    options: [
      new Option("--split <name>", "part of the data")
        .choices(["train", "validation", "test"])
        .default("test"),
      integerOption("--samples <n>", "samples of the importance-weighted bound"),
      new Option("--no-bound", "leave out the importance-weighted bound, which takes longest"),
      integerOption("--limit <n>", "use at most this many rows"),
      integerOption("--seed <n>", "of the noise (default: the run's)", 0),
    ],
    action: async ([folder = ""], flags, ctx) => {
      const samples = flags.samples as number | undefined;
      const override = samples === undefined ? {} : { boundSamples: samples };
      const { compileFunction, evaluateSplit } = await import("../run/index.ts");
      const { takeSamples } = await import("../data/index.ts");
      const run = await openTrained(folder, ctx, override);
      const { method, weights, config, dataset } = run;
      if (samples !== undefined && !("boundSamples" in run.definition.options.shape)) {
        throw new ReparamError(`--samples: ${method.name} has no importance-weighted bound.`);
      }
      const name = flags.split as SplitName;
      const rows = Math.min(dataset[name].length, (flags.limit as number | undefined) ?? Infinity);
      const split = takeSamples(
        dataset[name],
        Uint32Array.from({ length: rows }, (_, i) => i),
      );
      const wanted = (["evaluate", "bound"] as const).filter(
        (each) =>
          method.functions[each] !== undefined && (each !== "bound" || flags.bound !== false),
      );
      if (wanted.length === 0) throw new ReparamError(`${method.name} has nothing to evaluate.`);
      const seed = (flags.seed as number | undefined) ?? config.seed;
      const results: Record<string, Evaluation> = {};
      for (const each of wanted) {
        const compiled = await compileFunction(method, each, weights, { threads: config.threads });
        const result = await evaluateSplit(compiled, split, {
          seed,
          onProgress: counter(ctx, each),
        });
        await compiled.release();
        results[each] = result;
        ctx.say(evaluationLine(name, result));
        if (each === "bound") ctx.say(`  ${compiled.definition.summary}`);
      }
      return { run: folder, split: name, seed, ...results };
    },
  });

/** Shows how far a long evaluation is, on a terminal. */
function counter({ terminal }: Context, name: string): (done: number, total: number) => void {
  const { stderr } = terminal;
  if (stderr.isTTY !== true) return () => undefined;
  return (done, total) => {
    stderr.write(done === total ? "\r\u001b[K" : `\r\u001b[K${name} ${done}/${total}`);
  };
}
