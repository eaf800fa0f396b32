// What every method of the catalogue promises. A new method is held to it by its line in the catalogue.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { corpusDataset } from "../../src/data/corpus.ts";
import { type Dataset, loadDataset } from "../../src/data/index.ts";
import { catalogue, findMethod } from "../../src/methods/index.ts";
import { fromOnnx } from "../../src/onnx-import/index.ts";
import {
  compileFunction,
  dataShape,
  encodeDataset,
  exportFunctions,
  type FitResult,
  fit,
  type NamedTensors,
  rowsOf,
} from "../../src/run/index.ts";
import {
  type DataShape,
  type FunctionName,
  initialState,
  type Method,
  type MethodDefinition,
  type Phase,
  weightsOf,
} from "../../src/step/index.ts";
import {
  elementsText,
  evaluateShape,
  leaves,
  type Shape,
  type Tensor,
  type Tree,
  zeros,
} from "../../src/tensor/index.ts";

const root = new URL("../..", import.meta.url).pathname;
const digits = join(root, "test/data/mnist-sample");
const batchSize = 64;
const steps = 24;

/** Sizes that a method may have, made small; what it does not have is left out. */
const tinySizes: Readonly<Record<string, number | string>> = {
  ...{ hidden: 32, width: 8, features: 16, layers: 4, latents: 6, boundSamples: 4 },
  vaeSteps: 8,
  ...{ multipliers: "1", patch: 4, learningRate: 1e-2 },
};

/** The sample digits as tokens of a tokenizer that has learned nothing. */
async function digitTokens(): Promise<Dataset> {
  const images = await loadDataset(digits);
  const definition = await findMethod("fsq");
  const options = definition.options.parse({ width: 8, blocks: 0, levels: "5,3" });
  const method = definition.create(options, dataShape(images, batchSize));
  const weights = weightsOf(method, initialState(method.phases[0] as Phase, 0));
  return encodeDataset({ method, weights }, images, { threads: 1 });
}

/** The method's own kind of data, small. */
function dataFor({ name: method, training: { data, load } }: MethodDefinition): Promise<Dataset> {
  if (method === "token-prior") return digitTokens();
  // A text of our own: the real one is not on every machine.
  if (load?.tokenizer !== undefined) {
    return loadDataset(join(root, "docs/guide"), { ...load, context: 24 });
  }
  if (load?.terms !== undefined) return Promise.resolve(ownDocuments(load.terms as number));
  const name = data === undefined || data === "mnist" ? digits : data;
  return loadDataset(name, name === data ? { toySize: 400 } : {});
}

/** Sections of our pages as documents. */
function ownDocuments(terms: number): Dataset {
  const folder = join(root, "docs/methods");
  const pages = readdirSync(folder).flatMap((title) =>
    readFileSync(join(folder, title), "utf8")
      .split("\n## ")
      .filter(({ length }) => length > 400)
      .map((text) => ({ title, text })),
  );
  const card = { title: "Pages", license: "–", source: "–", citation: "–" };
  return corpusDataset(pages, { name: "pages", card }, { terms: Math.min(terms, 300) });
}
/** What a method is told; one that goes on from a file is given a small classifier. */
const shapeFor = ({ name }: MethodDefinition, dataset: Dataset): DataShape => {
  const file = join(root, "assets/features/mnist.onnx");
  const model = name === "finetune" ? fromOnnx(readFileSync(file)) : undefined;
  return dataShape(dataset, batchSize, model);
};

function tiny({ options }: MethodDefinition): Record<string, unknown> {
  const known = Object.entries(tinySizes).filter(([name]) => name in options.shape);
  return options.parse(Object.fromEntries(known));
}

const trained = (method: Method, { train }: Dataset, count: number): Promise<FitResult> =>
  fit({ method, train, batchSize, seed: 3, steps: count, threads: 1, logEvery: 1 });

/** What a function is given: rows of the data, latents from the encoder, one row where it takes no more. */
function inputsFor(
  { functions }: Method,
  name: FunctionName,
  known: NamedTensors,
): Record<string, Tensor> {
  const given: Record<string, Tensor> = {};
  for (const [input, { shape, noise }] of Object.entries(functions[name]?.inputs ?? {})) {
    const rows = known[input] ?? blankText(name, shape) ?? noisyRows(name, shape);
    if (rows === undefined || noise !== undefined) continue;
    const { data } = rows;
    const size = data.length / (rows.shape[0] as number);
    given[input] =
      shape[0] === 1
        ? { ...rows, shape: [1, ...rows.shape.slice(1)], data: data.slice(0, size) as typeof data }
        : rows;
  }
  return given;
}

/** Of functions that are given text as it grows: some new tokens, and nothing before them. */
function blankText(name: FunctionName, shape: Shape): Tensor | undefined {
  if (name !== "next" && name !== "fill") return undefined;
  const sizes = new Map(Object.entries({ B: 5, T: 3, P: 0 }));
  return zeros(evaluateShape(shape, sizes), shape.length === 2 ? "int32" : "float32");
}

/** Of denoise: rows and times of one number, which is within every range of times. */
function noisyRows(name: FunctionName, shape: Shape): Tensor | undefined {
  if (name !== "denoise" || !shape.some((size) => typeof size !== "number")) return undefined;
  const rows = zeros(evaluateShape(shape, new Map([["B", 5]])), "float32");
  rows.data.fill(0.5 as never);
  return rows;
}

const bits = (tree: Tree<Tensor>): string[] =>
  leaves<Tensor>(tree).map(({ data }) => elementsText(data));

describe.each(catalogue)("$name", ({ name, summary, load }) => {
  let definition: MethodDefinition;
  let dataset: Dataset;
  let method: Method;
  let result: FitResult;

  beforeAll(async () => {
    definition = await load();
    dataset = await dataFor(definition);
    method = definition.create(tiny(definition), shapeFor(definition, dataset));
    result = await trained(method, dataset, steps);
  });

  it("is described: name, source, every option with its default, a page and an example", () => {
    expect([definition.name, method.name]).toEqual([name, name]);
    expect(summary).toContain(definition.summary);
    expect(definition.paper).toMatch(/\(\d{4}\)/);
    expect(() => definition.options.parse({})).not.toThrow();
    for (const [option, schema] of Object.entries(definition.options.shape)) {
      expect((schema as { description?: string }).description, option).toBeTruthy();
    }
    for (const file of [`docs/methods/${name}.md`, `examples/${name}.ts`]) {
      expect(existsSync(join(root, file)), file).toBe(true);
    }
  });

  it("learns: its metrics are finite, and the loss falls where it has one", () => {
    const lines = result.lines.filter((line) => line.kind === "train");
    for (const { metrics } of lines) {
      expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
    }
    expect(lines.length).toBeGreaterThan(0);
    const losses = lines.map(({ metrics }) => metrics.loss).filter((loss) => loss !== undefined);
    const mean = (values: number[]): number => values.reduce((s, v) => s + v, 0) / values.length;
    if (losses.length > 0) expect(mean(losses.slice(-5))).toBeLessThan(mean(losses.slice(0, 5)));
  });

  it("gives the same bits for the same seed", async () => {
    const again = await trained(method, dataset, steps);
    expect(bits(again.state)).toEqual(bits(result.state));
  });

  it("offers functions that run on its data, and give finite numbers", async () => {
    const weights = weightsOf(method, result.state);
    const names = Object.keys(method.functions) as FunctionName[];
    let known: NamedTensors = rowsOf(dataset.test, 0, 5);
    // The encoder first: others take what it gives.
    for (const each of names.sort((a, b) => Number(b === "encode") - Number(a === "encode"))) {
      const compiled = await compileFunction(method, each, weights, { threads: 1 });
      const inputs = inputsFor(method, each, known);
      const outputs = await compiled.run(inputs, { count: 5 });
      await compiled.release();
      expect(Object.keys(outputs).length, each).toBeGreaterThan(0);
      const rows = Object.values(inputs)[0]?.shape[0] ?? 5;
      for (const [output, { data, shape }] of Object.entries(outputs)) {
        const finite = Array.from(data as ArrayLike<unknown>, Number).every(Number.isFinite);
        expect(finite, `${each}.${output}`).toBe(true);
        if (rows === 5) expect(shape[0], `${each}.${output}`).toBe(5);
      }
      if (each === "encode") known = { ...outputs, ...known };
    }
  });

  it("exports files that give the library's numbers at batch 1, 7 and 64", async () => {
    const folder = mkdtempSync(join(tmpdir(), "reparam-contract-"));
    try {
      const weights = weightsOf(method, result.state);
      const files = await exportFunctions(method, weights, folder, {
        threads: 1,
        split: dataset.test,
      });
      const exported = Object.values(method.functions).filter((each) => each.exported);
      expect(files).toHaveLength(exported.length);
      for (const { file, maxDifference } of files) expect(maxDifference, file).toBeLessThan(1e-4);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("says which data it wants when it gets others", () => {
    const columns = { nothing: { dtype: "int32", shape: [3] } } as const;
    const shape = { columns, trainSize: 9, batchSize: 3, classes: undefined };
    expect(() => definition.create(tiny(definition), shape)).toThrow(/want.*data set/);
  });
});
