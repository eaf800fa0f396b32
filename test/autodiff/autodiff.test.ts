import { expect, it } from "vitest";
import { gradients, jvp, valueAndGrad } from "../../src/autodiff/index.ts";
import { customGradient, exp, matmul, mean, norm, round, sum, tanh } from "../../src/ops/index.ts";
import { mapTree, spec, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../src/trace/index.ts";
import { type GoldenArray, readGolden } from "../golden/read.ts";

const asTensor = ({ shape, dtype, data }: GoldenArray): Tensor =>
  ({ shape, dtype, data }) as Tensor;

interface Weights {
  readonly w1: Value;
  readonly b1: Value;
  readonly w2: Value;
  readonly b2: Value;
}

/** D(x) of the golden script: 5-7-1 with tanh. */
const score = ({ w1, b1, w2, b2 }: Weights, x: Value): Value =>
  matmul(tanh(matmul(x, w1).add(b1)), w2).add(b2);

const penalty = (weights: Weights, x: Value): Value => {
  const [dx] = gradients(sum(score(weights, x)), [x]);
  return mean(
    norm(dx as Value, 1)
      .sub(1)
      .square(),
  );
};

it("agrees with PyTorch on a gradient penalty's gradients and on Hessian-vector products", () => {
  const golden = readGolden("second-derivative");
  const take = (prefix: string) =>
    Object.fromEntries(
      ["w1", "b1", "w2", "b2"].map((name) => [
        name,
        asTensor(golden[`${prefix}.${name}`] as GoldenArray),
      ]),
    );
  const inputs = {
    weights: take("weights"),
    vectors: take("vectors"),
    x: asTensor(golden.x as GoldenArray),
  };
  const program = trace(
    (i) => {
      const weights = i.weights as unknown as Weights;
      const x = i.x as Value;
      const names = ["w1", "b1", "w2", "b2"] as const;
      const list = names.map((name) => weights[name]);
      const vectors = names.map((name) => (i.vectors as unknown as Weights)[name]);
      const first = gradients(mean(score(weights, x)), list);
      return {
        penalty: penalty(weights, x),
        penaltyGradient: valueAndGrad(penalty)(weights, x).gradient,
        meanGradient: Object.fromEntries(names.map((name, k) => [name, first[k] as Value])),
        meanHessianVector: Object.fromEntries(
          jvp(first, list, vectors).map((v, k) => [names[k] as string, v]),
        ),
      };
    },
    mapTree<Tensor, ReturnType<typeof spec>>(inputs, (t) =>
      spec(t.dtype, t.shape),
    ) as typeof inputs,
  );
  const got = evaluate(program as never, inputs) as unknown as Record<
    string,
    Record<string, Tensor>
  >;
  expect(Number((got.penalty as unknown as Tensor).data[0])).toBeCloseTo(
    Number(golden.penalty?.data[0]),
    12,
  );
  for (const group of ["penaltyGradient", "meanGradient", "meanHessianVector"]) {
    for (const name of ["w1", "b1", "w2", "b2"]) {
      const want = golden[`${group}.${name}`] as GoldenArray;
      for (const [k, v] of want.data.entries()) {
        expect(Number(got[group]?.[name]?.data[k]), `${group}.${name}[${k}]`).toBeCloseTo(
          Number(v),
          12,
        );
      }
    }
  }
});

const vector = spec("float64", [3]);
const at = tensorOf([0.3, -1.2, 2], [3], "float64");
const run = (f: (x: Value) => Value): number[] =>
  [...(evaluate(trace(f, vector), at) as unknown as Tensor).data].map(Number);

it("differentiates towards intermediate values", () => {
  const got = run((x) => {
    const y = exp(x);
    return gradients(sum(y.mul(y)), [y])[0] as Value;
  });
  expect(got).toEqual([0.3, -1.2, 2].map((v) => 2 * Math.exp(v)));
});

it("gives zeros where nothing depends on the value", () => {
  expect(run((x) => gradients(sum(x.trace.constant(at)), [x])[0] as Value)).toEqual([0, 0, 0]);
});

it("takes a custom gradient instead of the computation's own", () => {
  const got = run(
    (x) => gradients(sum(customGradient(round(x), [x], (dy) => [dy.mul(5)])), [x])[0] as Value,
  );
  expect(got).toEqual([5, 5, 5]);
});

it("names the operation that has no gradient", () => {
  expect(() => run((x) => gradients(sum(round(x)), [x])[0] as Value)).toThrow(
    "round has no gradient",
  );
  expect(() => run((x) => gradients(x, [x])[0] as Value)).toThrow(
    "must be a floating-point scalar",
  );
});
