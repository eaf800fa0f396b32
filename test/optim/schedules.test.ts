import { expect, it } from "vitest";
import { type Schedule, schedules } from "../../src/optim/index.ts";
import { type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, trace } from "../../src/trace/index.ts";

const { constant, cosine, exponential, linearWarmup } = schedules;

function valuesOf(schedule: Schedule, steps: readonly number[]): number[] {
  const program = trace((step) => schedule(step), tensorOf([0], [], "float64"));
  return steps.map((step) =>
    Number((evaluate(program, tensorOf([step], [], "float64")) as unknown as Tensor).data[0]),
  );
}

it.each<[string, Schedule, number[], number[]]>([
  ["constant", constant(0.3), [0, 7, 1e6], [0.3, 0.3, 0.3]],
  ["cosine", cosine({ start: 1, total: 100 }), [0, 50, 100, 500], [1, 0.5, 0, 0]],
  [
    "cosine with a floor",
    cosine({ start: 3, total: 4, floor: 1 }),
    [0, 1, 2, 4, 9],
    [3, 2 + Math.SQRT1_2, 2, 1, 1],
  ],
  ["exponential", exponential({ start: 2, rate: 0.5 }), [0, 1, 2, 10], [2, 1, 0.5, 2 / 1024]],
  [
    "exponential with every and floor",
    exponential({ start: 1, rate: 0.25, every: 10, floor: 0.2 }),
    [0, 5, 10, 20],
    [1, 0.5, 0.25, 0.2],
  ],
  ["warm-up to a number", linearWarmup(3, 2), [0, 1, 2, 3, 100], [0.5, 1, 1.5, 2, 2]],
  [
    "warm-up to a schedule that starts after it",
    linearWarmup(4, cosine({ start: 1, total: 10 })),
    [0, 3, 4, 9, 14, 20],
    [0.2, 0.8, 1, 0.5, 0, 0],
  ],
])("%s", (_name, schedule, steps, want) => {
  for (const [i, value] of valuesOf(schedule, steps).entries()) {
    expect(value).toBeCloseTo(want[i]!, 12);
  }
});

it("refuses lengths that are not positive", () => {
  expect(() => cosine({ start: 1, total: 0 })).toThrow(/total must be positive, got 0/);
  expect(() => linearWarmup(0, 1)).toThrow(/steps must be positive/);
  expect(() => exponential({ start: 1, rate: -1 })).toThrow(/rate must be positive/);
});
