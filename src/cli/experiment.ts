import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { ReparamError } from "../tensor/index.ts";
import type { Context } from "./terminal.ts";
import { addVerb } from "./verb.ts";

/** Experiments are part of the repository, not of the published package. */
const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = join(root, "experiments");

interface Experiment {
  readonly name: string;
  /** What the comment at its top says before the command. */
  readonly summary: string;
}

function experiments(): readonly Experiment[] {
  if (!existsSync(folder)) {
    throw new ReparamError(
      "experiments come with the repository, not with the package. Clone it and use npm run reparam -- experiment.",
    );
  }
  return readdirSync(folder)
    .filter((file) => file.endsWith(".ts"))
    .sort()
    .map((file) => {
      const lines = readFileSync(join(folder, file), "utf8").split("\n");
      const end = lines.findIndex((line) => !line.startsWith("//") || line.startsWith("// npx"));
      const summary = lines.slice(0, end).map((line) => line.replace(/^\/\/ ?/, ""));
      return { name: file.slice(0, -3), summary: summary.join(" ") };
    });
}

/** Runs the file in a process of its own; Ctrl-C reaches it through the terminal. */
function run(name: string, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, ["--import", "tsx", join(folder, `${name}.ts`), ...args], {
    cwd: root,
    stdio: "inherit",
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 130));
  });
}

export function addExperimentVerb(program: Command, context: Context): Command {
  const command = addVerb(program, context, {
    usage: "experiment [name] [flags...]",
    description:
      "Runs an experiment of the repository, one claim of a paper each; without a name, lists them. Flags such as --quick and --json go to the experiment.",
    examples: ["experiment", "experiment gradient-variance --quick"],
    action: async ([name], _flags, { say }) => {
      const known = experiments();
      if (name === undefined) {
        const { textTable } = await import("../report/table.ts");
        const rows = known.map((each) => [each.name, each.summary]);
        say(textTable(["experiment", "what it shows"], rows));
        return { experiments: known };
      }
      if (!known.some((each) => each.name === name)) {
        const names = known.map((each) => each.name).join(", ");
        throw new ReparamError(`there is no experiment "${name}". There are ${names}.`);
      }
      context.exitCode = await run(name, context.argv.slice(context.argv.indexOf(name) + 1));
      return {};
    },
  });
  return command.allowUnknownOption().passThroughOptions();
}
