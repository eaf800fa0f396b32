import { promises as fs } from "node:fs";
import { join } from "node:path";
import type { EvaluationPoint, TrainPoint } from "../report/index.ts";
import { fileError, writeAtomic } from "./atomic.ts";

/** A line of metrics.jsonl: means of the training metrics over the steps since the line before. */
export interface TrainLine extends TrainPoint {
  readonly kind: "train";
  readonly phase: string;
}

/** A line of metrics.jsonl: means over a split, their standard errors, and the number of samples. */
export interface EvaluationLine extends EvaluationPoint {
  readonly kind: "evaluation";
  readonly standardErrors: Readonly<Record<string, number>>;
  readonly samples: number;
}

export type MetricsLine = TrainLine | EvaluationLine;

export const metricsFile = (folder: string): string => join(folder, "metrics.jsonl");

/** All whole lines of a run's log; a line torn by a killed process is left out. */
export async function readMetrics(folder: string): Promise<MetricsLine[]> {
  const text = await fs.readFile(metricsFile(folder), "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw fileError(error, metricsFile(folder));
  });
  const lines: MetricsLine[] = [];
  for (const line of text.split("\n").slice(0, -1)) {
    try {
      lines.push(JSON.parse(line) as MetricsLine);
    } catch {
      break;
    }
  }
  return lines;
}

/** metrics.jsonl open for appending. Every line is with the system before `append` returns. */
export class MetricsLog {
  readonly #path: string;
  readonly #file: fs.FileHandle;

  /** Use `openMetrics`. */
  constructor(path: string, file: fs.FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  async append(line: MetricsLine): Promise<void> {
    await this.#guard(this.#file.appendFile(`${JSON.stringify(line)}\n`));
  }

  /** Flushes to the disk. A checkpoint comes after its lines. */
  async sync(): Promise<void> {
    await this.#guard(this.#file.datasync());
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #guard(work: Promise<void>): Promise<void> {
    await work.catch((error: unknown) => {
      throw fileError(error, this.#path);
    });
  }
}

/**
 * Opens a run's log for a training that continues after `step` iterations: lines of later steps, the
 * final test figures and a torn last line are dropped. Returns the lines that stay.
 */
export async function openMetrics(
  folder: string,
  step: number,
): Promise<{ log: MetricsLog; lines: MetricsLine[] }> {
  const path = metricsFile(folder);
  const lines = (await readMetrics(folder)).filter(
    (line) => line.step <= step && !(line.kind === "evaluation" && line.split === "test"),
  );
  await writeAtomic(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const file = await fs.open(path, "a").catch((error: unknown) => {
    throw fileError(error, path);
  });
  return { log: new MetricsLog(path, file), lines };
}
