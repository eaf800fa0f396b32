import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Option } from "commander";
import { expect, it } from "vitest";
import { dataFlags, dataOptionsOf } from "../../src/cli/data-flags.ts";
import { invoke, lastJson } from "./invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "reparam-data-"));

const table = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const csv = table("birds.csv", 'kind,"mass (g)",w\na,3,1\nb,5,1\na,,2\nb,7,0\n');

it("describe shows what a method sees of a table", async () => {
  const flags = ["--label-column", "kind", "--columns", "w,mass (g)", "--validation", "0"];
  const result = await invoke("data", "describe", csv, ...flags, "--json");
  expect(result.status).toBe(0);
  expect(result.stdout).toMatch(/samples: 3 train, 0 validation, 1 test/);
  expect(result.stdout).toMatch(/classes: a, b/);
  const { columns, features } = lastJson(result) as unknown as {
    columns: object[];
    features: { name: string; mean: number; least: number; most: number; missing: number }[];
  };
  expect(columns).toEqual([
    { name: "x", dtype: "float64", shape: [2], names: ["w", "mass (g)"] },
    { name: "label", dtype: "int32", shape: [] },
  ]);
  const [, mass] = features;
  expect(features.map(({ name }) => name)).toEqual(["w", "mass (g)"]);
  expect(mass!.missing).toBeLessThan(2);
  expect(mass!.mean).toBeGreaterThan(mass!.least);
  expect(mass!.mean).toBeLessThan(mass!.most);
});

it("describe says in one line what a table lacks, with a flag that works when pasted", async () => {
  const refused = await invoke("data", "describe", csv);
  expect(refused.status).toBe(2);
  expect(refused.stderr).toMatch(/^reparam: [^\n]*kind \("a", line 2\)[^\n]*\n$/);
  const [, flag, value] = /(--ignore-columns) (\S+),/.exec(refused.stderr) ?? [];
  const again = await invoke("data", "describe", csv, flag as string, value as string);
  expect(again.status).toBe(0);
  const weight = await invoke(
    "data",
    "describe",
    csv,
    "--ignore-columns",
    "kind",
    "--weight-column",
    "x",
  );
  expect(weight.status).toBe(2);
  expect(weight.stderr).toMatch(/no column "x"\. It has kind, mass \(g\), w/);
  const none = await invoke("data", "describe", csv, "--columns", ",");
  expect(none.status).toBe(2);
});

it("flags become options of the same name, and none is lost", () => {
  const given = { columns: ["a"], dtype: "float32", validation: 3, limit: 2, unrelated: 1 };
  expect(dataOptionsOf(given)).toEqual({
    columns: ["a"],
    dtype: "float32",
    validation: 3,
    limit: 2,
  });
  expect(dataFlags().every((flag) => flag instanceof Option && flag.description !== "")).toBe(true);
});
