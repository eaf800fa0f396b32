import type { Lowering, Node } from "../trace/index.ts";
import { number } from "./unary.ts";

/** π = high + low, the first with so few bits that its small multiples are exact (Cody and Waite, Software Manual for the Elementary Functions, chapter 8). */
const [high, low] = [3.140625, 9.67653589793e-4];
/** sin r = r + r³·(c₀ + c₁r² + …), Taylor: off by less than 6e-8 for |r| ≤ π/2. */
const coefficients = [-1 / 6, 1 / 120, -1 / 5040, 1 / 362_880, -1 / 39_916_800];

/**
 * The operator, or on WebGPU a polynomial: WGSL's sin and cos need be exact to 2⁻¹¹ only (its specification, "Accuracy of
 * Built-in Functions"), and drivers use it. `shift` is 0 for the sine, ½ for the cosine: with the whole number m nearest
 * to x/π − shift and r = x − (m + shift)π, sin x = (−1)ᵐ sin r and cos x = −(−1)ᵐ sin r.
 */
export const lowerSine =
  (operator: "Sin" | "Cos", shift: 0 | 0.5) =>
  (to: Lowering, x: string, _attributes: unknown, node: Node): string => {
    if (to.target !== "webgpu") return to.emit(operator, [x]);
    const constant = (value: number): string => number(to, node, value);
    const times = (a: string, b: string | number): string =>
      to.emit("Mul", [a, typeof b === "number" ? constant(b) : b]);
    const plus = (a: string, b: number): string => to.emit("Add", [a, constant(b)]);
    const minus = (a: string, b: string): string => to.emit("Sub", [a, b]);
    const turns = to.emit("Round", [plus(times(x, 1 / Math.PI), -shift)]);
    const halfTurns = plus(turns, shift);
    const r = minus(minus(x, times(halfTurns, high)), times(halfTurns, low));
    const square = times(r, r);
    const series = coefficients
      .slice(0, -1)
      .reduceRight(
        (sum, c) => plus(times(sum, square), c),
        constant(coefficients.at(-1) as number),
      );
    const sine = to.emit("Add", [r, times(times(r, square), series)]);
    // 1 where m is odd, else 0.
    const odd = minus(turns, times(to.emit("Floor", [times(turns, 0.5)]), 2));
    const sign = shift === 0 ? plus(times(odd, -2), 1) : plus(times(odd, 2), -1);
    return times(sine, sign);
  };
