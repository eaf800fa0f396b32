import { describe, expect, it } from "vitest";
import {
  identity,
  luFactor,
  luSolve,
  type MatrixLike,
  multiply,
  norm2,
} from "../../src/numerics/index.ts";
import {
  airySystem,
  besselSystem,
  type ClosedForm,
  closedForms,
  columnOf,
  dop853,
  generalSolution,
  hillSystem,
  integrate,
  rotatingSystem,
} from "../../src/ode/index.ts";
import { readGolden } from "../golden/read.ts";

const flat = (rows: readonly (readonly number[])[]) => Float64Array.from(rows.flat());
const times = ([start, end]: readonly [number, number], count = 101) =>
  Array.from({ length: count }, (_, i) => start + ((end - start) * i) / (count - 1));
const firstColumns = (system: ClosedForm, k: number) =>
  Array.from({ length: k }, (_, j) => columnOf(system, j));

/** max‖Φ̂ − Φ‖/‖Φ‖ over the interval, Frobenius. */
function propagatorError(
  system: ClosedForm,
  propagator: (t: number) => Float64Array,
  at: readonly number[] = times(system.interval),
): number {
  const { size: n, fundamental, interval } = system;
  const start = luSolve(luFactor(fundamental(interval[0]), n), identity(n), n);
  const errors = at.map((t) => {
    const exact = multiply(fundamental(t), start, n, n, n);
    return norm2(propagator(t).map((x, i) => x - exact[i]!)) / norm2(exact);
  });
  return Math.max(...errors);
}

describe.each(closedForms)("$name", (system) => {
  const { size: n, A, interval } = system;

  it("comes from n − 1 known solutions to 1e-10, with a third of DOP853's evaluations of A", () => {
    const general = generalSolution({ A, known: firstColumns(system, n - 1), interval });
    const error = propagatorError(system, (t) => flat(general.propagator(t)));
    expect(error).toBeLessThan(1e-10);
    // The estimate is one: not far below the error, and not hopeless.
    expect(general.errorEstimate).toBeGreaterThan(error / 30 - 1e-13);
    expect(general.errorEstimate).toBeLessThan(1e-9);
    let evaluations = 0;
    const f = (t: number, y: Float64Array) => {
      evaluations++;
      return multiply(A(t), y, n, n, n);
    };
    // The loosest tolerance that serves all of these systems, and still no more exact than the reduction.
    const tolerance = { relative: 1e-11, absolute: 1e-14 };
    const options = { method: dop853, tolerance, dense: false };
    const path = integrate({ f, interval, y0: identity(n) }, options);
    expect(
      propagatorError(system, (t) => path.states[path.times.indexOf(t)]!, path.times),
    ).toBeGreaterThan(error);
    expect(general.evaluations.A).toBeLessThan(evaluations / 3);
  });

  it("comes from half of them, and from none", () => {
    for (const k of new Set([Math.floor(n / 2), 0])) {
      if (k === n - 1 || (k === 0 && n > 5)) continue;
      const general = generalSolution({ A, known: firstColumns(system, k), interval });
      expect(propagatorError(system, (t) => flat(general.propagator(t)))).toBeLessThan(1e-9);
    }
  });

  it("keeps Liouville's formula", () => {
    const general = generalSolution({ A, known: firstColumns(system, n - 1), interval });
    const start = general.logDeterminant(interval[0]);
    const trace = integrate(
      {
        f: (t) => [A(t).reduce((sum, a, i) => sum + (i % (n + 1) === 0 ? a : 0), 0)],
        interval,
        y0: [0],
      },
      { tolerance: { relative: 1e-13, absolute: 1e-14 } },
    );
    for (const t of times(interval, 21)) {
      const { sign, log } = general.logDeterminant(t);
      expect(sign).toBe(start.sign);
      expect(Math.abs(log - start.log - trace.at(t)[0]!)).toBeLessThan(1e-10);
    }
  });
});

describe("the general solution", () => {
  const system = rotatingSystem(4);
  const { A, interval } = system;
  const known = firstColumns(system, 2);

  it("begins with the known solutions and an orthonormal complement of them", () => {
    const general = generalSolution({ A, known, interval });
    const Psi = general.fundamental(interval[0]);
    for (let j = 2; j < 4; j++) {
      for (let l = 0; l < 4; l++) {
        const dot = Psi.reduce((sum, row) => sum + row[j]! * row[l]!, 0);
        expect(dot).toBeCloseTo(l === j ? 1 : 0, 13);
      }
    }
    expect(general.fundamental(3.3).map((row) => row[1])).toEqual(Array.from(known[1]!(3.3)));
  });

  it("has a derivative that is the slope of its values", () => {
    const general = generalSolution({ A, known, interval });
    const h = 1e-4;
    for (const t of [0.5, 2.2, 7.1]) {
      const [ahead, behind] = [general.fundamental(t + h), general.fundamental(t - h)];
      for (const [i, row] of general.derivative(t).entries()) {
        for (const [j, slope] of row.entries()) {
          expect((ahead[i]![j]! - behind[i]![j]!) / (2 * h)).toBeCloseTo(slope, 6);
        }
      }
    }
  });

  it("orients the last solution so that the determinant is positive", () => {
    for (const form of [rotatingSystem(3), besselSystem, hillSystem]) {
      const n = form.size;
      const general = generalSolution({ ...form, known: firstColumns(form, n - 1) });
      for (const t of times(form.interval, 30)) expect(general.logDeterminant(t).sign).toBe(1);
    }
  });

  it("solves inhomogeneous systems from any number of known solutions", () => {
    const inhomogeneity = (t: number) => [Math.sin(t), 1, -t / 4, Math.exp(-t)];
    const x0 = [1, -1, 0.5, 2];
    const exact = integrate(
      {
        f: (t, x) => multiply(A(t), x, 4, 4, 1).map((v, i) => v + inhomogeneity(t)[i]!),
        interval,
        y0: x0,
      },
      { tolerance: { relative: 1e-13, absolute: 1e-13 } },
    );
    for (let k = 0; k < 4; k++) {
      const input = { A, known: firstColumns(system, k), interval, inhomogeneity };
      const x = generalSolution(input).initialValue(x0);
      for (const t of times(interval, 11)) {
        for (const [i, value] of x(t).entries()) expect(value).toBeCloseTo(exact.at(t)[i]!, 9);
      }
      // From a value inside the interval, too.
      const back = generalSolution(input).initialValue(exact.at(5), 5);
      expect(back(0)[2]).toBeCloseTo(0.5, 9);
    }
  });

  it("turns constants into initial values and back", () => {
    const general = generalSolution({ A, known, interval });
    const constants = [1, 2, -3, 0.5];
    const x = general.solution(constants);
    for (const at of [0, 4.4]) {
      for (const [i, c] of general.constants(x(at), at).entries()) {
        expect(c).toBeCloseTo(constants[i]!, 10);
      }
    }
  });

  it("takes derivatives of known solutions as evidence", () => {
    const value = known[0]!;
    const derivative = (t: number) => multiply(A(t), value(t), 4, 4, 1);
    expect(generalSolution({ A, known: [{ value, derivative }], interval }).size).toBe(4);
    const wrong = (t: number) => derivative(t).map((x) => x + 1e-3);
    expect(() => generalSolution({ A, known: [{ value, derivative: wrong }], interval })).toThrow(
      /known\[0\] is not a solution .* its derivative is 2\.0e-3 from A x/,
    );
  });

  it("follows 1000 periods", () => {
    const phase = (t: number) => t + 0.3 * Math.sin(t);
    const rate = (t: number) => 1 + 0.3 * Math.cos(t);
    const general = generalSolution({
      A: (t) => [
        [0, rate(t)],
        [-rate(t), 0],
      ],
      known: [(t) => [Math.cos(phase(t)), -Math.sin(phase(t))]],
      interval: [0, 2000 * Math.PI],
    });
    for (const t of times([0, 2000 * Math.PI], 50)) {
      expect(Math.abs(general.propagator(t)[0]![1]! - Math.sin(phase(t)))).toBeLessThan(1e-10);
    }
  });

  it.each([1e2, 1e4, 1e6])("follows a stiff system of eigenvalue ratio %d", (ratio) => {
    // R e^{Dt} in a slowly turning frame, decays 1 and `ratio`.
    const frame = (t: number) => [Math.cos(t), Math.sin(t)] as const;
    const stiff = (t: number) => {
      const [c, s] = frame(t);
      const gap = ratio - 1;
      return [
        [-1 - gap * s * s, gap * c * s - 1],
        [gap * c * s + 1, -1 - gap * c * c],
      ];
    };
    const slow = (t: number) => frame(t).map((x) => x * Math.exp(-t));
    const exact = (t: number) => {
      const [c, s] = frame(t);
      const fast = Math.exp(-ratio * t);
      return Float64Array.of(c * Math.exp(-t), -s * fast, s * Math.exp(-t), c * fast);
    };
    for (const known of [[slow], []]) {
      const general = generalSolution({ A: stiff, known, interval: [0, 2] });
      for (const t of [1e-7, 1e-6, 1e-3, 0.1, 1, 2]) {
        const error = flat(general.propagator(t)).map((x, i) => x - exact(t)[i]!);
        expect(norm2(error) / norm2(exact(t))).toBeLessThan(1e-9);
      }
    }
  });

  it("agrees with Bessel and Airy functions of SciPy", () => {
    const golden = readGolden("ode");
    const check = (name: string, form: ClosedForm, columns: readonly number[]) => {
      const table = golden[name]!;
      const width = table.shape[1]!;
      const rows = Array.from({ length: table.shape[0]! }, (_, i) =>
        Array.from(table.data.slice(i * width, (i + 1) * width), Number),
      );
      const general = generalSolution({ ...form, known: [columnOf(form, 0)] });
      const [y, slope] = columns.map((c) => rows.map((row) => row[c]!));
      const x = general.initialValue([y![0]!, slope![0]!], rows[0]![0]!);
      for (const [i, row] of rows.entries()) expect(x(row[0]!)[0]).toBeCloseTo(y![i]!, 10);
    };
    check("bessel", besselSystem, [3, 4]);
    check("airy", airySystem, [1, 2]);
    check("airy", airySystem, [3, 4]);
  });

  it("solves systems of 32", { timeout: 20_000 }, () => {
    const form = rotatingSystem(32);
    const interval = [0, 1] as const;
    const general = generalSolution({ ...form, interval, known: firstColumns(form, 30) });
    const short = { ...form, interval };
    const error = propagatorError(short, (t) => flat(general.propagator(t)), [0, 0.3, 1]);
    expect(error).toBeLessThan(1e-10);
  });
});

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
