import { describe, expect, it } from "vitest";
import type { MatrixLike } from "../../src/numerics/index.ts";
import { generalSolution } from "../../src/ode/index.ts";

describe("refusals name what is wrong, when, and by how much", () => {
  const A = () => [
    [0, 1, 0],
    [-1, 0, 0],
    [0, 0, -1],
  ];
  const circle = (t: number) => [Math.cos(t), -Math.sin(t), 0];
  const decay = (t: number) => [0, 0, Math.exp(-t)];
  const interval = [0, 3] as const;
  const scalar = (a: (t: number) => number) => () =>
    generalSolution({ A: (t: number): MatrixLike => [[a(t)]], interval });

  it.each<[string, () => unknown, RegExp]>([
    [
      "no solution",
      () => generalSolution({ A, known: [(t) => [Math.sin(t), 1, 0]], interval }),
      /known\[0\] is not a solution of ẋ = A x: from t = 0 to \S+ it moves otherwise than ∫A x, by \S+ of its length/,
    ],
    [
      "nearly one",
      () => generalSolution({ A, known: [(t) => circle(1.00001 * t)], interval }),
      /known\[0\] is not a solution/,
    ],
    [
      "one for a while",
      () =>
        generalSolution({
          A,
          known: [(t) => (t < 2 ? circle(t) : circle(t + (t - 2) ** 4))],
          interval,
        }),
      /known\[0\] is not a solution of ẋ = A x: from t = (0 to [23]|[12]\.)/,
    ],
    [
      "dependent ones",
      () => generalSolution({ A, known: [circle, (t) => circle(t).map((x) => -2 * x)], interval }),
      /known\[1\] depends on the solutions before it at t = 0: of length 1, it is \S+ from their span/,
    ],
    [
      "a zero one",
      () => generalSolution({ A, known: [() => [0, 0, 0]], interval }),
      /known\[0\] is zero at t = 0/,
    ],
    [
      "too many",
      () => generalSolution({ A, known: [circle, decay, circle], interval }),
      /at most 2 solutions/,
    ],
    [
      "NaN in one",
      () => generalSolution({ A, known: [() => [Number.NaN, 0, 0]], interval }),
      /known\[0\] is not finite at t = 0/,
    ],
    [
      "sizes of one",
      () => generalSolution({ A, known: [() => [1, 2]], interval }),
      /known\[0\] has 2 components for a system of 3/,
    ],
    [
      "sizes of A",
      () => generalSolution({ A: () => [[1, 2], [3]], interval }),
      /A\(t\): must be \[2, 2\], got 2 rows of 1/,
    ],
    ["NaN in A", scalar((t) => Math.sqrt(1 - t)), /A\(t\) is not finite at t = \d/],
    [
      "a pole of A",
      scalar((t) => 1 / (t - 1.1)),
      /cannot be resolved near t = 1\.(1|0999)\d*, where A grows to/,
    ],
    ["a pole at the end", scalar((t) => 1 / (t - 3)), /not finite at t = 3/],
    [
      "sizes of b",
      () => generalSolution({ A, interval, inhomogeneity: () => [1] }),
      /inhomogeneity must be 3 finite numbers/,
    ],
    [
      "the interval",
      () => generalSolution({ A, interval: [3, 0] }),
      /two finite times in rising order/,
    ],
    [
      "the tolerance",
      () => generalSolution({ A, interval, tolerance: 0 }),
      /tolerance must be between 0 and 1/,
    ],
    ["an empty A", () => generalSolution({ A: () => [], interval }), /A\(t\) is empty/],
    [
      "overflow",
      () => generalSolution({ A: () => [[400]], interval }).fundamental(3),
      /too large for float64 at t = 3/,
    ],
    [
      "overflow of several",
      () =>
        generalSolution({
          A: () => [
            [400, 0],
            [0, 500],
          ],
          interval,
        }),
      /solutions have grown to \S+ at t = /,
    ],
    [
      "time outside",
      () => generalSolution({ A, interval }).propagator(3.1),
      /t = 3\.1 is outside of the interval \[0, 3\]/,
    ],
    [
      "sizes of x0",
      () => generalSolution({ A, interval }).initialValue([1]),
      /x0 must be 3 numbers, got 1/,
    ],
  ])("%s", (_name, run, message) => {
    expect(run).toThrow(message);
  });

  it("but a bump of A that most of the first nodes miss is seen", () => {
    const bump = (t: number) => 5 * Math.exp(-(((t - 1.234) / 0.1) ** 2));
    const area = 0.5 * Math.sqrt(Math.PI);
    const known = [(t: number) => [1, 0 * t]];
    const general = generalSolution({
      A: (t) => [
        [0, 0],
        [0, bump(t) + 0.1 * t],
      ],
      known,
      interval,
    });
    expect(general.propagator(3)[1]![1]).toBeCloseTo(Math.exp(area + 0.45), 7);
  });
});
