// One training, and the figures of one trained model.
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import {
  compileFunction,
  type Dataset,
  evaluateSplit,
  findMethod,
  fit,
  type Method,
  weightsOf,
} from "reparam";
import { dataShape } from "../../src/run/index.ts";
import { kept } from "../figures/cells.ts";
import { type Estimator, optionsOf, type Setting } from "./setting.ts";

export interface Training {
  readonly setting: Setting;
  readonly estimator: Estimator;
  readonly rate: number;
  readonly seed: number;
}

/** What does not differ between trainings. */
export interface Budget {
  readonly dataset: Dataset;
  readonly steps: number;
  readonly batchSize: number;
  readonly threads: number;
  /** Where runs and figures are kept. */
  readonly root: string;
}

/** The bound by one sample over the validation images, as it falls in training. */
export interface Trained {
  readonly epochs: readonly number[];
  readonly curve: readonly number[];
  /** At the end. */
  readonly validation: number;
  /** Of the processor, compiling and validating included. */
  readonly seconds: number;
}

export type Figures = Readonly<Record<string, number>>;

const folderOf = ({ setting, estimator, rate, seed }: Training, { root }: Budget): string =>
  `${root}/${setting.name}/${estimator}-rate${rate}-seed${seed}`;

/** Whether a training, or the test of it, is done. */
export const isKept = (what: "curve" | "figures", training: Training, budget: Budget): boolean =>
  existsSync(`${folderOf(training, budget)}/${what}.json`);

async function methodOf({ setting, estimator, rate }: Training, budget: Budget): Promise<Method> {
  const { steps } = budget;
  const definition = await findMethod(setting.name);
  const options = definition.options.parse(
    optionsOf(setting, estimator, { learningRate: rate, steps }),
  );
  return definition.create(options, dataShape(budget.dataset, budget.batchSize));
}

/** Trains, or continues what is there; a finished run gives its state at once. */
function fitted(training: Training, method: Method, budget: Budget) {
  const { dataset, steps, batchSize, threads } = budget;
  return fit({
    ...{ method, steps, batchSize, threads, seed: training.seed },
    ...{ train: dataset.train, validation: dataset.validation },
    ...{ folder: folderOf(training, budget), logEvery: 500 },
    // A cut training starts anew, so that its seconds are those of a whole one.
    checkpointSeconds: Number.POSITIVE_INFINITY,
  });
}

export async function trained(training: Training, budget: Budget): Promise<Trained> {
  const folder = folderOf(training, budget);
  await mkdir(folder, { recursive: true });
  return kept(`${folder}/curve.json`, async () => {
    console.error(`${new Date().toISOString().slice(11, 19)} ${folder}`);
    const before = process.cpuUsage();
    const { lines } = await fitted(training, await methodOf(training, budget), budget);
    const { user, system } = process.cpuUsage(before);
    const evaluations = lines.filter((line) => line.kind === "evaluation");
    const curve = evaluations.map(({ metrics }) => metrics[training.setting.single] as number);
    const epochs = evaluations.map(({ epoch }) => epoch);
    return { epochs, curve, validation: curve.at(-1) as number, seconds: (user + system) / 1e6 };
  });
}

/** Test figures of a finished training: the bounds by one sample and by many, nats an image. */
export async function tested(training: Training, budget: Budget): Promise<Figures> {
  const { setting, seed, rate } = training;
  const { validation, seconds } = await trained(training, budget);
  return kept(`${folderOf(training, budget)}/figures.json`, async () => {
    const method = await methodOf(training, budget);
    const weights = weightsOf(method, (await fitted(training, method, budget)).state);
    const figure = async (name: "evaluate" | "bound", metric: string): Promise<number> => {
      const compiled = await compileFunction(method, name, weights, { threads: budget.threads });
      const { metrics } = await evaluateSplit(compiled, budget.dataset.test, { seed });
      await compiled.release();
      return metrics[metric] as number;
    };
    const single = await figure("evaluate", setting.single);
    return { seed, rate, validation, single, bound: await figure("bound", setting.bound), seconds };
  });
}
