// One training through all levels of information, read by one or several estimators at every step.
import { compile } from "reparam";
import { hold } from "reparam/onnx";
import { adam } from "reparam/optim";
import { gradientStep, initialState, phaseProgram } from "reparam/step";
import { fillNormal, item, scalar, type Tensor } from "reparam/tensor";
import type { Value } from "reparam/trace";
import { type BoundName, boundOf } from "../../src/methods/mi/bounds.ts";
import { type CriticKind, criticOf } from "../../src/methods/mi/critics.ts";
import {
  conditionalEstimator,
  criticEstimator,
  type TrainedEstimator,
} from "../../src/methods/mi/estimator.ts";
import { kraskovInformation } from "../../src/numerics/kraskov.ts";
import { correlation, drawPairs, size, type Variant } from "./problem.ts";

/** How scores are read: an estimator, and τ of smile. */
export interface Reader {
  readonly name: string;
  readonly bound: BoundName;
  readonly clip?: number;
}

/** A critic that is trained by the first of its readers. */
export interface Trainee {
  readonly name: string;
  readonly readers: readonly Reader[];
}

export const trainees: readonly Trainee[] = [
  { name: "dv", readers: [{ name: "dv", bound: "dv" }] },
  { name: "mine", readers: [{ name: "mine", bound: "mine" }] },
  { name: "nwj", readers: [{ name: "nwj", bound: "nwj" }] },
  { name: "infonce", readers: [{ name: "infonce", bound: "infonce" }] },
  {
    name: "jsd",
    readers: [
      { name: "jsd", bound: "jsd" },
      { name: "smile, τ = 1", bound: "smile", clip: 1 },
      { name: "smile, τ = 5", bound: "smile", clip: 5 },
      { name: "smile, τ = ∞", bound: "smile", clip: Infinity },
    ],
  },
  { name: "barber-agakov", readers: [] },
];

export interface Settings {
  readonly seed: number;
  readonly variant: Variant;
  readonly critic: CriticKind;
  readonly hidden: number;
  readonly batchSize: number;
  readonly levels: readonly number[];
  readonly stepsPerLevel: number;
  readonly threads: number;
}

/** Estimates of every step in nats, by reader. */
export type Estimates = Readonly<Record<string, readonly number[]>>;

function estimatorOf({ name, readers }: Trainee, { critic, hidden }: Settings): TrainedEstimator {
  const sizes = [size, size] as const;
  const [first] = readers;
  if (name === "barber-agakov" || first === undefined) {
    return conditionalEstimator(sizes, { hidden, layers: 2, components: 1 });
  }
  return criticEstimator(boundOf(first.bound), criticOf(critic, { sizes, hidden }));
}

const stepsTogether = 16;

/** Trains and reads every batch before it is learned from. */
export async function climb(trainee: Trainee, settings: Settings): Promise<Estimates> {
  const { seed, variant, critic, hidden, batchSize, levels, stepsPerLevel, threads } = settings;
  const estimator = estimatorOf(trainee, settings);
  const readings = trainee.readers.map(({ bound, clip }) => boundOf(bound, clip));
  const scorer = criticOf(critic, { sizes: [size, size], hidden });
  const phase = gradientStep({
    batch: { rho: { dtype: "float32", shape: [] } },
    init: estimator.init,
    loss: (model, { rho }, scope) => {
      const { x, y } = drawPairs(scope.key, { batchSize, variant, rho: rho as Value });
      const loss = estimator.objective(model, x, y, scope.at("objective")).neg();
      const terms: Record<string, Value> = {};
      if (readings.length === 0) terms.joint0 = estimator.statistics(model, x, y).joint;
      for (const [i, reading] of readings.entries()) {
        const scores = scorer.scores((model as { critic: never }).critic, x, y);
        const { joint, marginal } = reading.statistics(scores);
        Object.assign(terms, { [`joint${i}`]: joint, [`marginal${i}`]: marginal });
      }
      return { loss, ...terms };
    },
    optimizer: adam({ learningRate: 5e-4 }),
  });
  const start = initialState(phase, seed);
  const { build, example } = phaseProgram(phase, "step", start);
  const program = await compile(build as never, example, { threads, spin: false });
  let state = hold(start);
  const names = trainee.readers.length === 0 ? [trainee.name] : trainee.readers.map((r) => r.name);
  const estimates: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (const [level, nats] of levels.entries()) {
    const batch = { rho: scalar(correlation(nats)) };
    for (let done = 0; done < stepsPerLevel; done += stepsTogether) {
      const count = Math.min(stepsTogether, stepsPerLevel - done);
      const step = level * stepsPerLevel + done;
      const inputs = Array.from({ length: count }, () => ({ batch }));
      const result = await program.runSteps(state, inputs, { seed, step });
      state = result.state;
      for (const each of result.steps) {
        const terms = (each as { metrics: Record<string, Tensor> }).metrics;
        const part = (name: string, i: number): number =>
          terms[`${name}${i}`] === undefined ? 0 : item(terms[`${name}${i}`] as Tensor);
        for (const [i, name] of names.entries()) {
          const { value } = readings[i] ?? estimator.combination;
          estimates[name]?.push(value(part("joint", i), part("marginal", i)));
        }
      }
    }
  }
  await program.release();
  return estimates;
}

/** The nearest-neighbour estimate from so many pairs of one level. */
export function byNeighbours(
  nats: number,
  { seed, variant, pairs }: { seed: number; variant: Variant; pairs: number },
): number {
  const [x, noise] = [new Float64Array(pairs * size), new Float64Array(pairs * size)];
  fillNormal(x, { seed, step: 0, path: "x" });
  fillNormal(noise, { seed, step: 0, path: "noise" });
  const rho = correlation(nats);
  const y = x.map((value, i) => {
    const normal = rho * value + Math.sqrt(1 - rho ** 2) * (noise[i] as number);
    return variant === "gaussian" ? normal : normal ** 3 / Math.sqrt(15);
  });
  return kraskovInformation({ data: x, size }, { data: y, size }).value;
}
