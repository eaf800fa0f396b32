import type { Context } from "./terminal.ts";

/** A second signal within this time is an echo: a parent process may pass on what the terminal sent. */
const echoMilliseconds = 500;

/**
 * Runs work that ends early, and cleanly, on the first Ctrl-C (or SIGTERM); the second one kills.
 */
export async function interruptible<T>(
  context: Context,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let firstAt: number | undefined;
  const stop = (): void => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      context.note("\nFinishing this step and saving. Once more to stop at once.");
      controller.abort();
    } else if (now - firstAt > echoMilliseconds) {
      process.exit(130);
    }
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, stop);
  try {
    return await work(controller.signal);
  } finally {
    for (const signal of signals) process.removeListener(signal, stop);
  }
}
