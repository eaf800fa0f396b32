import type { Option } from "commander";
import { findMethod } from "../methods/catalogue.ts";
import type { MethodDefinition } from "../step/index.ts";
import { ReparamError } from "../tensor/index.ts";
import { methodFlags, optionsOf, parseOptions } from "./method-flags.ts";
import type { Context } from "./terminal.ts";

/** Options of a method's procedures, and their flags. */
export interface ProcedureFlags {
  readonly flags: readonly Option[];
  /** Those that were given, with the defaults of the rest; undefined where the run's method has no procedures. */
  readonly parse: (
    given: Readonly<Record<string, unknown>>,
  ) => Readonly<Record<string, unknown>> | undefined;
  /** Whether any of the flags was given. */
  readonly any: (given: Readonly<Record<string, unknown>>) => boolean;
}

const none: ProcedureFlags = { flags: [], parse: () => undefined, any: () => false };

/**
 * The flags of the procedures of the run that `verb RUN` names, which is looked for in the command line first.
 * None where that is no run: the verb itself says what is wrong with it.
 */
export async function procedureFlags({ argv }: Context, verb: string): Promise<ProcedureFlags> {
  const folder = argv[0] === verb ? argv[1] : undefined;
  if (folder === undefined || folder.startsWith("-")) return none;
  const { readConfig } = await import("../run/index.ts");
  let definition: MethodDefinition;
  try {
    definition = await findMethod((await readConfig(folder)).method);
  } catch (error) {
    if (error instanceof ReparamError) return none;
    throw error;
  }
  const { procedureOptions } = definition;
  if (procedureOptions === undefined) return none;
  const described = { ...definition, options: procedureOptions };
  const names = optionsOf(described).map(({ name }) => name);
  return {
    flags: methodFlags(described).map((flag) => flag.helpGroup("Sampling:")),
    parse: (given) => parseOptions(described, given),
    any: (given) => names.some((name) => given[name] !== undefined),
  };
}
