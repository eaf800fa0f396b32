import { runCommandLine } from "../../src/cli/command-line.ts";

export interface Invocation {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process. */
export async function invoke(...argv: string[]): Promise<Invocation> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const status = await runCommandLine(argv, {
    stdout: { write: (text) => stdout.push(text) },
    stderr: { write: (text) => stderr.push(text) },
  });
  return { status, stdout: stdout.join(""), stderr: stderr.join("") };
}

interface Figures {
  readonly samples: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** What some verb prints with --json. */
interface Printed {
  readonly status?: string;
  readonly test: Figures;
  readonly evaluate: Figures;
  readonly bound: Figures;
  readonly exports: readonly { readonly maxDifference: number }[];
  readonly files: readonly unknown[];
  readonly shape: readonly number[];
  readonly count: number;
  readonly options: readonly { readonly name: string; readonly description: string }[];
}

/** The object on the last line of standard output. */
export const lastJson = ({ stdout }: Invocation): Printed =>
  JSON.parse(stdout.trimEnd().split("\n").at(-1) as string);

export const sampleData = new URL("../data/mnist-sample", import.meta.url).pathname;
