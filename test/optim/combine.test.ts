import { describe, expect, it } from "vitest";
import {
  adam,
  applyUpdates,
  chain,
  clipByGlobalNorm,
  clipByValue,
  ema,
  globalNorm,
  type Optimizer,
  onlyPaths,
  parallel,
  pickPaths,
  schedules,
  sgd,
} from "../../src/optim/index.ts";
import { pack, unpack } from "../../src/optim/optimizer.ts";
import { type Tensor, type Tree, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, type TracedProgram, trace, type Value } from "../../src/trace/index.ts";

/** What tests see of a tree of tensors: nested records without types. */
// biome-ignore lint/suspicious/noExplicitAny: results are looked at leaf by leaf
type Results = any;

const run = (build: (inputs: Tree<Value>) => Tree<Value>, inputs: Tree<Tensor>): Results => {
  const program = trace(build as (values: unknown) => Tree<Value>, inputs as unknown);
  return evaluate(program as TracedProgram<Tree<Value>>, inputs);
};

const params = {
  encoder: [
    { weight: tensorOf([1, -0, 3, 4], [2, 2, 1, 1]) },
    { weight: tensorOf([0.5, -0.25], [2]) },
  ],
  decoder: { bias: tensorOf([7], [1]) },
};
const gradients = {
  encoder: [{ weight: tensorOf([3, -4, 0, 12], [2, 2, 1, 1]) }, { weight: tensorOf([84, 0], [2]) }],
  decoder: { bias: tensorOf([-1e-3], [1]) },
};

/** Parameters and state after some steps with the same gradients. */
function descend(optimizer: Optimizer, steps = 1, g: Tree<Tensor> = gradients): Results {
  let state = run((p) => optimizer.init(p), params);
  let current: Results = params;
  for (let k = 0; k < steps; k++) {
    const inputs = { p: current, g, s: state };
    const done = run((values) => {
      const { p, g: dp, s } = values as Record<string, Tree<Value>>;
      const next = optimizer.update(dp!, s!, p!);
      return { params: applyUpdates(p!, next.updates), state: next.state };
    }, inputs);
    current = done.params;
    state = done.state;
  }
  return { params: current, state };
}

const numbersOf = (x: Tensor) => Array.from(x.data as Float32Array);
const isEncoder = (path: string) => path.startsWith("encoder.");

describe("clipping", () => {
  const clipped = (optimizer: Optimizer) =>
    run((g) => {
      const { updates } = optimizer.update(g, {}, g);
      return { updates, norm: globalNorm(updates) };
    }, gradients);

  it("by global norm gives that norm and the same direction, or leaves small gradients alone", () => {
    // √(3² + 4² + 12² + 84²) = 85
    const { updates, norm } = clipped(clipByGlobalNorm(2));
    expect(Number(norm.data[0])).toBeCloseTo(2, 5);
    expect(updates.encoder[0].weight.shape).toEqual([2, 2, 1, 1]);
    for (const [i, v] of [3, -4, 0, 12].entries()) {
      expect(updates.encoder[0].weight.data[i]).toBeCloseTo((v * 2) / 85, 5);
    }
    expect(clipped(clipByGlobalNorm(86)).updates).toEqual(gradients);
  });

  it("by value limits each element", () => {
    const { updates } = clipped(clipByValue(5));
    expect(numbersOf(updates.encoder[0].weight)).toEqual([3, -4, 0, 5]);
    expect(numbersOf(updates.encoder[1].weight)).toEqual([5, 0]);
    expect(() => clipByValue(0)).toThrow(/limit must be positive/);
  });
});

describe("onlyPaths", () => {
  it("moves the chosen parameters and keeps the others bit for bit", () => {
    const optimizer = onlyPaths((path) => !path.startsWith("encoder.0"), adam({ learningRate: 1 }));
    const { params: after, state } = descend(optimizer, 3);
    expect(after.encoder[0].weight).toEqual(params.encoder[0]!.weight);
    expect(Object.is(after.encoder[0].weight.data[1], -0)).toBe(true);
    expect(after.encoder[1].weight.data[0]).toBeCloseTo(0.5 - 3, 5);
    expect(after.decoder.bias.data[0]).toBeCloseTo(7 + 3, 3);
    // Moments of the three numbers that move, and of no others.
    expect(Object.keys(state.first)).toEqual(["small"]);
    expect(state.first.small.shape).toEqual([3]);
  });

  it("does not need gradients of the others, and wants at least one parameter", () => {
    const { decoder } = gradients;
    const { params: after } = descend(
      onlyPaths((path) => !isEncoder(path), sgd({ learningRate: 1000, momentum: 0.5 })),
      2,
      { decoder },
    );
    expect(after.encoder).toEqual(params.encoder);
    expect(after.decoder.bias.data[0]).toBeCloseTo(7 + 1 + 1.5, 5);
    const none = onlyPaths(() => false, sgd({ learningRate: 1 }));
    expect(() => descend(none)).toThrow(/no parameter. Paths look like "encoder.0.weight"/);
  });
});

it("parallel gives parts their own rates, and each parameter one optimizer", () => {
  const slow = onlyPaths(isEncoder, sgd({ learningRate: 0.01 }));
  const fast = onlyPaths((path) => !isEncoder(path), sgd({ learningRate: 1000 }));
  const { params: after } = descend(parallel(slow, fast));
  expect(after.encoder[1].weight.data[0]).toBeCloseTo(0.5 - 0.84, 6);
  expect(after.decoder.bias.data[0]).toBeCloseTo(8, 6);
  expect(() => descend(parallel(slow, slow))).toThrow(/two optimizers update "encoder.0.weight"/);
});

it("Adam in float32 makes first steps of exactly the rate, whatever the gradient's size", () => {
  for (const steps of [1, 2, 5]) {
    const { params: after, state } = descend(adam({ learningRate: 1 / 64 }), steps);
    const moved = (0.5 - after.encoder[1].weight.data[0]) * 64;
    expect(Math.abs(moved / steps - 1)).toBeLessThan(1e-6);
    expect(after.encoder[1].weight.data[1]).toBe(-0.25);
    expect(state.count).toEqual(tensorOf([steps], [], "int32"));
    expect(state.second.small.shape).toEqual([7]);
  }
});

it("packing small leaves together and large ones alone is undone exactly", () => {
  const numbers = (size: number, from: number) =>
    tensorOf(
      Array.from({ length: size }, (_, i) => from + i),
      [size / 2, 2],
    );
  const tree = { a: numbers(4, 0), b: [numbers(20_000, 100), numbers(6, 10)], c: numbers(2, 90) };
  const program = trace((given) => {
    const packed = pack(given as unknown as Tree<Value>);
    return { packed, again: unpack(packed, given as unknown as Tree<Value>) };
  }, tree);
  const { packed, again } = evaluate(program, tree) as unknown as {
    packed: Record<string, Tensor>;
    again: typeof tree;
  };
  expect(Object.keys(packed)).toEqual(["b.0", "small"]);
  expect(Array.from(packed.small?.data as Float32Array)).toEqual([
    0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 90, 91,
  ]);
  expect(again).toEqual(tree);
});

it("a schedule is asked with the number of steps done", () => {
  const rates = schedules.exponential({ start: 1, rate: 0.5 });
  const optimizer = chain(clipByValue(1), sgd({ learningRate: rates }));
  const { params: after } = descend(optimizer, 4);
  expect(after.encoder[1].weight.data[0]).toBeCloseTo(0.5 - (1 + 0.5 + 0.25 + 0.125), 6);
});

it("an update without a parameter is an error", () => {
  const extra = (p: Tree<Value>) => applyUpdates(pickPaths(p, isEncoder), p);
  expect(() => run(extra, params)).toThrow(/an update for "decoder.bias" but no such parameter/);
});

it("ema follows the parameters", () => {
  const average = ema(0.75);
  const x = tensorOf([8, -4], [2, 1, 1]);
  const after = run(
    (p) => average.update(average.update(average.init(p), p), { x: (p as { x: Value }).x.mul(0) }),
    { x },
  );
  expect(after.x.shape).toEqual([2, 1, 1]);
  expect(numbersOf(after.x)).toEqual([6, -3]);
  expect(() => ema(1)).toThrow(/decay must be at least 0 and below 1/);
});
