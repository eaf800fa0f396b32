import { join } from "node:path";
import { type Command, Option } from "commander";
import { formatBytes } from "../report/table.ts";
import { openTrained } from "./runs.ts";
import type { Context } from "./terminal.ts";
import { checkText } from "./training.ts";
import { addVerb } from "./verb.ts";

export const addExportVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "export <run>",
    description: "Writes the model's functions as ONNX files, and checks each against the library.",
    examples: ["export runs/gaussian-vae-mnist-1", "export runs/gaussian-vae-mnist-1 --out models"],
    options: [new Option("--out <folder>", "folder for the files (default: the run's)")],
    action: async ([folder = ""], flags, ctx) => {
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
      });
      if (out === folder) await updateSummary(folder, { exports: files });
      for (const { file, bytes, inputs, outputs, maxDifference } of files) {
        ctx.say(`${join(out, file)}: ${inputs.join(", ")} → ${outputs.join(", ")}`);
        ctx.say(`  ${formatBytes(bytes)}, ${checkText(maxDifference)}`);
      }
      return { run: folder, folder: out, files };
    },
  });
