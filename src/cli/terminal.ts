/** Where a command writes. Results go to standard output, everything about the way there to the other. */
export interface Terminal {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: {
    write(text: string): unknown;
    readonly isTTY?: boolean;
    readonly columns?: number;
  };
}

/** What an action of the command line is given beside its arguments. */
export interface Context {
  readonly terminal: Terminal;
  /** The command line as typed, without the program's own path. */
  readonly argv: readonly string[];
  /** A line of the result. */
  readonly say: (text: string) => void;
  /** A line about the way there, or a warning. */
  readonly note: (text: string) => void;
  /** Status with which the process is to end. */
  exitCode: number;
}

export function createContext(terminal: Terminal, argv: readonly string[]): Context {
  return {
    terminal,
    argv,
    say: (text) => void terminal.stdout.write(`${text}\n`),
    note: (text) => void terminal.stderr.write(`${text}\n`),
    exitCode: 0,
  };
}

/** The terminal of this process. A reader that goes away, such as `head`, does not end a training. */
export function processTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
  return process;
}
