import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { encodeNpy } from "../../src/data/index.ts";
import { criticKinds } from "../../src/methods/mi/critics.ts";
import { informationMethods } from "../../src/mutual-information.ts";
import { fillNormal, type Tensor } from "../../src/tensor/index.ts";
import { invoke } from "./invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "reparam-mi-"));
afterAll(() => rmSync(folder, { recursive: true }));

const draw = (path: string, rows: number, size: number): Float64Array => {
  const data = new Float64Array(rows * size);
  fillNormal(data, { seed: 9, step: 0, path });
  return data;
};

function save(name: string, data: Float64Array, shape: number[]): string {
  const path = join(folder, name);
  writeFileSync(path, encodeNpy({ dtype: "float64", shape, data } as Tensor));
  return path;
}

const rows = 1500;
const rho = 0.9;
const exact = -0.5 * Math.log(1 - rho ** 2);
const [a, noise] = [draw("a", rows, 1), draw("noise", rows, 1)];
const b = a.map((v, i) => rho * v + Math.sqrt(1 - rho ** 2) * (noise[i] as number));
const x = save("x.npy", a, [rows]);
const y = save("y.npy", b, [rows, 1]);
const wide = save("wide.npy", draw("wide", rows, 8), [rows, 8]);

const json = (stdout: string) =>
  JSON.parse(stdout.trimEnd().split("\n").at(-1) as string) as {
    value: number;
    interval: [number, number];
    limit?: number;
    warnings: string[];
    steps: number;
  };

describe("reparam mi", () => {
  it("offers every estimator and critic that there is", async () => {
    const { stdout } = await invoke("mi", "--help");
    for (const name of [...informationMethods, ...criticKinds]) {
      expect(stdout).toContain(`"${name}"`);
    }
  });

  it("prints the estimate, its interval and what is known of it", async () => {
    const { status, stdout } = await invoke(
      "mi",
      "--x",
      x,
      "--y",
      y,
      "--method",
      "kraskov",
      "--json",
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/^I\(x; y\) = 0\.\d+ nats, 95 % interval/);
    expect(Math.abs(json(stdout).value - exact)).toBeLessThan(0.06);
    expect(json(stdout).steps).toBe(0);
  });

  it("trains a critic, and warns at the bound of InfoNCE", async () => {
    const small = [
      "--hidden",
      "32",
      "--steps",
      "400",
      "--threads",
      "1",
      "--learning-rate",
      "2e-3",
      "--json",
    ];
    const fine = await invoke("mi", "--x", x, "--y", y, "--batch-size", "32", ...small);
    expect(fine.status).toBe(0);
    expect(Math.abs(json(fine.stdout).value - exact)).toBeLessThan(0.15);
    expect(json(fine.stdout).limit).toBeCloseTo(Math.log(32), 12);
    expect(fine.stderr).toBe("");
    const tight = await invoke("mi", "--x", wide, "--y", wide, "--batch-size", "4", ...small);
    expect(tight.stderr).toMatch(/cannot exceed log 4 = 1\.39 nats/);
    expect(json(tight.stdout).value).toBeLessThan(Math.log(4));
  });

  it("says what is wrong with files and flags", async () => {
    const short = save("short.npy", draw("s", 30, 1), [30]);
    const bad = save("bad.npy", Float64Array.from([1, Number.NaN, 2]), [3]);
    const cases: [string[], RegExp][] = [
      [["--x", x, "--y", short], /x has 1500 rows and y 30/],
      [["--x", bad, "--y", bad], /x: row 1 has NaN/],
      [["--x", short, "--y", short], /30 pairs are too few/],
      [["--x", x], /required option '--y/],
      [["--x", x, "--y", y, "--method", "magic"], /Allowed choices are dv, mine/],
      [["--x", x, "--y", y, "--clip", "0"], /number above 0/],
      [["--x", join(folder, "none.npy"), "--y", y], /none\.npy/],
    ];
    for (const [args, message] of cases) {
      const { status, stderr } = await invoke("mi", ...args);
      expect(status, args.join(" ")).toBe(2);
      expect(stderr).toMatch(message);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    }
  });
});
