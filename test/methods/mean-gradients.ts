// The mean of a method's own gradient over many steps from one state, beside the exact gradient of an expectation
// that is summed on the host. The gradient is read off the optimizer: after one step from zeros, Adam's first moment
// is the gradient itself.
import { expect } from "vitest";
import { findMethod } from "../../src/methods/index.ts";
import { compile, hold } from "../../src/onnx/index.ts";
import { initialState, type Method, phaseProgram, scalarMetrics } from "../../src/step/index.ts";
import {
  dim,
  elementCount,
  fillNormal,
  leafMap,
  mapTree,
  spec,
  type Tensor,
  type Tree,
  tensorOf,
} from "../../src/tensor/index.ts";

/** Parameters by path, with their numbers in a row. */
export type Parameters = ReadonlyMap<string, readonly number[]>;

export interface MeanGradient {
  readonly parameters: Parameters;
  readonly gradient: ReadonlyMap<string, readonly Spread[]>;
  readonly loss: Spread;
}

interface Spread {
  readonly mean: number;
  readonly standardError: number;
}

export async function createOn(
  name: string,
  image: readonly [number, number, number],
  options: object,
): Promise<Method> {
  const definition = await findMethod(name);
  const columns = { image: spec("uint8", [dim("B"), ...image]) };
  const data = { columns, trainSize: 256, batchSize: 64, classes: undefined };
  return definition.create(definition.options.parse(options), data);
}

/** A state with weights that differ from each other, and an average that has seen something. */
function stirred(state: Tree<Tensor>, scale: number | undefined): Tree<Tensor> {
  return mapTree<Tensor, Tensor>(state, (leaf, path) => {
    if (scale !== undefined && path.startsWith("params.") && path.endsWith("scale")) {
      return tensorOf([scale], []);
    }
    if (path.endsWith("average")) return tensorOf([-2.4, 0.8], [2]);
    if (!path.startsWith("params.")) return leaf;
    const data = new Float32Array(leaf.data.length);
    fillNormal(data, { seed: 4, step: 0, path });
    return { ...leaf, data: data.map((v) => 0.8 * v) } as Tensor;
  }) as Tree<Tensor>;
}

interface MeanGradientOptions {
  readonly groups?: number;
  readonly rows?: number;
  /** Of a control variate. */
  readonly scale?: number;
}

/** Gradient and loss over `groups` steps of `rows` equal images each, with their standard errors. */
export async function meanGradient(
  method: Method,
  bytes: readonly number[],
  { groups = 40, rows = 1500, scale }: MeanGradientOptions = {},
): Promise<MeanGradient> {
  const phase = method.phases[0]!;
  const start = stirred(initialState(phase, 0), scale);
  const { build, example } = phaseProgram(phase, "step", start);
  const program = await compile(build as never, example, { threads: 1, spin: false });
  const { shape } = (phase.programs.step!.inputs.batch as { image: Tensor }).image;
  const data = Uint8Array.from({ length: rows * bytes.length }, (_, i) => bytes[i % bytes.length]!);
  const image = { dtype: "uint8", shape: [rows, ...shape.slice(1)], data } as Tensor;
  const moments: Float32Array[] = [];
  const losses: number[] = [];
  for (let step = 0; step < groups; step++) {
    const result = await program.run({ state: hold(start), batch: { image } }, { seed: 2, step });
    const { state, metrics } = result as unknown as {
      state: { read: (like: Tree<Tensor>) => Tree<Tensor> };
      metrics: Tree<Tensor>;
    };
    moments.push(leafMap(state.read(start)).get("optimizer.first.small")!.data as Float32Array);
    losses.push(scalarMetrics(metrics).loss!);
  }
  await program.release();
  const params = leafMap((start as { params: Tree<Tensor> }).params);
  const gradient = new Map<string, Spread[]>();
  let at = 0;
  for (const [path, { shape: own }] of params) {
    const size = elementCount(own as number[]);
    const from = at;
    const each = Array.from({ length: size }, (_, i) => spreadOf(moments.map((m) => m[from + i]!)));
    gradient.set(path, each);
    at += size;
  }
  const parameters = new Map(
    [...params].map(([path, { data: values }]) => [path, Array.from(values, Number)] as const),
  );
  return { parameters, gradient, loss: spreadOf(losses) };
}

function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((s, v) => s + v, 0) / values.length;
  const squares = values.reduce((s, v) => s + (v - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (values.length - 1) / values.length) };
}

/** Central differences in float64 towards the parameters whose path `wanted` takes. */
export function exactGradient(
  objective: (parameters: Parameters) => number,
  parameters: Parameters,
  wanted: (path: string) => boolean,
): Map<string, number[]> {
  const step = 1e-5;
  const moved = (path: string, i: number, by: number): number => {
    const values = parameters.get(path)!.map((v, k) => (k === i ? v + by : v));
    return objective(new Map([...parameters, [path, values]]));
  };
  return new Map(
    [...parameters]
      .filter(([path]) => wanted(path))
      .map(([path, values]) => [
        path,
        values.map((_, i) => (moved(path, i, step) - moved(path, i, -step)) / (2 * step)),
      ]),
  );
}

/** Of float32, where an estimate has no spread. */
const rounding = 2e-6;

/** Every parameter's mean within four standard errors of the exact gradient, and the loss likewise. */
export function expectExact(
  { parameters, gradient, loss }: MeanGradient,
  objective: (parameters: Parameters) => number,
  wanted: (path: string) => boolean,
): void {
  const off = ({ mean, standardError }: Spread, exact: number): number =>
    Math.abs(mean - exact) / (standardError + rounding);
  expect(off(loss, objective(parameters)), "loss").toBeLessThan(4);
  const exact = exactGradient(objective, parameters, wanted);
  expect(exact.size).toBeGreaterThan(2);
  for (const [path, values] of exact) {
    for (const [i, value] of values.entries()) {
      expect(off(gradient.get(path)![i]!, value), `${path} ${i}`).toBeLessThan(4);
    }
  }
}

/** Cosine of the angle between the mean gradient and the exact one. */
export function agreement(
  { parameters, gradient }: MeanGradient,
  objective: (parameters: Parameters) => number,
  wanted: (path: string) => boolean,
): number {
  let [dot, a, b] = [0, 0, 0];
  for (const [path, values] of exactGradient(objective, parameters, wanted)) {
    for (const [i, value] of values.entries()) {
      const { mean } = gradient.get(path)![i]!;
      dot += mean * value;
      a += mean ** 2;
      b += value ** 2;
    }
  }
  return dot / Math.sqrt(a * b);
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** x·weight + bias of the layer at a path. */
export function affine(parameters: Parameters, path: string, x: readonly number[]): number[] {
  const [weight, bias] = [parameters.get(`${path}.weight`)!, parameters.get(`${path}.bias`)!];
  return bias.map((b, j) => x.reduce((s, v, i) => s + v * weight[i * bias.length + j]!, b));
}

/** log p of coins with these logits. */
export const logCoins = (logits: readonly number[], values: readonly number[]): number =>
  logits.reduce((s, a, i) => s + Math.log(sigmoid(values[i] === 1 ? a : -a)), 0);

/** All vectors of `count` bits. */
export const bitVectors = (count: number): number[][] =>
  Array.from({ length: 2 ** count }, (_, n) =>
    Array.from({ length: count }, (_b, i) => (n >> i) & 1),
  );

/** E log ½ (w₁ + w₂) of independent draws with these probabilities and log-weights. */
export function boundOfTwo(
  outcomes: readonly { readonly p: number; readonly logWeight: number }[],
): number {
  let total = 0;
  for (const a of outcomes) {
    for (const b of outcomes) {
      total += a.p * b.p * Math.log((Math.exp(a.logWeight) + Math.exp(b.logWeight)) / 2);
    }
  }
  return total;
}
