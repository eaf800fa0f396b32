import { formatDuration, formatNumber } from "../report/table.ts";
import type { Progress } from "../run/index.ts";
import type { Terminal } from "./terminal.ts";

/** The live line of a training: rewritten in place on a terminal, a line every ten seconds elsewhere. */
export interface ProgressLine {
  readonly update: (progress: Progress) => void;
  readonly stage: (text: string) => void;
  /** Clears the live line. */
  readonly end: () => void;
}

const liveInterval = 100;
const plainInterval = 10_000;

export function createProgress(
  { stderr }: Terminal,
  length: { readonly epochs?: number | undefined; readonly steps?: number | undefined },
): ProgressLine {
  const live = stderr.isTTY === true;
  let shownAt = live ? Number.NEGATIVE_INFINITY : performance.now();
  const clear = (): void => {
    if (live) stderr.write("\r\u001b[K");
  };
  const show = (text: string): void => {
    const width = (stderr.columns ?? 100) - 1;
    stderr.write(live ? `\r\u001b[K${text.slice(0, width)}` : `${text}\n`);
  };
  return {
    update: (progress) => {
      if (progress.evaluation !== undefined) {
        clear();
        stderr.write(`${evaluationText(progress)}\n`);
      }
      const now = performance.now();
      if (now - shownAt < (live ? liveInterval : plainInterval)) return;
      shownAt = now;
      show(progressText(progress, length));
    },
    stage: (text) => {
      if (live) show(text);
    },
    end: clear,
  };
}

const terms = (metrics: Progress["metrics"]): string =>
  Object.entries(metrics)
    .map(([name, value]) => `${name} ${formatNumber(value)}`)
    .join("  ");

const evaluationText = ({ epoch, step, evaluation = {} }: Progress): string =>
  `epoch ${formatNumber(epoch, 3)}  step ${step}  validation: ${terms(evaluation)}`;

/** `step 1200  epoch 2.56/10  loss 110.2  kl 25.1  5230 samples/s  1 m 12 s left` */
export function progressText(
  { step, epoch, metrics, samplesPerSecond, secondsLeft }: Progress,
  { epochs, steps }: { readonly epochs?: number | undefined; readonly steps?: number | undefined },
): string {
  return [
    steps === undefined ? `step ${step}` : `step ${step}/${steps}`,
    steps === undefined && epochs !== undefined
      ? `epoch ${epoch.toFixed(2)}/${epochs}`
      : `epoch ${epoch.toFixed(2)}`,
    terms(metrics),
    `${Math.round(samplesPerSecond)} samples/s`,
    `${formatDuration(secondsLeft)} left`,
  ].join("  ");
}
