import type { z } from "zod";
import type { DataShape, Method } from "./method.ts";

/**
 * A method as the catalogue knows it. The zod schema of its options is the one source of the command
 * line's flags, their validation, the help text and the docs: every field has a default and a
 * `.describe()` with its unit or source.
 */
export interface MethodDefinition<Schema extends z.ZodObject = z.ZodObject> {
  /** The name in the literature, in kebab case. */
  readonly name: string;
  /** One line for `list`. */
  readonly summary: string;
  /** Author, title, year, equation. */
  readonly paper: string;
  readonly options: Schema;
  /** Options of the method's procedures, where it has some: one schema for all. */
  readonly procedureOptions?: z.ZodObject;
  /** Settings of a run that suit the method where the user names none. */
  readonly training: {
    readonly batchSize: number;
    readonly epochs: number;
    /** Name of a data set. Default "mnist". */
    readonly data?: string;
    /** How data are loaded where the user does not say: a language model wants `tokenizer`. */
    readonly load?: Readonly<Record<string, unknown>>;
    /** Steps that a line of the log is a mean over. Default 50. */
    readonly logEvery?: number;
  };
  /** Nothing else says how good the model is: `eval` draws samples and compares them with the data. */
  readonly judgedBySamples?: boolean;
  /** The method for this data. Throws ReparamError where the data does not fit. */
  readonly create: (options: z.infer<Schema>, data: DataShape) => Method;
}

/** Gives a definition its schema's types. */
export const defineMethod = <Schema extends z.ZodObject>(
  definition: MethodDefinition<Schema>,
): MethodDefinition<Schema> => definition;

/** The data set that a method trains on where the user names none. */
export const dataOf = ({ training }: Pick<MethodDefinition, "training">): string =>
  training.data ?? "mnist";

/** What the catalogue says without loading the method. */
export interface CatalogueEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<MethodDefinition>;
}
