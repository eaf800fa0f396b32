import type { Command } from "commander";
import { findMethod } from "../methods/catalogue.ts";
import { dataOf } from "../step/definition.ts";
import { optionsOf } from "./method-flags.ts";
import type { Context } from "./terminal.ts";
import { addVerb } from "./verb.ts";

export const addInfoVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "info <method>",
    description: "What a method is, where it comes from, and its options.",
    examples: ["info gaussian-vae"],
    action: async ([name = ""], _flags, { say }) => {
      const definition = await findMethod(name);
      const { textTable } = await import("../report/table.ts");
      const options = optionsOf(definition);
      const { batchSize, epochs } = definition.training;
      say(`${definition.name}: ${definition.summary}`);
      say(`${definition.paper}\n`);
      say(
        `Trains on ${dataOf(definition)} for ${epochs} epochs in batches of ${batchSize} unless told otherwise.\n`,
      );
      const rows = options.map(({ flag, type, choices, default: value, description }) => [
        flag,
        choices?.join(" | ") ?? type,
        value === undefined ? "" : String(value),
        description,
      ]);
      say(textTable(["option", "value", "default", "what it does"], rows));
      const { summary, paper, training } = definition;
      return { method: name, summary, paper, training, options };
    },
  });
