// Bias, variance and time of an estimator at one point, and what training with it comes to.
import { compile, gradientStep } from "reparam";
import { gradients } from "reparam/autodiff";
import { estimate, initialAverage } from "reparam/estimators";
import { buffer, type ModelBuffer } from "reparam/nn";
import { hold } from "reparam/onnx";
import { broadcastTo, constant, mean, sum } from "reparam/ops";
import { adam } from "reparam/optim";
import { initialState, type Phase, phaseProgram } from "reparam/step";
import { type Tensor, type Tree, tensorOf } from "reparam/tensor";
import { Key, type Value } from "reparam/trace";
import {
  type ControlModel,
  coinsOf,
  exactly,
  initControl,
  optionsOf,
  type Problem,
  type Variant,
} from "./setting.ts";

const session = { threads: 2, spin: false };

export type Figures = Readonly<Record<string, number>>;

/** Mean and variance of every stride-th number of an array, in float64. */
export function spreadOf(data: ArrayLike<number>, start = 0, stride = 1) {
  const rows = data.length / stride;
  let [total, squares] = [0, 0];
  for (let i = start; i < data.length; i += stride) total += data[i] as number;
  const average = total / rows;
  for (let i = start; i < data.length; i += stride) squares += ((data[i] as number) - average) ** 2;
  return { mean: average, variance: squares / (rows - 1) };
}

/** Runs a phase of one program; `watch` sees the state before each step that is a multiple of `every`. */
async function runPhase(
  phase: Phase,
  { steps, seed, every }: { readonly steps: number; readonly seed: number; readonly every: number },
  watch: (state: Tree<Tensor>) => void = () => undefined,
): Promise<Tree<Tensor>> {
  const start = initialState(phase, seed);
  const { build, example } = phaseProgram(phase, "step", start);
  const program = await compile(build as never, example, session);
  let state = hold(start);
  for (let step = 0; step <= steps; step++) {
    if (step % every === 0) watch(state.read(start) as Tree<Tensor>);
    if (step === steps) break;
    const next = await program.run({ state, batch: {} }, { seed, step });
    ({ state } = next as unknown as { state: typeof state });
  }
  await program.release();
  return state.read(start) as Tree<Tensor>;
}

/** The same logits in every row, as an input: gradients are taken towards each row of its own. */
const rowsOf = (logits: readonly number[], rows: number): Tensor => {
  const { length } = logits;
  return tensorOf(
    Float32Array.from({ length: rows * length }, (_, i) => logits[i % length] as number),
    [rows, length],
  );
};

/** A control variate after some steps of Adam on the variance at the problem's logits, 64 rows each. */
async function learnControl(problem: Problem, variant: Variant, seed: number, steps: number) {
  const { logits, f } = problem;
  const phase = gradientStep<ControlModel>({
    batch: {},
    init: (key) => initControl(key, logits.length),
    loss: (control, _batch, scope) => {
      const options = optionsOf(variant, { control, average: initialAverage() });
      const q = coinsOf(constant(rowsOf(logits, 64)));
      return {
        loss: mean(estimate(variant.estimator, q, f, { key: scope.key, ...options }).surrogate),
      };
    },
    optimizer: adam({ learningRate: 0.01 }),
  });
  const state = await runPhase(phase, { steps, seed, every: steps });
  return (state as { params: Tree<Tensor> }).params;
}

/** Figures of the gradients of `rows` independent estimates. */
export async function measure(
  problem: Problem,
  variant: Variant,
  { seed, rows, steps }: { readonly seed: number; readonly rows: number; readonly steps: number },
): Promise<Figures> {
  const { logits, f } = problem;
  const exact = exactly(problem, logits);
  const learned = variant.control === "learned";
  const control = learned ? await learnControl(problem, variant, seed, steps) : {};
  const given = { control, x: rowsOf(logits, rows) };
  const program = await compile(
    (inputs) => {
      const x = inputs.x as Value;
      // A moving average after long: the expectation itself.
      const average = constant(tensorOf([exact.value, 1], [2]));
      const own = learned ? { control: inputs.control as unknown as ControlModel } : {};
      const options = { key: new Key("z"), ...optionsOf(variant, { ...own, average }) };
      const { surrogate } = estimate(variant.estimator, coinsOf(x), f, options);
      return { gradient: gradients(sum(surrogate), [x])[0] as Value };
    },
    given,
    session,
  );
  const seconds: number[] = [];
  let gradient = new Float32Array();
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    const result = await program.run(given, { seed, step: 0 });
    seconds.push((performance.now() - start) / 1000);
    gradient = result.gradient.data as Float32Array<ArrayBuffer>;
  }
  await program.release();
  const spreads = logits.map((_, i) => spreadOf(gradient, i, logits.length));
  const errors = spreads.map(({ mean: m }, i) => m - (exact.gradient[i] as number));
  const variance = spreads.reduce((s, { variance: v }) => s + v, 0);
  return {
    bias: Math.hypot(...errors),
    standardError: Math.sqrt(variance / rows),
    exact: Math.hypot(...exact.gradient),
    variance,
    nanosecondsEach: (Math.min(...seconds) / rows) * 1e9,
  };
}

type Training = {
  readonly logits: Value;
  readonly average: ModelBuffer;
  readonly control?: ControlModel;
};

/** E[f] along a training from logits 0 by Adam with one estimate a step, every `every` steps. */
export async function converge(
  problem: Problem,
  variant: Variant,
  settings: { readonly seed: number; readonly steps: number; readonly every: number },
): Promise<number[]> {
  const count = problem.logits.length;
  const phase = gradientStep<Training>({
    batch: {},
    init: (key) => ({
      logits: broadcastTo(constant(0), [count]),
      average: buffer(initialAverage()),
      ...(variant.control === "learned" ? { control: initControl(key, count) } : {}),
    }),
    loss: (model, _batch, scope) => {
      const q = coinsOf(broadcastTo(model.logits, [1, count]));
      const own = model.control === undefined ? {} : { control: model.control };
      const options = optionsOf(variant, { ...own, average: model.average.value });
      const given = { key: scope.key, ...options };
      const { surrogate, average } = estimate(variant.estimator, q, problem.f, given);
      if (average !== undefined) scope.update(model.average, average);
      return { loss: mean(surrogate) };
    },
    optimizer: adam({ learningRate: 0.01 }),
  });
  const values: number[] = [];
  await runPhase(phase, settings, (state) => {
    const { params } = state as unknown as { params: { logits: Tensor } };
    values.push(exactly(problem, Array.from(params.logits.data, Number)).value);
  });
  return values;
}
