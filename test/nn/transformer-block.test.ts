import { describe, expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import {
  type BlockCall,
  type BlockOptions,
  initAttentionPart,
  initFeedForwardPart,
  prefixMask,
  Scope,
  type TalkingHeadsKind,
  transformerBlock,
} from "../../src/nn/index.ts";
import { constant, slice, sum } from "../../src/ops/index.ts";
import { type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";
import { readGolden, readGoldenMeta } from "../golden/read.ts";
import { difference, random } from "../ops/graph.ts";

type Parts = Parameters<typeof transformerBlock>[0];

interface Case {
  readonly inputs: readonly string[];
  readonly options: {
    readonly heads: number;
    readonly groups: number;
    readonly key: number;
    readonly value: number;
    readonly norm: BlockOptions["norm"];
    readonly placement: BlockOptions["placement"];
    readonly feedForward: BlockOptions["feedForward"];
    readonly positions: BlockOptions["positions"];
    readonly talking: TalkingHeadsKind;
    readonly mask: "causal" | "none";
    readonly remembered?: number;
  };
}

const golden = readGolden("transformer");
const cases = readGoldenMeta("transformer").cases as unknown as Record<string, Case>;
const stored = (name: string): Tensor => {
  const { data, shape } = golden[name]!;
  return tensorOf(data as Float32Array, shape);
};

/** A tree from leaves by dotted path. */
function treeOf(leaves: ReadonlyMap<string, Value>): Parts {
  const tree: Record<string, unknown> = {};
  for (const [path, leaf] of leaves) {
    const names = path.split(".");
    let at = tree;
    for (const name of names.slice(0, -1)) {
      const below = (at[name] ?? {}) as Record<string, unknown>;
      at[name] = below;
      at = below;
    }
    at[names.at(-1)!] = leaf;
  }
  return tree as Parts;
}

const blockOf = ({ options: o }: Case): BlockOptions => ({
  ...{ features: 6, heads: o.heads, keyValueHeads: o.groups, keySize: o.key, headSize: o.value },
  ...{ norm: o.norm, placement: o.placement, feedForward: o.feedForward, dropout: 0 },
  ...{ positions: o.positions, talkingHeads: o.talking },
});

describe.each(Object.keys(cases))("%s", (name) => {
  const known = cases[name]!;
  const { inputs, options } = known;

  it("has the values and gradients of a block in PyTorch", () => {
    const given = [...inputs.map((input) => stored(`${name}.in.${input}`)), stored(`${name}.r`)];
    const program = trace((values) => {
      const xs = (values as Value[]).slice(0, -1);
      const byName = new Map(inputs.map((input, i) => [input, xs[i]!]));
      const memory = byName.get("memory");
      const { y } = transformerBlock(treeOf(byName), byName.get("x")!, blockOf(known), {
        mask: options.mask,
        offset: options.remembered ?? 0,
        ...(memory && { memory }),
      });
      return [y, ...gradients(sum(y.mul(values.at(-1)!)), xs)];
    }, given);
    const got = evaluate(program, given) as Tensor[];
    expect(difference(got[0]!, stored(`${name}.y`))).toBeLessThan(3e-6);
    for (const [i, input] of inputs.entries()) {
      expect(difference(got[i + 1]!, stored(`${name}.grad.${input}`)), input).toBeLessThan(1e-5);
    }
  });
});

describe("talking heads", () => {
  const features = 6;
  const options: BlockOptions = {
    ...{ features, heads: 3, keyValueHeads: 1, keySize: 4, headSize: 2 },
    ...{ norm: "layer", placement: "pre", feedForward: "gelu", dropout: 0, positions: "rotary" },
  };
  const x = random([2, 5, features], "x");
  const outputs = (chosen: Partial<BlockOptions>): Tensor => {
    const program = trace((input) => {
      const all = { ...options, ...chosen, layers: 1 };
      const key = new Key("block");
      const parts = {
        attention: initAttentionPart(key.at("attention"), all),
        feedForward: initFeedForwardPart(key.at("feedForward"), all),
      };
      return transformerBlock(parts, input, all, { mask: "causal" }).y;
    }, x);
    return evaluate(program, x, { seed: 5, step: 0 }) as Tensor;
  };

  it.each([
    ["logits", undefined],
    ["logits+weights", undefined],
    ["logits+weights", 7],
  ] as const)("mix nothing at first: %s, %s heads of the softmax", (kind, softmaxHeads) => {
    const chosen = { talkingHeads: kind, ...(softmaxHeads && { softmaxHeads }) };
    expect(difference(outputs(chosen), outputs({}))).toBeLessThan(1e-6);
  });

  it("want a mixing back where the softmax has heads of its own", () => {
    expect(() => outputs({ talkingHeads: "logits", softmaxHeads: 5 })).toThrow(/mixing back/);
    expect(() => outputs({ talkingHeads: "logits+weights", softmaxHeads: 0 })).toThrow(
      /at least 1/,
    );
  });
});

describe("a block", () => {
  const options: BlockOptions = {
    ...{ features: 6, heads: 2, norm: "rms", placement: "pre", feedForward: "relu", dropout: 0.5 },
    positions: "learned",
  };
  const make = (chosen: Partial<BlockOptions>, call: (x: Value) => BlockCall) => (x: Value) => {
    const all = { ...options, ...chosen, layers: 2 };
    const key = new Key("block");
    const parts = {
      attention: initAttentionPart(key.at("attention"), all),
      feedForward: initFeedForwardPart(key.at("feedForward"), all),
    };
    return transformerBlock(parts, x, all, call(x)).y;
  };
  const x = random([2, 4, 6], "x");
  const values = (build: (x: Value) => Value): Tensor =>
    evaluate(trace(build, x), x, { seed: 5, step: 0 }) as Tensor;

  it("drops in training only", () => {
    const key = new Key("noise");
    const trained = values(
      make({}, () => ({ mask: "none", scope: new Scope({ key, train: true }) })),
    );
    const used = values(
      make({}, () => ({ mask: "none", scope: new Scope({ key, train: false }) })),
    );
    const plain = values(make({ dropout: 0 }, () => ({ mask: "none" })));
    expect(difference(used, plain)).toBe(0);
    expect(difference(trained, plain)).toBeGreaterThan(1e-3);
  });

  it("does not see keys that are not there, whatever they hold and however heads are mixed", () => {
    const visible = tensorOf([1, 1, 1, 0], [1, 1, 1, 4], "bool");
    const build = make({ talkingHeads: "logits+weights", dropout: 0 }, () => ({
      mask: "none",
      visible: constant(visible),
    }));
    const program = trace((input) => {
      const [dx] = gradients(sum(slice(build(input), 1, 0, 3).square()), [input]);
      return slice(dx!, 1, 3);
    }, x);
    const { data } = evaluate(program, x, { seed: 5, step: 0 }) as Tensor;
    expect([...(data as Float32Array)].every((v) => v === 0)).toBe(true);
  });

  it("sees a prefix from both sides, and of the rest what comes before", () => {
    const length = () => constant(tensorOf([3, 0], [2], "int32"));
    const build = make({ dropout: 0 }, () => ({ mask: prefixMask(length(), 4) }));
    const program = trace((input) => {
      const y = build(input);
      return [0, 1, 2, 3].map((i) => gradients(sum(slice(y, 1, i, i + 1).square()), [input])[0]!);
    }, x);
    const seen = (evaluate(program, x, { seed: 5, step: 0 }) as Tensor[]).map(({ data }) =>
      [0, 1].map((b) =>
        [0, 1, 2, 3].map((j) =>
          Number([...data.slice((b * 4 + j) * 6, (b * 4 + j + 1) * 6)].some((v) => v !== 0)),
        ),
      ),
    );
    expect(seen.map(([first]) => first)).toEqual([
      [1, 1, 1, 0],
      [1, 1, 1, 0],
      [1, 1, 1, 0],
      [1, 1, 1, 1],
    ]);
    expect(seen.map(([, second]) => second)).toEqual([
      [1, 0, 0, 0],
      [1, 1, 0, 0],
      [1, 1, 1, 0],
      [1, 1, 1, 1],
    ]);
  });

  it.each([
    ["a mask of the wrong length", () => ({ mask: flags([4, 3]) }), /broadcast to \[B, h, T, S\]/],
    ["a mask of more axes", () => ({ mask: flags([1, 1, 1, 4, 4]) }), /broadcast to/],
    ["keys of another length", () => ({ mask: "none", visible: flags([3]) }), /broadcast to/],
    ["numbers as a mask", (input: Value) => ({ mask: input }), /must be bool/],
  ] as [string, (x: Value) => BlockCall, RegExp][])("refuses %s", (_name, call, why) => {
    expect(() => values(make({}, call))).toThrow(why);
  });

  it.each([
    [{ positions: "rotary", keySize: 3 }, /key size must be even/],
    [{ heads: 4, keyValueHeads: 3, keySize: 2, headSize: 2 }, /do not divide 4 heads/],
    [{ heads: 4 }, /keySize must be a positive integer, got 1.5/],
  ] as [Partial<BlockOptions>, RegExp][])("refuses %o", (chosen, why) => {
    expect(() => values(make(chosen, () => ({ mask: "none" })))).toThrow(why);
  });

  const flags = (shape: number[]): Value =>
    constant(tensorOf(new Array(shape.reduce((n, d) => n * d, 1)).fill(1), shape, "bool"));
});
