import type { Command } from "commander";
import { catalogue } from "../methods/catalogue.ts";
import type { Context } from "./terminal.ts";
import { addVerb } from "./verb.ts";

export const addListVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "list",
    description: "The methods, one a line.",
    examples: ["list", "list --json"],
    action: async (_args, _flags, { say }) => {
      const { textTable } = await import("../report/table.ts");
      const methods = catalogue.map(({ name, summary }) => ({ name, summary }));
      say(
        textTable(
          ["method", "what it is"],
          methods.map(({ name, summary }) => [name, summary]),
        ),
      );
      return { methods };
    },
  });
