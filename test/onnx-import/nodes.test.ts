// Single operators against the ONNX project's own tests: a sample that is kept here, and all of them where
// REPARAM_ONNX_NODES names the folder that test/golden/imported_nodes.py wrote.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readFile } from "../../src/onnx-import/file.ts";
import { operators } from "../../src/onnx-import/operators/index.ts";
import { complaintOf, type NodeTest } from "./nodes.ts";

const golden = new URL("../golden/imported-nodes.json", import.meta.url);
const sample = JSON.parse(readFileSync(golden, "utf8")) as Record<string, Record<string, string>>;
const tests = Object.entries(sample).map(([name, files]): [string, NodeTest] => [
  name,
  Object.fromEntries(
    Object.entries(files).map(([file, base64]) => [
      file,
      new Uint8Array(Buffer.from(base64, "base64")),
    ]),
  ),
]);

describe("the sample of the ONNX project's operator tests", () => {
  it.each(tests)("%s", (_name, test) => {
    expect(complaintOf(test)).toBeUndefined();
  });

  it("has every operator but a few", () => {
    const seen = new Set(
      tests.flatMap(([, test]) =>
        readFile(test["model.onnx"] as Uint8Array).graph.nodes.map(({ operator }) => operator),
      ),
    );
    const rest = Object.keys(operators).filter((name) => !seen.has(name));
    // Their tests are larger than what is kept here, read sequences, or are not ONNX's.
    expect(rest.sort()).toEqual([
      "ConcatFromSequence",
      "Erf",
      "LRN",
      "Mish",
      "Not",
      "Range",
      "SimplifiedLayerNormalization",
    ]);
  });
});

const folder = process.env.REPARAM_ONNX_NODES;

describe.skipIf(folder === undefined)("all of the ONNX project's operator tests", () => {
  it("are passed, or refused in one line", () => {
    const results: Record<string, string> = {};
    for (const name of readdirSync(folder as string)) {
      const path = join(folder as string, name);
      const files = readdirSync(path).map((file) => [file, readFileSync(join(path, file))]);
      try {
        results[name] = complaintOf(Object.fromEntries(files)) ?? "passed";
      } catch (error) {
        results[name] = `refused: ${(error as Error).message}`;
      }
    }
    const list = Object.entries(results);
    const refused = list.filter(([, result]) => result.startsWith("refused"));
    const wrong = list.filter(([, result]) => result !== "passed" && !result.startsWith("refused"));
    console.log(`${list.length} tests: ${list.length - refused.length - wrong.length} passed`);
    console.log(`${refused.length} refused, ${wrong.length} differ`);
    for (const [name, result] of [...wrong, ...refused]) console.log(`${name}: ${result}`);
    expect(refused.filter(([, result]) => !/refused: (fromOnnx|\w+):/.test(result))).toEqual([]);
  });
});
