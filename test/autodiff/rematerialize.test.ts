import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { checkGradient, gradients, rematerialize } from "../../src/autodiff/index.ts";
import { dropout, layerNormalization, Scope } from "../../src/nn/index.ts";
import { exp, matmul, sum, tanh } from "../../src/ops/index.ts";
import { spec } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";
import { compareGraph, difference, random } from "../ops/graph.ts";

type Wrap = (block: (x: Value) => Value, x: Value) => Value;
const plain: Wrap = (block, x) => block(x);
const again: Wrap = (block, x) => rematerialize(block, x);

const names = ["x", "w", "scale", "offset"] as const;
const specs = {
  x: spec("float32", [3, 4]),
  w: spec("float32", [4, 4]),
  scale: spec("float32", [4]),
  offset: spec("float32", [4]),
};

/** Blocks that read a parameter twice, once through another value, draw noise and have a gradient of their own. */
function loss({ x, w, scale, offset }: Record<string, Value>, wrap: Wrap, rate = 0.2): Value {
  const scope = new Scope({ key: new Key("test"), train: true });
  const half = w!.mul(tanh(w!)); // depends on w, which the block reads as well
  let y = x!;
  for (let i = 0; i < 2; i++) {
    y = wrap((u) => {
      const normal = layerNormalization({ scale: scale!, offset: offset! }, u);
      const hidden = dropout(tanh(matmul(matmul(normal, w!), half)), rate, scope.at(i));
      return u.add(exp(hidden.mul(0.3)));
    }, y);
  }
  return sum(y.mul(y));
}

const inputs = Object.fromEntries(
  names.map((name) => [name, random(specs[name].shape as number[], name)]),
);

const build = (wrap: Wrap, rate?: number) => (xs: Record<string, Value>) => {
  const dxs = gradients(
    loss(xs, wrap, rate),
    names.map((name) => xs[name]!),
  );
  return Object.fromEntries(names.map((name, i) => [name, dxs[i]!]));
};

it("has the gradients of the block, noise and parameters around it included", async () => {
  const [want, got] = [plain, again].map((wrap) => evaluate(trace(build(wrap), specs), inputs));
  for (const name of names) expect(difference(got![name]!, want![name]!)).toBeLessThan(1e-6);
  for (const target of ["cpu", "export"] as const) {
    const { worst } = await compareGraph(build(again, 0), specs, target, [inputs]);
    expect(worst.error).toBeLessThan(1e-5);
  }
});

it("computes the inside of a block twice", () => {
  const count = (wrap: Wrap) =>
    trace(build(wrap), specs).nodes.filter((node) => node.op.name === "layerNorm").length;
  expect([count(plain), count(again)]).toEqual([2, 4]);
});

it("has second derivatives", () => {
  const penalty = (...values: Value[]) => {
    const xs = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
    const dxs = gradients(loss(xs, again), values);
    return dxs.map((dx) => sum(dx.mul(dx))).reduce((s, v) => s.add(v));
  };
  const doubles = names.map((name) => random(specs[name].shape as number[], name, "float64"));
  expect(checkGradient(penalty, doubles).error).toBeLessThan(1e-5);
});

it("takes less memory: the runtime does not merge what is computed twice", () => {
  const script = fileURLToPath(new URL("./peak-memory.ts", import.meta.url));
  const peak = (kind: string) =>
    Number(execFileSync(process.execPath, ["--import", "tsx", script, kind], { encoding: "utf8" }));
  // Eight blocks of eight operations on 4 MB each.
  const [direct, recomputed] = [peak("direct"), peak("rematerialized")];
  expect(direct - recomputed).toBeGreaterThan(100);
});
