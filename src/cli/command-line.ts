import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { ReparamError } from "../tensor/index.ts";
import { addDataVerb } from "./data.ts";
import { addDecodeVerb } from "./decode.ts";
import { addDoctorVerb } from "./doctor.ts";
import { addEncodeVerb } from "./encode.ts";
import { addEvalVerb } from "./eval.ts";
import { addExperimentVerb } from "./experiment.ts";
import { addExportVerb } from "./export.ts";
import { addFinetuneVerb } from "./finetune.ts";
import { addInfoVerb } from "./info.ts";
import { addInspectVerb } from "./inspect.ts";
import { addLatentVerb } from "./latent.ts";
import { addListVerb } from "./list.ts";
import { addMapVerb } from "./map.ts";
import { addMiVerb } from "./mi.ts";
import { addNeighboursVerb } from "./neighbours.ts";
import { addOdeVerb } from "./ode.ts";
import { addReportVerb } from "./report.ts";
import { addResumeVerb } from "./resume.ts";
import { addSampleVerb } from "./sample.ts";
import { type Context, createContext, type Terminal } from "./terminal.ts";
import { addTrainVerb } from "./train.ts";
import { addTuneVerb } from "./tune.ts";

/**
 * Runs a command line, for example `["train", "gaussian-vae", "--epochs", "3"]`. Returns the status to exit
 * with: 0, or 2 after one line about what the user can put right, or 130 when interrupted.
 * Bugs are thrown.
 */
export async function runCommandLine(argv: readonly string[], terminal: Terminal): Promise<number> {
  const context = createContext(terminal, argv);
  try {
    const program = await assemble(argv, context);
    await program.parseAsync([...argv], { from: "user" });
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0 || error.code === "commander.help") return 0;
      context.note(`reparam: ${oneLine(error.message.replace(/^error: /, ""))}`);
      return 2;
    }
    if (!(error instanceof ReparamError)) throw error;
    context.note(`reparam: ${oneLine(error.message)}`);
    return 2;
  }
}

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, " ");

async function assemble(argv: readonly string[], context: Context): Promise<Command> {
  const { terminal } = context;
  const program = new Command("reparam")
    .description("Trains generative and representation models and ships them as ONNX.")
    .version(packageVersion())
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      // Errors come back as exceptions and are printed in one place; help goes where it was asked for.
      writeErr: (text) => void (argv.length === 0 ? terminal.stdout.write(text) : undefined),
    })
    .configureHelp({ showGlobalOptions: false })
    .addHelpText(
      "after",
      "\nA first run:\n  reparam train gaussian-vae --data mnist --epochs 3\n\nHelp for a verb: reparam VERB --help",
    );
  addListVerb(program, context);
  addInfoVerb(program, context);
  await addTrainVerb(program, context);
  await addFinetuneVerb(program, context);
  addResumeVerb(program, context);
  await addSampleVerb(program, context);
  addLatentVerb(program, context);
  addTuneVerb(program, context);
  addEncodeVerb(program, context);
  addDecodeVerb(program, context);
  addEvalVerb(program, context);
  await addExportVerb(program, context);
  addReportVerb(program, context);
  addExperimentVerb(program, context);
  addDataVerb(program, context);
  addOdeVerb(program, context);
  addMiVerb(program, context);
  addNeighboursVerb(program, context);
  addMapVerb(program, context);
  addInspectVerb(program, context);
  addDoctorVerb(program, context);
  return program;
}

const packageVersion = (): string => {
  const path = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
};
