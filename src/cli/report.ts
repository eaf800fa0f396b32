import { join } from "node:path";
import { type Command, Option } from "commander";
import type { Context } from "./terminal.ts";
import { addVerb } from "./verb.ts";

export const addReportVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "report <run>",
    description: "Writes a run's report anew: one HTML file that needs nothing else.",
    examples: [
      "report runs/gaussian-vae-mnist-1",
      "report runs/gaussian-vae-mnist-1 --out report.html",
    ],
    options: [new Option("--out <file>", "file to write (default: report.html of the run)")],
    action: async ([folder = ""], flags, ctx) => {
      const { writeReport } = await import("../run/index.ts");
      const path = (flags.out as string | undefined) ?? join(folder, "report.html");
      await writeReport(folder, path);
      ctx.say(path);
      return { run: folder, report: path };
    },
  });
