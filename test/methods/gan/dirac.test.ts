// Eigenvalues of the Dirac-GAN at its equilibrium against those derived by hand: Mescheder, Geiger, Nowozin, "Which
// training methods for GANs do actually converge?" (2018), sections 2 to 4; f'(0) = ½, f''(0) = −¼ for f = −log(1 + e⁻ᵗ).
import { describe, expect, it } from "vitest";
import { type DiracOptions, diracField } from "../../../src/methods/gan/dirac.ts";
import {
  compileField,
  fieldEigenvalues,
  flowOf,
  gradientField,
  type Linearization,
  updateEigenvalues,
} from "../../../src/methods/gan/dynamics.ts";
import type { Complex } from "../../../src/numerics/index.ts";
import { mean, slice, sum } from "../../../src/ops/index.ts";
import type { Value } from "../../../src/trace/index.ts";

const atZero = (options: DiracOptions): Linearization =>
  compileField(diracField(options), 2)([0, 0]);

/** −a ± √(a² − b²). */
const pair = (a: number, b: number): Complex[] => {
  const root = a * a - b * b;
  return root >= 0
    ? [-a - Math.sqrt(root), -a + Math.sqrt(root)].map((re) => ({ re, im: 0 }))
    : [-1, 1].map((sign) => ({ re: -a, im: sign * Math.sqrt(-root) }));
};

function expectSame(got: readonly Complex[], wanted: readonly Complex[]): void {
  const sorted = (list: readonly Complex[]): Complex[] =>
    [...list].sort((p, q) => p.re - q.re || p.im - q.im);
  for (const [i, { re, im }] of sorted(got).entries()) {
    expect(re).toBeCloseTo(sorted(wanted)[i]?.re as number, 8);
    expect(im).toBeCloseTo(sorted(wanted)[i]?.im as number, 8);
  }
}

const sigma = 0.7;
const noisy = 0.25 * sigma ** 2;
const cases: [name: string, options: DiracOptions, wanted: Complex[]][] = [
  ["nothing", {}, pair(0, 0.5)],
  ["the non-saturating loss", { loss: "non-saturating" }, pair(0, 0.5)],
  ["Wasserstein", { loss: "wasserstein" }, pair(0, 1)],
  ["R1, weak", { penalty: "r1", weight: 0.3 }, pair(0.15, 0.5)],
  ["R1, strong", { penalty: "r1", weight: 3 }, pair(1.5, 0.5)],
  ["R2", { penalty: "r2", weight: 0.3 }, pair(0.15, 0.5)],
  // (1 − σ(0))² + σ(0)² = ½: half of R1.
  ["the JS regularizer", { penalty: "js-regularizer", weight: 0.8 }, pair(0.2, 0.5)],
  ["consensus optimization", { consensus: 0.6 }, [-1, 1].map((s) => ({ re: -0.15, im: 0.5 * s }))],
  ["instance noise", { noise: sigma }, pair(noisy, 0.5)],
];

it.each(cases)("with %s", (_name, options, wanted) => {
  expectSame(fieldEigenvalues(atZero(options)), wanted);
});

describe("updates of step size h", () => {
  const moduli = (h: number, turns: "simultaneous" | "alternating", options = {}): number[] =>
    updateEigenvalues(atZero(options), { discriminator: 1 }, h, turns).map(({ re, im }) =>
      Math.hypot(re, im),
    );

  it("simultaneous: the modulus is √(1 + h²f'(0)²), always above 1", () => {
    for (const h of [0.1, 0.5, 1]) {
      for (const modulus of moduli(h, "simultaneous")) {
        expect(modulus).toBeCloseTo(Math.sqrt(1 + h * h * 0.25), 10);
      }
    }
  });

  it("alternating: the modulus is exactly 1 while h·f'(0) < 2, and above 1 beyond", () => {
    for (const h of [0.2, 1, 3.9]) {
      for (const modulus of moduli(h, "alternating")) expect(modulus).toBeCloseTo(1, 10);
    }
    expect(Math.max(...moduli(4.2, "alternating"))).toBeGreaterThan(1.1);
  });

  it("R1 brings both below 1", () => {
    for (const turns of ["simultaneous", "alternating"] as const) {
      expect(Math.max(...moduli(0.2, turns, { penalty: "r1", weight: 1 }))).toBeLessThan(1);
    }
  });
});

describe("the continuous dynamics", () => {
  it("turn around the equilibrium for ever without regularization, and spiral into it with R1", () => {
    const radius = (options: DiracOptions): number => {
      const field = compileField(diracField(options), 2);
      const flow = flowOf(field, [1, 1], 40, { tolerance: { absolute: 1e-10, relative: 1e-10 } });
      return Math.hypot(...(flow.at(40) as unknown as number[]));
    };
    // ½(ψ² + θ²) of the Wasserstein game is conserved.
    expect(radius({ loss: "wasserstein" })).toBeCloseTo(Math.SQRT2, 6);
    expect(radius({ penalty: "r1", weight: 1 })).toBeLessThan(1e-3);
  });

  it("of any small model near an equilibrium decay as its eigenvalues say", () => {
    // A Wasserstein game in the plane with D(x) = ψ·x, x = θ, and ½‖ψ‖² as penalty: eigenvalues −½ ± i√3/2, twice.
    const field = compileField(
      gradientField({
        ...{ discriminator: 2, generator: 2 },
        losses: (psi: Value, theta: Value) => {
          const score = sum(psi.mul(theta));
          return { discriminator: score.add(sum(psi.square()).mul(0.5)), generator: score.neg() };
        },
      }),
      4,
    );
    const values = fieldEigenvalues(field([0, 0, 0, 0]));
    expectSame(values, [...pair(0.5, 1), ...pair(0.5, 1)]);
    const end = flowOf(field, [0, 0, 1, -1], 10).at(10) as unknown as number[];
    // θ(t) = e^(−t/2)(cos ωt + sin ωt/√3)θ(0), ω = √3/2.
    const w = Math.sqrt(3) / 2;
    const factor = Math.exp(-5) * (Math.cos(10 * w) + Math.sin(10 * w) / Math.sqrt(3));
    expect(end[2]).toBeCloseTo(factor, 7);
    expect(end[3]).toBeCloseTo(-factor, 7);
  });

  it("has the Jacobian of central differences at any point, of a network too", () => {
    const game = compileField(
      gradientField({
        ...{ discriminator: 3, generator: 2 },
        losses: (psi: Value, theta: Value) => {
          const score = sum(
            slice(psi, 0, 0, 2)
              .mul(theta)
              .square()
              .add(theta.mul(slice(psi, 0, 1, 3))),
          );
          return { discriminator: score.add(mean(psi.square())), generator: score.neg() };
        },
      }),
      5,
    );
    const at = [0.3, -0.7, 0.2, 0.9, -0.4];
    const { jacobian } = game(at);
    for (let j = 0; j < 5; j++) {
      const moved = (by: number) => game(at.map((v, i) => (i === j ? v + by : v))).velocity;
      const [up, down] = [moved(1e-5), moved(-1e-5)];
      for (let i = 0; i < 5; i++) {
        const slope = ((up[i] as number) - (down[i] as number)) / 2e-5;
        expect(jacobian[5 * i + j]).toBeCloseTo(slope, 6);
      }
    }
  });
});
