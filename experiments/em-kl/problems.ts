// Whether the likelihood falls, on many random problems.
import type { Phase } from "reparam/step";
import { initialState, iteratePhase } from "reparam/step";
import { heldState } from "../../src/run/checkpoint.ts";
import { PhaseRun } from "../../src/run/phase-run.ts";
import { quick } from "../figures/command-line.ts";
import { blobs, type Kind, methodFor } from "./setting.ts";

export interface Rises {
  readonly problems: number;
  readonly iterations: number;
  /** Largest rise of the loss, relative to it. */
  readonly largestRise: number;
  /** Iterations in which the loss rose by more than rounding, and those for which the guard named regularisation. */
  readonly rises: number;
  readonly explained: number;
  /** Problems that ended with an error: a component shrank onto too few rows. */
  readonly collapsed: number;
}

const rounding = 1e-9;
const [iterations, rows, size] = [10, 150, 3];

/** Ten iterations on each of 250 problems: 150 rows of 3 features around 1 to 5 centres, three components. */
export async function rises(covariance: Kind, regCovar: number): Promise<Rises> {
  const method = await methodFor("gaussian-mixture", { covariance, regCovar }, size);
  const phase = method.phases[0] as Phase;
  const start = initialState(phase, 0);
  const running = new PhaseRun(phase, start, { threads: 1 });
  const problems = quick ? 8 : 250;
  const found = { problems, iterations, largestRise: -1, rises: 0, explained: 0, collapsed: 0 };
  for (let seed = 0; seed < problems; seed++) {
    const x = blobs(rows, { size, clusters: 1 + (seed % 5), apart: 1 + (seed % 3), seed });
    running.state = heldState(start);
    try {
      let before = Number.POSITIVE_INFINITY;
      for (let index = 0; index < iterations; index++) {
        let step = 0;
        const metrics = await iteratePhase(phase, {
          ...{ index, next: () => ({ x }), epoch: () => [{ x }] },
          run: (program, inputs) => running.run(program, inputs, { seed, step: step++ }),
        });
        const loss = metrics.loss as number;
        const rise = index === 0 ? -1 : (loss - before) / Math.max(1, Math.abs(before));
        found.largestRise = Math.max(found.largestRise, rise);
        if (rise > rounding) found.rises += 1;
        if ((metrics.regularizationLoss ?? 0) > 0) found.explained += 1;
        before = loss;
      }
    } catch (error) {
      if (!String(error).includes("positive definite")) throw error;
      found.collapsed += 1;
    }
  }
  await running.release();
  return found;
}
