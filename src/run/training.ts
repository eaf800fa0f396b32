import { relative } from "node:path";
import { createLoader, type Loader } from "../data/index.ts";
import type { HeldState } from "../onnx/index.ts";
import { initialState, type Metrics, weightsOf } from "../step/index.ts";
import { ReparamError } from "../tensor/index.ts";
import {
  type Checkpoint,
  nonFiniteLeaf,
  type Position,
  saveCheckpoint,
  startPosition,
} from "./checkpoint.ts";
import type { FitOptions, FitResult } from "./fit.ts";
import { type Iterated, iterate, stepsTogether } from "./iteration.ts";
import { type MetricsLine, type MetricsLog, openMetrics } from "./metrics-log.ts";
import { PhaseRun, type PhaseRunOptions } from "./phase-run.ts";
import { Validation } from "./validation.ts";

const compilingOf = ({ threads = 2, device, profiler }: FitOptions): PhaseRunOptions => ({
  threads,
  ...(device && { device }),
  profile: profiler !== undefined,
});

/** A training in progress: owns the compiled programs and the open log. */
export class Training {
  readonly position: Position;
  readonly #options: FitOptions;
  readonly #loader: Loader;
  readonly #inOrder: Loader;
  readonly #log: MetricsLog | undefined;
  readonly #lines: MetricsLine[];
  #running: PhaseRun;
  readonly #validation: Validation;
  #checkpoint: string | undefined;
  #savedAt = performance.now();
  #rows = 0;
  #busySeconds = 0;
  #secondsPerStep = Number.POSITIVE_INFINITY;

  constructor(
    options: FitOptions,
    position: Position,
    running: PhaseRun,
    opened: { log: MetricsLog; lines: MetricsLine[] } | undefined,
  ) {
    const { train, batchSize, seed } = options;
    this.#options = options;
    this.#validation = new Validation(options);
    this.position = position;
    this.#running = running;
    this.#loader = createLoader(train, { batchSize, seed });
    this.#inOrder = createLoader(train, { batchSize, shuffle: false });
    this.#log = opened?.log;
    this.#lines = opened?.lines ?? [];
  }

  static async start(options: FitOptions, found: Checkpoint | undefined): Promise<Training> {
    const { method, seed, folder } = options;
    if (options.train.length === 0) throw new ReparamError("there are no training samples.");
    if (options.epochs === undefined && options.steps === undefined) {
      throw new ReparamError("the length of the training is missing. Give epochs or steps.");
    }
    const position = found?.position ?? startPosition();
    const phase = method.phases[position.phase];
    if (phase === undefined)
      throw new ReparamError(`${method.name} has no phase ${position.phase}.`);
    const state = found?.state ?? initialState(phase, seed);
    const running = new PhaseRun(phase, state, compilingOf(options));
    const opened = folder === undefined ? undefined : await openMetrics(folder, position.step);
    const training = new Training(options, position, running, opened);
    training.#checkpoint = found?.path;
    return training;
  }

  /** Runs the phase to its end, or to the end of the step in which the signal comes. */
  async finishPhase(): Promise<boolean> {
    while (!this.#phaseOver()) {
      if (this.#options.signal?.aborted === true) {
        await this.#save();
        return true;
      }
      await this.#steps(this.#groupSize);
    }
    return false;
  }

  async nextPhase(): Promise<void> {
    const { method, seed, profiler } = this.#options;
    const { position } = this;
    await profiler?.end(this.#running);
    const previous = this.#running.read();
    await this.#running.release();
    position.phase += 1;
    position.iteration = 0;
    position.runs = 0;
    position.phaseCursor = position.cursor;
    position.history = [];
    const phase = method.phases[position.phase] as (typeof method.phases)[number];
    const state = initialState(phase, seed, previous);
    this.#running = new PhaseRun(phase, state, compilingOf(this.#options));
  }

  result(status: FitResult["status"]): FitResult {
    return {
      status,
      step: this.position.step,
      epoch: this.#epoch,
      state: this.#running.read(),
      lines: this.#lines,
      seconds: { ...this.position.seconds },
      ...(this.#checkpoint === undefined ? {} : { checkpoint: this.#checkpoint }),
    };
  }

  async close(): Promise<void> {
    await this.#options.profiler?.end(this.#running);
    await this.#log?.close();
    await this.#validation.release();
    await this.#running.release();
  }

  get #epoch(): number {
    return this.position.cursor / this.#loader.batchesPerEpoch;
  }

  /** How much of the phase is done, 0 to 1. */
  #fraction(): number {
    const { epochs = 0, steps } = this.#options;
    const { iteration, cursor, phaseCursor } = this.position;
    const length = this.#running.phase.iterations ?? steps;
    if (length !== undefined) return length === 0 ? 1 : iteration / length;
    const batches = epochs * this.#loader.batchesPerEpoch;
    return batches === 0 ? 1 : (cursor - phaseCursor) / batches;
  }

  #phaseOver(): boolean {
    const { done } = this.#running.phase;
    const { iteration, history } = this.position;
    return this.#fraction() >= 1 || (iteration > 0 && done?.(history) === true);
  }

  /** The next steps, at most this many, together where the phase allows it. */
  async #steps(most: number): Promise<void> {
    const { position } = this;
    const running = this.#running;
    const { cursor, runs } = position;
    const before = { state: running.state, cursor, runs };
    const start = performance.now();
    const { metrics, rows } = await this.#iterate(most);
    this.#spend("compile", running.compileSeconds);
    const seconds = (performance.now() - start) / 1000 - running.compileSeconds;
    running.compileSeconds = 0;
    this.#spend("train", seconds);
    this.#rows += rows;
    this.#busySeconds += seconds;
    this.#secondsPerStep = seconds / metrics.length;
    await this.#options.profiler?.after(running, metrics.length, seconds);
    for (const [i, each] of metrics.entries()) {
      const bad = badMetric(each);
      if (bad !== undefined) {
        await this.#rewind(before, i);
        throw await this.#stopped(`${bad} is ${each[bad]} at step ${position.step + 1}`);
      }
      // Steps that ran together read one batch each; the state is that after the last of them.
      const last = i === metrics.length - 1;
      if (metrics.length > 1) position.cursor = cursor + i + 1;
      await this.#afterStep(each, cursor, last);
      if (!last && this.#options.signal?.aborted === true) {
        await this.#rewind(before, i + 1);
        return;
      }
    }
  }

  #iterate(most: number): Promise<Iterated> {
    const ordered = this.#running.phase.inOrder === true && this.position.iteration > 0;
    const loader = ordered ? this.#inOrder : this.#loader;
    return iterate(this.#running, loader, this.position, this.#options.seed, most);
  }

  /** The state and position after the first `count` of the steps that began at `before`. */
  async #rewind(
    { state, cursor, runs }: { state: HeldState; cursor: number; runs: number },
    count: number,
  ): Promise<void> {
    this.#running.state = state;
    Object.assign(this.position, { cursor, runs });
    if (count > 0) await this.#iterate(count);
  }

  /**
   * As many steps as fit into a tenth of a second, for signals are heeded in between, and into the time
   * until the next checkpoint is due.
   */
  get #groupSize(): number {
    const { epochs = 0, steps, checkpointSeconds = 20 } = this.#options;
    const age = (performance.now() - this.#savedAt) / 1000;
    const { iteration, cursor, phaseCursor } = this.position;
    const length = this.#running.phase.iterations ?? steps;
    const left =
      length === undefined
        ? epochs * this.#loader.batchesPerEpoch - (cursor - phaseCursor)
        : length - iteration;
    const every = this.#options.snapshots?.every;
    const untilShown = every === undefined ? left : every - (this.position.step % every);
    return Math.min(left, untilShown, stepsTogether(this.#secondsPerStep, checkpointSeconds - age));
  }

  /** Counts the step, logs, evaluates and saves as it is due; a checkpoint is always the last of these. */
  async #afterStep(metrics: Metrics, cursorBefore: number, hasState: boolean): Promise<void> {
    const { position } = this;
    const [epochBefore, epoch] = [cursorBefore, position.cursor].map((cursor) =>
      Math.floor(cursor / this.#loader.batchesPerEpoch),
    );
    const epochEnds = epoch !== epochBefore;
    const { phases } = this.#options.method;
    const { phase } = this.#running;
    position.iteration += 1;
    position.step += 1;
    if (phase.done !== undefined) position.history.push(metrics);
    const { interval } = position;
    interval.count += 1;
    for (const [name, value] of Object.entries(metrics)) {
      interval.sums[name] = (interval.sums[name] ?? 0) + value;
    }
    const over = this.#phaseOver();
    const { logEvery = 50, steps } = this.#options;
    if (over || position.step === 1 || position.step % logEvery === 0) await this.#logInterval();
    if (!over && position.cursor === cursorBefore && (phase.iterations ?? steps) === undefined) {
      throw new ReparamError(`phase ${phase.name} reads no data, so epochs never end. Give steps.`);
    }
    const last = position.phase === phases.length - 1;
    const evaluation = last && (epochEnds || over) ? await this.#evaluateValidation() : undefined;
    position.finished = last && over;
    await this.#snapshot(over);
    const age = (performance.now() - this.#savedAt) / 1000;
    const { checkpointSeconds = 20 } = this.#options;
    const due = age >= checkpointSeconds || (epochEnds && age >= checkpointSeconds / 4);
    if (over || (hasState && due)) {
      await this.#save();
    }
    this.#report(metrics, evaluation);
  }

  async #snapshot(ended: boolean): Promise<void> {
    const { snapshots } = this.#options;
    const { step } = this.position;
    if (snapshots === undefined) return;
    if (!ended && (snapshots.every === undefined || step % snapshots.every !== 0)) return;
    const { phase } = this.#running;
    const state = this.#running.read();
    const weights = () => weightsOf(this.#options.method, state);
    await snapshots.take({ phase, step, ended, state, weights });
  }

  async #logInterval(): Promise<void> {
    const { position } = this;
    const { count, sums } = position.interval;
    const metrics = Object.fromEntries(
      Object.entries(sums).map(([name, sum]) => [name, sum / count]),
    );
    position.interval = { count: 0, sums: {} };
    const { name } = this.#running.phase;
    await this.#append({ kind: "train", phase: name, ...this.#moment(), metrics });
  }

  async #evaluateValidation(): Promise<Metrics | undefined> {
    const start = performance.now();
    const result = await this.#validation.evaluate(() => this.#running.read());
    if (result === undefined) return undefined;
    this.#spend("evaluate", (performance.now() - start) / 1000);
    const line = { kind: "evaluation", split: "validation", ...this.#moment(), ...result } as const;
    await this.#append(line);
    return result.metrics;
  }

  #moment(): { step: number; epoch: number; seconds: number } {
    const seconds = Object.values(this.position.seconds).reduce((sum, s) => sum + s, 0);
    return { step: this.position.step, epoch: this.#epoch, seconds };
  }

  async #append(line: MetricsLine): Promise<void> {
    this.#lines.push(line);
    await this.#log?.append(line);
  }

  async #save(): Promise<void> {
    const { folder } = this.#options;
    if (folder === undefined) return;
    const { state, structure } = this.#running;
    const bad = nonFiniteLeaf(state.tensors);
    if (bad !== undefined) {
      throw await this.#stopped(
        `"${bad}" of the state is not finite after step ${this.position.step}`,
      );
    }
    await this.#log?.sync();
    this.#checkpoint = await saveCheckpoint(folder, state, structure, this.position);
    this.#savedAt = performance.now();
  }

  /** The error of a training that cannot go on; keeps the state if it is good. */
  async #stopped(what: string): Promise<ReparamError> {
    const { folder } = this.#options;
    const { state, structure } = this.#running;
    if (folder !== undefined && nonFiniteLeaf(state.tensors) === undefined) {
      this.#checkpoint = await saveCheckpoint(folder, state, structure, this.position);
    }
    const where = `${what} (phase ${this.#running.phase.name}, epoch ${this.#epoch.toFixed(2)})`;
    const saved = this.#checkpoint;
    const kept =
      saved === undefined
        ? "There is no checkpoint."
        : `The last good checkpoint is ${relative("", saved)}.`;
    return new ReparamError(`${where}: training stopped. ${kept} Try a lower learning rate.`);
  }

  #spend(activity: string, seconds: number): void {
    const { seconds: spent } = this.position;
    spent[activity] = (spent[activity] ?? 0) + seconds;
  }

  #report(metrics: Metrics, evaluation: Metrics | undefined): void {
    const { onProgress } = this.#options;
    if (onProgress === undefined) return;
    const fraction = this.#fraction();
    const { iteration, seconds } = this.position;
    const spent =
      ((seconds.train ?? 0) + (seconds.evaluate ?? 0)) / Math.max(1, this.position.step);
    onProgress({
      phase: this.#running.phase.name,
      step: this.position.step,
      epoch: this.#epoch,
      metrics,
      samplesPerSecond: this.#busySeconds > 0 ? this.#rows / this.#busySeconds : 0,
      fraction: Math.min(1, fraction),
      secondsLeft:
        fraction > 0 ? (spent * iteration * Math.max(0, 1 - fraction)) / fraction : Number.NaN,
      ...(evaluation === undefined ? {} : { evaluation }),
    });
  }
}

/** Name of the first metric that is not finite. */
const badMetric = (metrics: Metrics): string | undefined =>
  Object.keys(metrics).find((name) => !Number.isFinite(metrics[name]));
