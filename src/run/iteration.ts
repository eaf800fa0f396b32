import type { Loader } from "../data/index.ts";
import type { Batch, Iteration } from "../step/index.ts";
import type { Position } from "./checkpoint.ts";
import type { PhaseRun } from "./phase-run.ts";

/** What a phase's iteration works with; it moves `cursor` and `runs` of the position. */
export function iterationOn(
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
