// The autoencoders with every estimator by name: it trains, or says why it cannot.
import { describe, expect, it } from "vitest";
import { createLoader, loadFolder } from "../../src/data/index.ts";
import { definitionOf, type EstimatorName, estimatorNames } from "../../src/estimators/index.ts";
import { findMethod } from "../../src/methods/index.ts";
import { compile, hold } from "../../src/onnx/index.ts";
import { initialState, type Method, phaseProgram, scalarMetrics } from "../../src/step/index.ts";
import { dim, leafMap, spec, type Tensor, type Tree } from "../../src/tensor/index.ts";

const sample = new URL("../data/mnist-sample", import.meta.url).pathname;
const { train } = await loadFolder(sample, { validation: 0 });
const loader = createLoader(train, { batchSize: 64, seed: 1 });

const small = {
  "gaussian-vae": { hidden: 32, latents: 4 },
  "categorical-vae": { width: 4, features: 16, latents: 2, classes: 3 },
} as const;
type Name = keyof typeof small;

async function create(name: Name, options: object): Promise<Method> {
  const definition = await findMethod(name);
  const columns = { image: spec("uint8", [dim("B"), 1, 28, 28]) };
  const parsed = definition.options.parse({ ...small[name], learningRate: 1e-2, ...options });
  return definition.create(parsed, { columns, trainSize: 256, batchSize: 64, classes: undefined });
}

/** Metrics of some steps, and the leaves of the state. */
async function trainSome(method: Method, steps: number) {
  const phase = method.phases[0]!;
  const start = initialState(phase, 3);
  const { build, example } = phaseProgram(phase, "step", start);
  const program = await compile(build as never, example, { threads: 2, spin: false });
  let state = hold(start);
  const history: Record<string, number>[] = [];
  for (let step = 0; step < steps; step++) {
    const batch = { image: loader.batch(step).image as Tensor };
    const result = await program.run({ state, batch }, { seed: 3, step });
    const { state: next, metrics } = result as unknown as {
      state: typeof state;
      metrics: Tree<Tensor>;
    };
    state = next;
    history.push(scalarMetrics(metrics));
  }
  await program.release();
  return { history, leaves: leafMap(state.read(start) as Tree<Tensor>) };
}

/** The estimators that each latent allows: a normal one, and one-hot ones with 9 outcomes. */
const allowed: Readonly<Record<Name, readonly EstimatorName[]>> = {
  "gaussian-vae": ["pathwise", "score-function", "muprop", "vimco", "doubly-reparameterized"],
  "categorical-vae": [
    ...(["exact", "score-function", "gumbel-softmax", "st-gumbel-softmax"] as const),
    ...(["straight-through", "rebar", "relax", "muprop", "vimco"] as const),
  ],
};

describe.each(Object.keys(allowed) as Name[])("%s", (name) => {
  it.each(allowed[name])("learns by %s", { timeout: 20_000 }, async (estimator) => {
    const { history } = await trainSome(await create(name, { estimator }), 24);
    for (const metrics of history) expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
    const losses = history.map(({ loss }) => loss!);
    expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]!);
    const bound = definitionOf(estimator).targets[0] === "multi-sample bound";
    expect("negativeBound" in history[0]!).toBe(bound);
    expect("temperature" in history[0]!).toBe(estimator.endsWith("gumbel-softmax"));
  });

  it.each(estimatorNames.filter((each) => !allowed[name].includes(each)))(
    "refuses %s",
    async (estimator) => {
      await expect(create(name, { estimator })).rejects.toThrow(
        new RegExp(`${estimator} does not work with Independent.*Those that do: `),
      );
    },
  );
});

it.each([
  ["gaussian-vae", { estimator: "pathwise", bound: "iwae" }],
  ["gaussian-vae", { estimator: "score-function", bound: "iwae", samples: 4, baseline: "none" }],
  ["gaussian-vae", { estimator: "score-function", samples: 4 }],
  ["gaussian-vae", { estimator: "score-function", baseline: "input-dependent" }],
  ["categorical-vae", { estimator: "muprop", baseline: "input-dependent", samples: 2 }],
] as const)("%s learns with %o", async (name, options) => {
  const { history } = await trainSome(await create(name, options), 24);
  expect(history.at(-1)!.loss).toBeLessThan(0.8 * history[0]!.loss!);
});

it("more samples make a higher bound of the same model", async () => {
  const first = async (samples: number): Promise<number> => {
    const options = { estimator: "doubly-reparameterized", samples, latents: 20 };
    return (await trainSome(await create("gaussian-vae", options), 1)).history[0]!.negativeBound!;
  };
  const [one, ten, hundred] = [await first(1), await first(10), await first(100)];
  expect(ten).toBeLessThan(one - 1);
  expect(hundred).toBeLessThan(ten - 1);
});

it("estimators keep what they learn in the model, and others leave none", async () => {
  const own = async (options: object): Promise<string[]> => {
    const { leaves } = await trainSome(await create("categorical-vae", options), 3);
    const after = [...leaves.keys()].filter((path) => path.includes("estimator"));
    return after.filter((path) => !path.startsWith("optimizer"));
  };
  expect(await own({})).toEqual([]);
  expect(await own({ estimator: "rebar" })).toEqual([
    "params.estimator.logTemperature",
    "params.estimator.scale",
  ]);
  const nvil = await own({ estimator: "score-function", baseline: "input-dependent" });
  expect(nvil).toContain("buffers.estimator.average");
  expect(nvil).toContain("params.estimator.prediction.hidden.weight");
});

it("rebar's control variate moves, and the average follows the signal", async () => {
  const start = { logTemperature: Math.log(0.5), scale: 1 };
  const { leaves } = await trainSome(await create("categorical-vae", { estimator: "rebar" }), 5);
  for (const [name, value] of Object.entries(start)) {
    const now = Number(leaves.get(`params.estimator.${name}`)!.data[0]);
    expect(Math.abs(now - value)).toBeGreaterThan(1e-3);
  }
  const options = { estimator: "score-function", baseline: "moving-average" };
  const trained = await trainSome(await create("gaussian-vae", options), 5);
  const [total, weight] = trained.leaves.get("buffers.estimator.average")!.data;
  const seen = trained.history.map(({ reconstruction }) => -reconstruction!);
  expect(Number(total) / Number(weight)).toBeGreaterThan(Math.min(...seen));
  expect(Number(total) / Number(weight)).toBeLessThan(Math.max(...seen));
});

it.each([
  ["gaussian-vae", { estimator: "vimco", bound: "elbo" }, /target of vimco is the multi-sample/],
  ["gaussian-vae", { estimator: "vimco", samples: 1 }, /at least 2, got 1/],
  ["gaussian-vae", { estimator: "muprop", bound: "iwae" }, /target of muprop is the objective/],
  ["gaussian-vae", { bound: "iwae", beta: 2 }, /no KL term that could be weighed/],
  ["gaussian-vae", { bound: "iwae", warmupSteps: 10 }, /no KL term that could be weighed/],
  ["gaussian-vae", { baseline: "leave-one-out" }, /pathwise takes no baseline/],
  [
    "gaussian-vae",
    { estimator: "score-function", baseline: "leave-one-out" },
    /at least 2 samples, got 1/,
  ],
  ["categorical-vae", { estimator: "exact", latents: 32 }, /3\^32 outcomes/],
  ["categorical-vae", { estimator: "reinforce" }, /estimator/],
] as const)("%s refuses %o", async (name, options, message) => {
  await expect(create(name, options)).rejects.toThrow(message);
});
