import { describe, expect, it } from "vitest";
import { identity, luFactor, luSolve, multiply, norm2 } from "../../src/numerics/index.ts";
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

  it("solves systems of 32", { timeout: 60_000 }, () => {
    const closed = rotatingSystem(32);
    // All columns of one time at once.
    const seen = new Map<number, Float64Array>();
    const fundamental = (t: number) => {
      const Phi = seen.get(t) ?? closed.fundamental(t);
      seen.set(t, Phi);
      return Phi;
    };
    const form = { ...closed, fundamental, interval: [0, 1] as const };
    const general = generalSolution({ ...form, known: firstColumns(form, 30) });
    const error = propagatorError(form, (t) => flat(general.propagator(t)), [0, 0.3, 1]);
    expect(error).toBeLessThan(1e-10);
  });
});
