import { createSession, encodeModel, lowerProgram } from "../../src/onnx/index.ts";
import {
  dim,
  evaluateShape,
  fillNormal,
  formatShape,
  type MapLeaves,
  type Shape,
  spec,
  type Tensor,
  type TensorSpec,
  zeros,
} from "../../src/tensor/index.ts";
import { evaluate, type Target, trace, type Value } from "../../src/trace/index.ts";

/** The free batch dimension of the tests. */
export const B = dim("B");

/** Normal numbers of a shape, the same for the same name. */
export function random(
  shape: readonly number[],
  name: string,
  dtype: "float32" | "float64" = "float32",
): Tensor {
  const made = zeros(shape, dtype);
  fillNormal(made.data as Float32Array | Float64Array, { seed: 7, step: 0, path: name });
  return made;
}

/** Inputs for specs under sizes of the free dimensions; specs of other dtypes are filled by `indices`. */
export function randomInputs(
  specs: Readonly<Record<string, TensorSpec>>,
  sizes: Readonly<Record<string, number>>,
): Record<string, Tensor> {
  const bindings = new Map(Object.entries(sizes));
  return Object.fromEntries(
    Object.entries(specs).map(([name, { dtype, shape }]) => [
      name,
      random(evaluateShape(shape, bindings), name, dtype as "float32"),
    ]),
  );
}

type Build = (xs: Record<string, Value>) => Record<string, Value>;

export interface Disagreement {
  readonly output: string;
  /** Largest |graph − plain| / max(1, largest |plain|). */
  readonly error: number;
}

/** Compiles a function for a target and compares it with its plain evaluation on every set of inputs. */
export async function compareGraph(
  build: Build,
  specs: Readonly<Record<string, TensorSpec>>,
  target: Target,
  runs: readonly Record<string, Tensor>[],
): Promise<{ worst: Disagreement; operators: string[] }> {
  const program = trace((xs) => build(xs as unknown as Record<string, Value>), specs);
  const graph = lowerProgram(program, { target, outputPrefix: "out:" });
  const session = await createSession(encodeModel(graph), { threads: 2 });
  let worst: Disagreement = { output: "", error: 0 };
  for (const inputs of runs) {
    const want = evaluate(program, inputs) as MapLeaves<Record<string, Value>, Value, Tensor>;
    const got = await session.run(new Map(Object.entries(inputs)));
    for (const [name, plain] of Object.entries(want as Record<string, Tensor>)) {
      const error = difference(got.get(`out:${name}`) as Tensor, plain);
      if (!(error <= worst.error)) worst = { output: name, error };
    }
  }
  await session.release();
  return { worst, operators: graph.nodes.map((node) => node.op) };
}

/** Largest |got − want| relative to the largest |want| (at least 1); infinite where shapes differ. */
export function difference(got: Tensor, want: Tensor): number {
  if (formatShape(got.shape) !== formatShape(want.shape) || got.dtype !== want.dtype) {
    return Number.POSITIVE_INFINITY;
  }
  let largest = 1;
  let error = 0;
  for (const [i, v] of want.data.entries()) {
    largest = Math.max(largest, Math.abs(Number(v)));
    error = Math.max(error, Math.abs(Number(v) - Number(got.data[i])));
    if (Number.isNaN(Number(got.data[i]))) return Number.NaN;
  }
  return error / largest;
}

export const float32 = (...shape: Shape): TensorSpec => spec("float32", shape);
export const float64 = (...shape: Shape): TensorSpec => spec("float64", shape);
