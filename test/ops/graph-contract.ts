// What the graph of an operation must compute: free of the test runner, so that a page can check it on a device.
import { gradients } from "../../src/autodiff/index.ts";
import { createSession, type Device, encodeModel, lowerProgram } from "../../src/onnx/index.ts";
import { add, broadcastTo, mul, sum } from "../../src/ops/index.ts";
import {
  type DType,
  evaluateShape,
  fillUniform,
  leafMap,
  type Tensor,
  type Tree,
  tensorOf,
} from "../../src/tensor/index.ts";
import { evaluate, type Target, trace, Value } from "../../src/trace/index.ts";
import type { OpCase, Operand } from "./cases.ts";

/** Numbers of a domain; "apart" ones are a permuted grid without 0. */
function draw({ shape, domain, dtype }: Operand, rows: number, float: DType, path: string): Tensor {
  const concrete = evaluateShape(shape, new Map([["B", rows]]));
  const count = concrete.reduce((n, d) => n * d, 1);
  const uniform = new Float64Array(count);
  fillUniform(uniform, { seed: 7, step: rows, path });
  const order = [...uniform.keys()].sort((a, b) => (uniform[a] as number) - (uniform[b] as number));
  const values = Array.from(uniform, (u, i) => {
    if (domain === "positive") return 0.2 + u;
    if (domain === "unit") return u;
    if (domain === "integer") return Math.floor(u * 3);
    if (domain === "apart")
      return (((order[i] as number) + 0.5 + 0.2 * path.length) / count - 0.5) * 2.3;
    return 4 * u - 2;
  });
  return tensorOf(values, concrete, dtype ?? float);
}

export const operandsOf = (c: OpCase, rows: number, float: DType): Tensor[] =>
  c.operands.map((operand, i) => draw(operand, rows, float, `${"x".repeat(i + 1)}`));

export const outputsOf = (c: OpCase, xs: readonly Value[]): readonly Value[] => {
  const y = c.f(...xs);
  return y instanceof Value ? [y] : y;
};

export const specsOf = (c: OpCase, float: DType) =>
  c.operands.map(({ shape, dtype }) => ({ dtype: dtype ?? float, shape }));

/** Σ y·r with fixed r: a scalar that every output element moves in its own way. */
export function weighted(ys: readonly Value[]): Value {
  return ys
    .map((y, i) => {
      const weights = Array.from({ length: 7 }, (_, k) => Math.sin(1 + i + 2.3 * k));
      const row = y.trace.constant(tensorOf(weights, [7, 1], y.dtype));
      return sum(mul(broadcastTo(row, [7, 1]), sum(y.mul(y).mul(0.3).add(y))));
    })
    .reduce((a, b) => add(a, b));
}

interface GraphOn {
  readonly target: Target;
  /** Default `cpu`. */
  readonly device?: Device;
  /** Values of the free dimension. */
  readonly rows: readonly number[];
  /** Largest error relative to the largest magnitude of an output. Default 2e-6. */
  readonly tolerance?: number;
}

/** How the graph of a case and of its gradient differs from plain evaluation; "" where it does not. */
export async function graphFault(
  c: OpCase,
  { target, device = "cpu", rows, tolerance }: GraphOn,
): Promise<string> {
  const float = "float32";
  const program = trace(
    (xs) => {
      const ys = outputsOf(c, xs as readonly Value[]);
      if (c.noGradient) return { ys };
      const floats = (xs as readonly Value[]).filter((x) => x.dtype === float);
      return { ys, gradients: gradients(weighted(ys), floats) };
    },
    specsOf(c, float),
  );
  const model = encodeModel(lowerProgram(program, { target, outputPrefix: "out:" }));
  const session = await createSession(model, { device, threads: 1, spin: false });
  try {
    for (const count of rows) {
      const inputs = operandsOf(c, count, float);
      const expected = leafMap(evaluate(program, inputs) as unknown as Tree<Tensor>);
      const got = await session.run(leafMap<Tensor>(inputs));
      for (const [path, want] of expected) {
        const fault = faultOf(got.get(`out:${path}`), want, `${path} at ${count}`, tolerance);
        if (fault !== "") return fault;
      }
    }
    return "";
  } finally {
    await session.release();
  }
}

/** Where a tensor differs from the wanted one; "" where it does not. */
export function faultOf(
  got: Tensor | undefined,
  want: Tensor,
  what: string,
  tolerance = 2e-6,
): string {
  const told = `${got?.dtype} [${got?.shape.join(", ")}]`;
  const wanted = `${want.dtype} [${want.shape.join(", ")}]`;
  if (told !== wanted) return `${what}: ${told} in place of ${wanted}`;
  const numbers = [...(want.data as Iterable<number | bigint>)].map(Number);
  const scale = Math.max(1, ...numbers.map(Math.abs));
  for (const [i, number] of numbers.entries()) {
    const found = Number(got?.data[i]);
    const error = Math.abs(found - number) / scale;
    if (!(error < tolerance)) return `${what}, element ${i}: ${found} in place of ${number}`;
  }
  return "";
}
