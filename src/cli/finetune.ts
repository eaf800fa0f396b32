import type { Command } from "commander";
import { findMethod } from "../methods/catalogue.ts";
import { methodFlags } from "./method-flags.ts";
import type { Context } from "./terminal.ts";
import { requestOf, trainOptions } from "./train.ts";
import { trainNew } from "./training.ts";
import { addVerb } from "./verb.ts";

/** Adds `finetune`: a training of the method of that name that begins with a file. */
export async function addFinetuneVerb(program: Command, context: Context): Promise<Command> {
  // The schema is read where it is needed only: other verbs start without it.
  const definition = context.argv[0] === "finetune" ? await findMethod("finetune") : undefined;
  const command = addVerb(program, context, {
    usage: "finetune <model>",
    description: "Trains a model read from an ONNX file on, all of it or a part.",
    examples: [
      "finetune resnet.onnx --data cifar10 --new-head --train 'layer4*'",
      "finetune model.onnx --data fashion-mnist --rates 'conv*=1e-5' --learning-rate 1e-3",
      "finetune gpt.onnx --data notes.txt --tokenizer tokenizer.json --lora '*' --lora-rank 4",
    ],
    options: trainOptions(definition),
    action: async ([model = ""], given, ctx) =>
      trainNew({ ...(await requestOf(await findMethod("finetune"), given)), model }, ctx),
  });
  for (const flag of definition === undefined ? [] : methodFlags(definition)) {
    command.addOption(flag.helpGroup("Options of the method:"));
  }
  return command;
}
