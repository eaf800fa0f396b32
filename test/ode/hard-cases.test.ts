// Intervals on which a naive reduction fails: zeros of the known solutions, stiffness, many periods.
import { describe, expect, it } from "vitest";
import { identity, luFactor, luSolve, multiply, norm2 } from "../../src/numerics/index.ts";
import { type ClosedForm, generalSolution, rotatingSystem } from "../../src/ode/index.ts";

const flat = (rows: readonly (readonly number[])[]) => Float64Array.from(rows.flat());
const times = ([start, end]: readonly [number, number], count: number) =>
  Array.from({ length: count }, (_, i) => start + ((end - start) * i) / (count - 1));

/** The solution with x(at) = value, in closed form. */
function solutionThrough({ fundamental, size: n }: ClosedForm, at: number, value: Float64Array) {
  const constants = luSolve(luFactor(fundamental(at), n), value);
  return (t: number) => multiply(fundamental(t), constants, n, n, 1);
}

describe("the general solution", () => {
  it.each([2, 3, 5])(
    "passes a time at which the first components of all known solutions vanish, n = %i",
    (n) => {
      const system = rotatingSystem(n);
      const { A, interval, fundamental } = system;
      const middle = 3;
      const axis = (i: number) => identity(n).subarray(i * n, (i + 1) * n);
      const known = Array.from({ length: n - 1 }, (_, j) =>
        solutionThrough(system, middle, axis(j + 1)),
      );
      for (const x of known) expect(Math.abs(x(middle)[0]!)).toBeLessThan(1e-15);
      // At least one of them changes its sign there.
      expect(known.some((x) => x(middle - 0.1)[0]! * x(middle + 0.1)[0]! < 0)).toBe(true);
      const start = luSolve(luFactor(fundamental(interval[0]), n), identity(n), n);
      for (const count of [n - 1, 1]) {
        const general = generalSolution({ A, interval, known: known.slice(0, count) });
        for (const t of [...times(interval, 41), middle, middle + 1e-9]) {
          const exact = multiply(fundamental(t), start, n, n, n);
          const error = flat(general.propagator(t)).map((x, i) => x - exact[i]!);
          expect(norm2(error) / norm2(exact)).toBeLessThan(1e-10);
        }
        // It is no special place: no panel ends near it.
        const nearest = Math.min(...general.breaks.map((t) => Math.abs(t - middle)));
        if (count === n - 1) expect(nearest).toBeGreaterThan(0.1);
      }
    },
  );

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
});
