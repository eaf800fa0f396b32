import { expect, it } from "vitest";
import {
  fillMask,
  fillNormal,
  fillUniform,
  permutation,
  philoxBlock,
} from "../../src/tensor/index.ts";

const block = (counter: [number, number, number, number], key: [number, number]): string[] => {
  const out = new Uint32Array(4);
  philoxBlock(counter, key, out);
  return [...out].map((word) => word.toString(16).padStart(8, "0"));
};

// The known answers published with Random123 (Salmon et al. 2011), philox4x32 with 10 rounds.
it("gives Random123's known answers", () => {
  expect(block([0, 0, 0, 0], [0, 0])).toEqual(["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]);
  const ones = 0xffffffff;
  expect(block([ones, ones, ones, ones], [ones, ones])).toEqual([
    "408f276d",
    "41c83b0e",
    "a20bc7c6",
    "6d5451fd",
  ]);
  expect(block([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toEqual(
    ["d16cfe09", "94fdcceb", "5001e420", "24126ea1"],
  );
});

const uniforms = (n: number, seed: number, step: number, path: string): Float32Array => {
  const out = new Float32Array(n);
  fillUniform(out, { seed, step, path });
  return out;
};

it("is addressed by seed, step and path, and a prefix does not depend on the length", () => {
  expect(uniforms(7, 1, 2, "a.b")).toEqual(uniforms(100, 1, 2, "a.b").subarray(0, 7));
  for (const other of [
    uniforms(7, 2, 2, "a.b"),
    uniforms(7, 1, 3, "a.b"),
    uniforms(7, 1, 2, "a.c"),
  ]) {
    expect(other).not.toEqual(uniforms(7, 1, 2, "a.b"));
  }
  expect(uniforms(7, 1, 0, "a")).not.toEqual(uniforms(7, 1 + 2 ** 32, 0, "a"));
});

it("has the moments of the uniform and the normal distribution, and stays inside (0, 1)", () => {
  const n = 1_000_000;
  const u = uniforms(n, 3, 0, "u");
  const z = new Float32Array(n);
  fillNormal(z, { seed: 3, step: 0, path: "z" });
  const moment = (x: Float32Array, power: number): number =>
    x.reduce((s, v) => s + v ** power, 0) / n;
  // Five standard errors: of the mean of u, √(1/12n); of z, z², z³ and z⁴, √(1, 2, 15, 96 over n).
  expect(Math.abs(moment(u, 1) - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
  expect(Math.min(...u.subarray(0, 1e5))).toBeGreaterThan(0);
  expect(u.every((v) => v > 0 && v < 1)).toBe(true);
  for (const [power, mean, variance] of [
    [1, 0, 1],
    [2, 1, 2],
    [3, 0, 15],
    [4, 3, 96],
  ] as const) {
    expect(Math.abs(moment(z, power) - mean)).toBeLessThan(5 * Math.sqrt(variance / n));
  }
});

it("permutes", () => {
  const order = permutation(1000, { seed: 1, step: 0, path: "shuffle" });
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  expect(order.filter((v, i) => v === i).length).toBeLessThan(10);
});

it("masks keep the share asked for, without a trace of neighbours or of other streams", () => {
  const n = 1_000_000;
  const masks = (keep: number, path: string, count = n): Uint8Array => {
    const out = new Uint8Array(count);
    fillMask(out, keep, { seed: 5, step: 1, path });
    return out;
  };
  for (const keep of [0.9, 0.5, 0.013]) {
    const [a, b] = [masks(keep, "a"), masks(keep, "b")] as const;
    expect(Math.abs(a.reduce((sum, v) => sum + v, 0) / n - keep)).toBeLessThan(
      5 * Math.sqrt((keep * (1 - keep)) / n),
    );
    expect(masks(keep, "a", 7)).toEqual(a.subarray(0, 7));
    // Correlations of n pairs have the standard error 1/√n.
    const covariance = (other: Uint8Array, lag: number): number => {
      let sum = 0;
      for (let i = 0; i + lag < n; i++) sum += ((a[i] as number) - keep) * (other[i + lag]! - keep);
      return sum / n / (keep * (1 - keep));
    };
    for (const lag of [1, 2, 3, 4, 64, 65, 768]) {
      expect(Math.abs(covariance(a, lag))).toBeLessThan(5 / Math.sqrt(n));
    }
    for (const lag of [0, 1, 2]) {
      expect(Math.abs(covariance(b, lag))).toBeLessThan(5 / Math.sqrt(n));
    }
  }
});
