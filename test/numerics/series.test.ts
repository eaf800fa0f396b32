import { describe, expect, it } from "vitest";
import {
  chebyshevCoefficients,
  chebyshevDerivative,
  chebyshevIntegral,
  chebyshevNodes,
  chebyshevTail,
  chebyshevValue,
  integral,
  integrationMatrix,
  multiply,
} from "../../src/numerics/index.ts";
import { readGolden } from "../golden/read.ts";

describe("Chebyshev series", () => {
  const f = (x: number) => Math.exp(x) * Math.sin(3 * x);
  const nodes = chebyshevNodes(32);
  const series = chebyshevCoefficients(Float64Array.from(nodes, f));

  it("interpolate, differentiate and integrate to rounding", () => {
    const antiderivative = (x: number) =>
      (Math.exp(x) * (Math.sin(3 * x) - 3 * Math.cos(3 * x))) / 10;
    for (const x of [-1, -0.7, 0.123, 0.99, 1]) {
      expect(chebyshevValue(series, x)[0]).toBeCloseTo(f(x), 13);
      const slope = Math.exp(x) * (Math.sin(3 * x) + 3 * Math.cos(3 * x));
      expect(chebyshevValue(chebyshevDerivative(series), x)[0]).toBeCloseTo(slope, 11);
      const area = antiderivative(x) - antiderivative(-1);
      expect(chebyshevValue(chebyshevIntegral(series), x)[0]).toBeCloseTo(area, 13);
    }
  });

  it("say by their tail how well they are resolved", () => {
    expect(chebyshevTail(series)).toBeLessThan(1e-14);
    const coarse = chebyshevCoefficients(Float64Array.from(chebyshevNodes(8), f));
    expect(chebyshevTail(coarse)).toBeGreaterThan(1e-4);
  });

  it("have the nodes of a degree among those of its double", () => {
    for (const [i, x] of chebyshevNodes(16).entries()) expect(nodes[2 * i]).toBe(x);
  });

  it("serve several columns at once", () => {
    const values = Array.from(chebyshevNodes(20)).flatMap((x) => [x * x, x ** 3]);
    const both = chebyshevCoefficients(Float64Array.from(values), 2);
    expect(Array.from(chebyshevValue(both, 0.5, 2))[1]).toBeCloseTo(0.125, 14);
  });

  it("integrate values at nodes by one matrix", () => {
    const J = integrationMatrix(32);
    const areas = multiply(J, Float64Array.from(nodes, f), 33, 33, 1);
    const want = chebyshevIntegral(series);
    for (const [i, x] of nodes.entries()) {
      expect(areas[i]).toBeCloseTo(chebyshevValue(want, x)[0]!, 13);
    }
  });
});

describe("adaptive quadrature", () => {
  const want = readGolden("ode").quad!.data as Float64Array;

  it("agrees with SciPy, several components at once, in either direction", () => {
    const f = (t: number) => [Math.exp(-t) * Math.cos(9 * t), 1];
    const { value, evaluations } = integral(f, 0, 3);
    expect(value[0]).toBeCloseTo(Number(want[0]), 11);
    expect(value[1]).toBeCloseTo(3, 14);
    expect(evaluations).toBeLessThan(300);
    expect(integral(f, 3, 0).value[1]).toBeCloseTo(-3, 14);
  });

  it("refines towards a root singularity and bounds its error", () => {
    const { value, error } = integral((t) => [Math.sqrt(t)], 0, 1, { relative: 1e-9 });
    expect(Math.abs(value[0]! - Number(want[1]))).toBeLessThan(error);
  });

  it("refuses poles, NaN and endless ranges with the place", () => {
    expect(() => integral((t) => [1 / (t - 0.3)], 0, 1)).toThrow(
      /near t = 0\.(3|29999)|not finite/,
    );
    expect(() => integral(() => [Number.NaN], 0, 1)).toThrow("not finite at t =");
    expect(() => integral(() => [1], 0, Number.POSITIVE_INFINITY)).toThrow("finite");
  });
});
