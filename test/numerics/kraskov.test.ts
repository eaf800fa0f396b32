import { describe, expect, it } from "vitest";
import { kraskovInformation } from "../../src/numerics/kraskov.ts";
import { fillNormal } from "../../src/tensor/index.ts";
import { readGolden, readGoldenMeta } from "../golden/read.ts";

const golden = readGolden("ksg");
const neighbours = readGoldenMeta("ksg").neighbours as number[];

const rows = (name: string) => {
  const { data, shape } = golden[name] as (typeof golden)[string];
  return { data: Float64Array.from(data as Float64Array), size: shape[1] as number };
};

describe("kraskovInformation", () => {
  it.each(["line", "plane"])("agrees with SciPy's trees on the %s", (name) => {
    for (const [i, k] of neighbours.entries()) {
      const { value } = kraskovInformation(rows(`${name}.x`), rows(`${name}.y`), { neighbours: k });
      expect(value).toBeCloseTo(golden[`${name}.nats`]?.data[i] as number, 12);
    }
  });

  it("is near the truth for correlated normals, and near 0 for independent ones", () => {
    const draw = (path: string) => {
      const data = new Float64Array(2000);
      fillNormal(data, { seed: 5, step: 0, path });
      return { data, size: 1 };
    };
    const [x, noise] = [draw("x"), draw("noise")];
    for (const rho of [0, 0.6, 0.95]) {
      const mixed = x.data.map((v, i) => rho * v + Math.sqrt(1 - rho ** 2) * noise.data[i]!);
      const found = kraskovInformation(x, { data: mixed, size: 1 });
      const exact = -0.5 * Math.log(1 - rho ** 2);
      expect(Math.abs(found.value - exact)).toBeLessThan(3 * found.standardError + 0.02);
    }
  });

  it("counts ties, and refuses what it cannot do", () => {
    const x = { data: Float64Array.from([0, 0, 0, 0, 1, 2]), size: 1 };
    expect(kraskovInformation(x, x, { neighbours: 2 }).ties).toBe(4);
    expect(() => kraskovInformation(x, x, { neighbours: 6 })).toThrow(
      /6 rows have no 6 neighbours/,
    );
    const short = { data: Float64Array.from([1]), size: 1 };
    expect(() => kraskovInformation(x, short)).toThrow(/as many rows of x as of y/);
  });
});
