import { readFileSync } from "node:fs";
import { InvalidArgumentError, Option } from "commander";
import { z } from "zod";
import type { MethodDefinition } from "../step/index.ts";
import { ReparamError } from "../tensor/index.ts";

/** A field of a method's options, as its flag and its help show it. */
export interface OptionInfo {
  readonly name: string;
  readonly flag: string;
  readonly type: "number" | "integer" | "boolean" | "string";
  readonly choices: readonly string[] | undefined;
  readonly default: unknown;
  readonly description: string;
}

/** The flag of an option: `learningRate` is `--learning-rate`. */
export const flagOf = (name: string): string =>
  `--${name.replaceAll(/([a-z\d])([A-Z])/g, "$1-$2").toLowerCase()}`;

interface FieldSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
}

/** The options of a method, read off its schema. */
export function optionsOf(definition: MethodDefinition): OptionInfo[] {
  const schema = z.toJSONSchema(definition.options, { io: "input", unrepresentable: "any" });
  const fields = (schema.properties ?? {}) as Record<string, FieldSchema>;
  return Object.entries(fields).map(([name, field]) => ({
    name,
    flag: flagOf(name),
    type:
      (["number", "integer", "boolean"] as const).find((type) => type === field.type) ?? "string",
    choices: field.enum?.map(String),
    default: field.default,
    description: field.description ?? "",
  }));
}

/** The flags of a method: kebab case, numbers checked, `--no-…` for booleans that are on by default. */
export function methodFlags(definition: MethodDefinition): Option[] {
  return optionsOf(definition).flatMap(flagsOf);
}

function flagsOf({ flag, type, choices, default: value, description }: OptionInfo): Option[] {
  const help = value === undefined ? description : `${description} (default: ${String(value)})`;
  if (type === "boolean") {
    return [
      value === true ? new Option(flag.replace("--", "--no-"), help) : new Option(flag, help),
    ];
  }
  if (choices !== undefined) return [new Option(`${flag} <name>`, help).choices(choices)];
  if (type === "string") return [new Option(`${flag} <text>`, help).argParser(textOrFile)];
  const option = new Option(`${flag} <${type}>`, help).argParser((text) => {
    const number = Number(text);
    if (text.trim() === "" || Number.isNaN(number)) {
      throw new InvalidArgumentError(
        `It must be ${type === "integer" ? "an integer" : "a number"}.`,
      );
    }
    return number;
  });
  return [option];
}

/** A text as it is, or that of the file after an `@`, as curl has it. */
function textOrFile(text: string): string {
  if (!text.startsWith("@")) return text;
  try {
    return readFileSync(text.slice(1), "utf8").trim();
  } catch (error) {
    throw new InvalidArgumentError(
      `${text.slice(1)} cannot be read: ${(error as Error).message.replace(/,.*/, "")}.`,
    );
  }
}

/** The method's options from the flags that were given and its defaults. */
export function parseOptions(
  definition: MethodDefinition,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const known = optionsOf(definition);
  // Commander sets the flag of a `--no-…` option to true when it is absent, which is the default.
  const picked = known
    .filter(({ name }) => given[name] !== undefined)
    .map(({ name }) => [name, given[name]]);
  const parsed = definition.options.safeParse(Object.fromEntries(picked));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = String(issue?.path[0] ?? "");
  const info = known.find((option) => option.name === name);
  const message = issue?.message ?? "it does not fit";
  throw new ReparamError(`${info?.flag ?? name} ${String(given[name])}: ${lowerFirst(message)}.`);
}

const lowerFirst = (text: string): string =>
  `${text.slice(0, 1).toLowerCase()}${text.slice(1)}`.replace(/\.$/, "");
