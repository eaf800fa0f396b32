import { join } from "node:path";
import { type Command, Option } from "commander";
import { formatBytes } from "../report/table.ts";
import { ReparamError } from "../tensor/index.ts";
import { openText } from "./generate.ts";
import { procedureFlags } from "./procedure-flags.ts";
import { openTrained, openWeights } from "./runs.ts";
import type { Context } from "./terminal.ts";
import { checkText } from "./training.ts";
import { addVerb, type Figures } from "./verb.ts";

export async function addExportVerb(program: Command, context: Context): Promise<Command> {
  const procedure = await procedureFlags(context, "export");
  return addVerb(program, context, {
    usage: "export <run>",
    description: "Writes the model's functions as ONNX files, and checks each against the library.",
    examples: [
      "export runs/gaussian-vae-mnist-1",
      "export runs/gaussian-vae-mnist-1 --out models",
      "export runs/diffusion-fashion-mnist-1 --sampler heun --steps 10",
      "export runs/gpt-state-of-the-union-1 --hugging-face --out my-gpt",
    ],
    options: [
      new Option(
        "--out <folder>",
        "folder for the files (default: the run's, with --hugging-face one in it)",
      ),
      new Option(
        "--hugging-face",
        "write the folder that transformers and transformers.js load, of gpt and bert",
      ),
      ...procedure.flags,
    ],
    action: async ([folder = ""], flags, ctx) => {
      if (flags.huggingFace === true) return exportHuggingFace(folder, flags, ctx);
      const { exportFunctions, exportMetadata, makeFolder, readMetrics, updateSummary } =
        await import("../run/index.ts");
      const { method, weights, config, dataset } = await openTrained(folder, ctx);
      const out = (flags.out as string | undefined) ?? folder;
      await makeFolder(out);
      const lines = await readMetrics(folder);
      const test = lines.findLast((line) => line.kind === "evaluation");
      const files = await exportFunctions(method, weights, out, {
        threads: config.threads,
        split: dataset.test,
        metadata: exportMetadata(config, test),
        procedureOptions: procedure.any(flags) ? procedure.parse(flags) : undefined,
      });
      if (out === folder) await updateSummary(folder, { exports: files });
      for (const { file, bytes, inputs, outputs, maxDifference } of files) {
        ctx.say(`${join(out, file)}: ${inputs.join(", ")} → ${outputs.join(", ")}`);
        ctx.say(`  ${formatBytes(bytes)}, ${checkText(maxDifference)}`);
      }
      return { run: folder, folder: out, files };
    },
  });
}

/** Writes the folder of a run of text that Hugging Face's libraries load. */
async function exportHuggingFace(
  folder: string,
  flags: Readonly<Record<string, unknown>>,
  ctx: Context,
): Promise<Figures> {
  const { writeHuggingFace } = await import("../run/index.ts");
  const run = await openText(folder);
  if (run === undefined) {
    throw new ReparamError(`--hugging-face: ${folder} was not trained on text. Leave it out.`);
  }
  const { weights } = await openWeights({ folder, method: run.method }, ctx);
  const out = (flags.out as string | undefined) ?? join(folder, "hugging-face");
  const files = await writeHuggingFace(run.method, weights, run.tokenizer, out);
  for (const { file, bytes } of files) ctx.say(`${join(out, file)}  (${formatBytes(bytes)})`);
  return { run: folder, folder: out, files };
}
