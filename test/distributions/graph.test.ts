// Samples, log-probabilities and gradients of every distribution in the runtime, in float32, against
// plain evaluation with the same random numbers, at three batch sizes of one program.
import { describe, expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import { compile } from "../../src/onnx/index.ts";
import { constant, sum } from "../../src/ops/index.ts";
import { dim, isFloat, spec, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, type Value } from "../../src/trace/index.ts";
import { table } from "./table.ts";

const batch = dim("B");

const numbers = ({ data }: Tensor): number[] =>
  Array.from(data as ArrayLike<number | bigint>, Number);

/** Largest difference, relative to the largest number where that is above 1. */
function difference(got: Tensor, want: Tensor): number {
  expect([got.dtype, got.shape]).toEqual([want.dtype, want.shape]);
  const pairs = numbers(want).map((v, i) => [Number(got.data[i]), v] as const);
  const scale = pairs.reduce((m, [, v]) => Math.max(m, Math.abs(v)), 1);
  return pairs.reduce((m, [a, b]) => Math.max(m, Math.abs(a - b)), 0) / scale;
}

describe.each(table)("$name in the runtime", ({ make, parameters, value, lacks }) => {
  it("agrees with plain evaluation", async () => {
    const specs = parameters.map(({ shape }) => spec("float32", [batch, ...shape.slice(1)]));
    const dtype = isFloat(value.dtype) ? "float32" : value.dtype;
    const at = tensorOf(numbers(value), value.shape, dtype);
    const event = constantOf(at);
    const program = await compile(
      ({ xs }) => {
        const p = make(...(xs as Value[]));
        const x = p.pathwise ? p.pathwiseSample(new Key("x"), [3]) : p.sample(new Key("x"), [3]);
        const logProb = p.logProb(event(p.eventShape.length));
        const found: Record<string, Value> = { x, logProb };
        if (lacks?.includes("entropy") !== true) found.entropy = p.entropy();
        const loss = Object.values(found).reduce(
          (total, v) => (isFloat(v.dtype) ? total.add(sum(v.square())) : total),
          constant(0),
        );
        return { ...found, gradients: gradients(loss, xs as Value[]) };
      },
      { xs: specs },
    );
    for (const size of [1, 7, 64]) {
      const xs = parameters.map(({ shape, data }) => {
        const count = (size * data.length) / 2;
        const values = Array.from({ length: count }, (_, i) => Number(data[i % data.length]));
        return tensorOf(values, [size, ...shape.slice(1)]);
      });
      const draw = { seed: 5, step: size };
      const got = (await program.run({ xs }, draw)) as unknown as Record<string, Tensor>;
      const want = evaluate(program.traced, { xs }, draw) as unknown as Record<string, Tensor>;
      for (const [name, tensor] of Object.entries(want)) {
        const [a, b] = [[got[name]!], [tensor]].map((x) => x.flat()) as [Tensor[], Tensor[]];
        for (const [i, plain] of b.entries())
          expect(difference(a[i]!, plain), name).toBeLessThan(1e-5);
      }
    }
    await program.release();
  });
});

/** The first event of a batch as a constant that broadcasts over batches. */
function constantOf({ data, shape, dtype }: Tensor): (eventRank: number) => Value {
  return (eventRank) => {
    const count = data.length / shape.slice(0, shape.length - eventRank).reduce((n, d) => n * d, 1);
    const values = Array.from(data, Number).slice(0, count);
    return constant(tensorOf(values, shape.slice(shape.length - eventRank), dtype));
  };
}
