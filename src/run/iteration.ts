import type { Loader } from "../data/index.ts";
import {
  type Batch,
  type Iteration,
  iteratePhase,
  type Metrics,
  onlyProgram,
  scalarMetrics,
} from "../step/index.ts";
import type { Tensor, Tree } from "../tensor/index.ts";
import type { Position } from "./checkpoint.ts";
import type { PhaseRun } from "./phase-run.ts";

/** What came of some iterations: the metrics of each, and the samples they read. */
export interface Iterated {
  readonly metrics: readonly Metrics[];
  readonly rows: number;
}

/** Steps in one call of the runtime; by then handing over the state costs next to nothing. */
const mostTogether = 16;

/** How many steps fit into one call of the runtime of at most a tenth of a second, in which no signal is heard. */
export const stepsTogether = (secondsPerStep: number, seconds = 0.1): number =>
  Math.max(1, Math.min(mostTogether, Math.floor(Math.min(0.1, seconds) / secondsPerStep)));

/**
 * The next iterations of a phase, `most` of them or fewer: several only where the phase leaves them to its
 * one program, on batches of one shape and one epoch. They run in one call of the runtime, which gives the
 * same numbers as one by one without handing the state over in between.
 */
export async function iterate(
  running: PhaseRun,
  loader: Loader,
  position: Position,
  seed: number,
  most: number,
): Promise<Iterated> {
  const { phase } = running;
  let rows = 0;
  const iteration = iterationOn(running, loader, position, seed, (count) => {
    rows += count;
  });
  if (phase.iterate !== undefined || phase.done !== undefined) {
    return { metrics: [await iteratePhase(phase, iteration)], rows };
  }
  const program = onlyProgram(phase);
  const batches = [iteration.next()];
  const { batchSize, batchesPerEpoch, length } = loader;
  const full = Math.floor(length / batchSize);
  while (batches.length < most && position.cursor % batchesPerEpoch !== 0) {
    if (position.cursor % batchesPerEpoch >= full) break;
    batches.push(iteration.next());
  }
  const draw = { seed, step: position.runs };
  position.runs += batches.length;
  const inputs = batches.map((batch) => ({ batch }));
  const outputs = await running.runSteps(program, inputs, draw);
  return { metrics: outputs.map(({ metrics }) => scalarMetrics(metrics as Tree<Tensor>)), rows };
}

/** What a phase's iteration works with; it moves `cursor` and `runs` of the position. */
function iterationOn(
  running: PhaseRun,
  loader: Loader,
  position: Position,
  seed: number,
  count: (rows: number) => void,
): Iteration {
  const next = (): Batch => {
    const batch = loader.batch(position.cursor);
    position.cursor += 1;
    count(Object.values(batch)[0]?.shape[0] ?? 0);
    return batch;
  };
  return {
    index: position.iteration,
    next,
    *epoch() {
      // A pass begins where an epoch begins, so that it sees every sample once.
      const { batchesPerEpoch } = loader;
      position.cursor = Math.ceil(position.cursor / batchesPerEpoch) * batchesPerEpoch;
      for (let i = 0; i < batchesPerEpoch; i++) yield next();
    },
    run: (program, inputs) => {
      const draw = { seed, step: position.runs };
      position.runs += 1;
      return running.run(program, inputs, draw);
    },
  };
}
