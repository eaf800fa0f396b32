import { expect } from "vitest";
import { gradientTree } from "../../src/autodiff/index.ts";
import { type Model, variablesOf } from "../../src/nn/index.ts";
import { compile } from "../../src/onnx/index.ts";
import { sum } from "../../src/ops/index.ts";
import { leafMap, mapTree, type Tensor, type Tree, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";
import { readGolden } from "../golden/read.ts";
import { difference } from "../ops/graph.ts";

/** A golden file of a network that takes x, times and label: parameters, results and gradients. */
export class GoldenNetwork {
  readonly #stored: ReturnType<typeof readGolden>;
  readonly #prefix: string;
  readonly #start: Tree<Tensor>;

  /** `prefix` comes before the names of parameters and their gradients in the file. */
  constructor(file: string, init: (key: Key) => Model, prefix = "") {
    this.#stored = readGolden(file);
    this.#prefix = prefix;
    const program = trace(() => ({ params: variablesOf(init(new Key("init"))).params }), {});
    this.#start = evaluate(program, {}, { seed: 0, step: 0 }).params as Tree<Tensor>;
  }

  /** Of the library's own parameters, sorted. */
  get paths(): string[] {
    return [...leafMap(this.#start).keys()].sort();
  }

  #tensor(name: string): Tensor {
    const { data, shape, dtype } = this.#stored[name]!;
    return tensorOf(data as Float32Array, shape, dtype as "float32");
  }

  /** Compares y and the gradients of Σ r·y with respect to x, and to all parameters if asked to. */
  async compare(
    name: string,
    build: (net: Model, xs: { x: Value; times: Value; label: Value }) => Value,
    withParameters: boolean,
  ): Promise<void> {
    const [x, r, times, label] = ["x", "r", "times", "label"].map((each) => this.#tensor(each));
    const net = mapTree<Tensor, Tensor>(this.#start, (_leaf, path) =>
      this.#tensor(`${this.#prefix}param.${path}`),
    );
    const given = { net, x, r, times, label } as Readonly<Record<string, Tree<Tensor>>>;
    const program = await compile((inputs: typeof given) => {
      const values = inputs as unknown as Record<"x" | "r" | "times" | "label", Value> & {
        net: Model;
      };
      const y = build(values.net, values);
      return {
        y,
        gradient: gradientTree(sum(y.mul(values.r)), { net: values.net, x: values.x } as never),
      };
    }, given as never);
    const { y, gradient } = (await program.run(given as never)) as unknown as {
      y: Tensor;
      gradient: { net: Tree<Tensor>; x: Tensor };
    };
    await program.release();
    expect(difference(y, this.#tensor(`${name}.y`))).toBeLessThan(2e-5);
    expect(difference(gradient.x, this.#tensor(`${name}.dx`))).toBeLessThan(5e-5);
    if (!withParameters) return;
    for (const [path, slope] of leafMap<Tensor>(gradient.net)) {
      const expected = this.#tensor(`${this.#prefix}gradient.${path}`);
      expect(difference(slope, expected), path).toBeLessThan(1e-4);
    }
  }
}
