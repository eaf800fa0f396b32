import { type Command, InvalidArgumentError, Option } from "commander";
import type { Context } from "./terminal.ts";

/** Every figure that the text of a verb shows, as one JSON object. */
export type Figures = Readonly<Record<string, unknown>>;

/** What a verb does: prints through the context, and returns the same figures for `--json`. */
export type Action = (
  args: readonly string[],
  flags: Readonly<Record<string, unknown>>,
  context: Context,
) => Promise<Figures>;

export interface VerbOptions {
  /** Name and arguments, for example `sample <run>`. */
  readonly usage: string;
  readonly description: string;
  /** Command lines without the leading `reparam`. */
  readonly examples: readonly string[];
  readonly options?: readonly Option[];
  readonly action: Action;
}

/** Adds a verb to the program, with `--json` and its examples below the help. */
export function addVerb(program: Command, context: Context, verb: VerbOptions): Command {
  const command = program.command(verb.usage).description(verb.description);
  for (const option of verb.options ?? []) command.addOption(option);
  command.option("--json", "end with one line of JSON that holds every figure");
  const examples = verb.examples.map((example) => `  reparam ${example}`).join("\n");
  command.addHelpText("after", `\nExamples:\n${examples}`);
  return command.action(async (...given: unknown[]) => {
    const flags = command.opts();
    const args = given.slice(0, -2).filter((arg): arg is string => typeof arg === "string");
    const figures = await verb.action(args, flags, context);
    if (flags.json === true) context.say(JSON.stringify(figures));
  });
}

/** An option whose value is an integer of at least `least`. */
export const integerOption = (flags: string, description: string, least = 1): Option =>
  new Option(flags, description).argParser((text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`It must be an integer of at least ${least}.`);
    }
    return value;
  });

/** An option whose value is a finite number of at least 0. */
export const numberOption = (flags: string, description: string): Option =>
  new Option(flags, description).argParser((text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value) || value < 0) {
      throw new InvalidArgumentError("It must be a number of at least 0.");
    }
    return value;
  });
