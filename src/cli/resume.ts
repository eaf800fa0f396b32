import { type Command, Option } from "commander";
import type { Context } from "./terminal.ts";
import { pictureOption, profileOption } from "./train.ts";
import { resumeRun } from "./training.ts";
import { addVerb, numberOption } from "./verb.ts";

export const addResumeVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "resume <run>",
    description: "Goes on with a run that was stopped, from its newest checkpoint.",
    examples: ["resume runs/gaussian-vae-mnist-1"],
    options: [
      numberOption("--checkpoint-seconds <s>", "most seconds between checkpoints (default: 20)"),
      pictureOption(),
      new Option("--no-export", "write no ONNX files at the end"),
      profileOption(),
    ],
    action: ([folder = ""], flags, ctx) =>
      resumeRun(
        folder,
        {
          exports: flags.export !== false,
          checkpointSeconds: flags.checkpointSeconds as number | undefined,
          pictureEvery: flags.pictureEvery as number | undefined,
          profile: flags.profile as number | undefined,
        },
        ctx,
      ),
  });
