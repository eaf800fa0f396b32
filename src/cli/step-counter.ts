import { formatDuration, formatNumber } from "../report/table.ts";
import type { ProcedureProgress } from "../step/index.ts";
import type { Context } from "./terminal.ts";

/** Counts the steps of a procedure, live on a terminal; one counter for all chunks of rows. */
export interface StepCounter {
  readonly onProgress: (progress: ProcedureProgress) => void;
  /** Says how fast `count` rows came; nothing where no procedure ran. Returns the figures. */
  readonly end: (count: number, what: string) => Readonly<Record<string, number>>;
}

export function stepCounter(ctx: Context): StepCounter {
  const { stderr } = ctx.terminal;
  const start = performance.now();
  let evaluations = 0;
  return {
    onProgress: (progress) => {
      evaluations = progress.evaluations;
      if (stderr.isTTY !== true) return;
      const of = progress.steps > 0 ? `/${progress.steps}` : "";
      stderr.write(`\r\u001b[Kstep ${progress.step}${of}`);
    },
    end: (count, what) => {
      if (evaluations === 0) return {};
      if (stderr.isTTY === true) stderr.write("\r\u001b[K");
      const seconds = (performance.now() - start) / 1000;
      const perSecond = count / seconds;
      ctx.say(
        `${count} ${what} in ${formatDuration(seconds)}: ${formatNumber(perSecond, 3)} a second, ${evaluations} evaluations of the network each`,
      );
      return { seconds, perSecond, evaluations };
    },
  };
}
