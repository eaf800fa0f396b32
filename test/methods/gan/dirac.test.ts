// Eigenvalues of the Dirac-GAN at its equilibrium against those derived by hand: Mescheder, Geiger, Nowozin, "Which
// training methods for GANs do actually converge?" (2018), sections 2 to 4; f'(0) = ½, f''(0) = −¼ for f = −log(1 + e⁻ᵗ).
import { describe, expect, it } from "vitest";
import { type DiracOptions, diracField } from "../../../src/methods/gan/dirac.ts";
import {
  compileField,
  fieldEigenvalues,
  type Linearization,
  updateEigenvalues,
} from "../../../src/methods/gan/dynamics.ts";
import type { Complex } from "../../../src/numerics/index.ts";

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
