// Passes over a graph and forms of operations may change the last digits of a result, and nothing else.
import { describe, expect, it } from "vitest";
import { gradientTree } from "../../src/autodiff/index.ts";
import {
  type CompileOptions,
  compile,
  hold,
  type Optimization,
  passes,
} from "../../src/onnx/index.ts";
import {
  conv2d,
  convTranspose2d,
  forms,
  gather,
  gelu,
  matmul,
  maxPool2d,
  mean,
  range,
  reshape,
  slice,
  softmax,
  sum,
} from "../../src/ops/index.ts";
import { dim, fillNormal, spec, type Tensor, zeros } from "../../src/tensor/index.ts";
import { Key, normal, type Value } from "../../src/trace/index.ts";

const options = { threads: 1, spin: false };

const drawn = (path: string, shape: readonly number[], scale: number): Tensor => {
  const tensor = zeros(shape);
  const data = tensor.data as Float32Array;
  fillNormal(data, { seed: 1, step: 0, path });
  for (let i = 0; i < data.length; i++) (data[i] as number) *= scale;
  return tensor;
};

const weights = {
  first: drawn("first", [16, 1, 3, 3], 0.3),
  wide: drawn("wide", [32, 16, 3, 3], 0.1),
  down: drawn("down", [32, 32, 3, 3], 0.1),
  point: drawn("point", [32, 32, 1, 1], 0.2),
  up: drawn("up", [32, 16, 4, 4], 0.1),
  last: drawn("last", [1, 16, 3, 3], 0.1),
  table: drawn("table", [10, 32], 1),
};

/** A step of gradient descent through every kind of convolution, attention, an embedding and noise. */
function step({ state, image, label }: Record<string, unknown>) {
  const w = state as Record<keyof typeof weights, Value>;
  const x = image as Value;
  const B = x.size(0);
  const a = gelu(conv2d(x, w.first, { padding: 1 })); // (B,16,14,14)
  const b = gelu(conv2d(a, w.wide, { padding: 1 })); // (B,32,14,14)
  const c = conv2d(conv2d(b, w.down, { stride: 2, padding: 1 }), w.point); // (B,32,7,7)
  const pooled = maxPool2d(b, { size: 2 }); // (B,32,7,7)
  const tokens = reshape(c.add(pooled), [B, 32, 49]);
  const scores = softmax(matmul(tokens, tokens, { transposeA: true }).mul(0.1)); // (B,49,49)
  const mixed = matmul(tokens, scores, { transposeB: true });
  const named = reshape(mixed, [B, 32, 7, 7]).add(
    reshape(gather(w.table, label as Value, 0), [B, 32, 1, 1]),
  );
  const up = convTranspose2d(gelu(named), w.up, { stride: 2, padding: 1 }); // (B,16,14,14)
  const y = conv2d(up, w.last, { padding: 1 });
  const noise = normal(new Key("noise"), y.shape).mul(sum(range(3)).div(30));
  const rows = reshape(b, [-1, 98]); // (64·B,98)
  const narrow = slice(rows, 1, 0, 70);
  const pairs = [
    matmul(rows, narrow, { transposeA: true }),
    matmul(narrow, rows, { transposeA: true }),
  ];
  const likeness = pairs.map((product) => mean(product).mul(0.01));
  const loss = likeness.reduce(
    (total, term) => total.add(term),
    mean(y.sub(x).add(noise).square()),
  );
  const gradient = gradientTree(loss, w as never) as typeof w;
  const next = Object.fromEntries(
    Object.entries(w).map(([name, p]) => [name, p.sub(gradient[name as "wide"].mul(0.05))]),
  );
  return { state: next, loss };
}

const B = dim("B");
const example = {
  state: weights,
  image: spec("float32", [B, 1, 14, 14]),
  label: spec("int32", [B]),
};
const batch = (i: number) => ({
  image: drawn(`image ${i}`, [3, 1, 14, 14], 1),
  label: { dtype: "int32", shape: [3], data: Int32Array.from([i, 5, 9 - i]) } as Tensor,
});

async function threeSteps(extra: CompileOptions = {}) {
  const program = await compile(step as never, example, { ...options, ...extra });
  const inputs = [0, 1, 2].map(batch);
  const result = (await program.runSteps(hold(weights), inputs, { seed: 2, step: 7 })) as never as {
    state: { tensors: Map<string, Tensor> };
    steps: { loss: Tensor }[];
  };
  await program.release();
  return {
    nodes: program.timings.nodes,
    losses: result.steps.map(({ loss }) => loss.data[0] as number),
    weights: [...result.state.tensors].flatMap(([, { data }]) => [...(data as Float32Array)]),
  };
}

describe("a program without", async () => {
  const whole = await threeSteps();
  const names = [...Object.keys(passes), ...Object.keys(forms)] as Optimization[];

  it.each(names)("%s computes the same", async (name) => {
    const without = await threeSteps({ without: [name] });
    for (const [i, loss] of without.losses.entries()) {
      expect(Math.abs(loss / (whole.losses[i] as number) - 1)).toBeLessThan(1e-6);
    }
    const apart = without.weights.map((w, i) => Math.abs(w - (whole.weights[i] as number)));
    expect(Math.max(...apart)).toBeLessThan(1e-6);
    if (name === "scan") expect(without).toEqual(whole);
  });

  it.each(["sharing", "folding"] as const)("%s has more nodes", async (name) => {
    expect((await threeSteps({ without: [name] })).nodes).toBeGreaterThan(whole.nodes);
  });

  it("something unknown is refused by name", async () => {
    const unknown = threeSteps({ without: ["fusion" as Optimization] });
    await expect(unknown).rejects.toThrow('no optimization "fusion". There are sharing, folding');
  });
});

it("steps that run together give, bit for bit, what they give one by one", async () => {
  const program = await compile(step as never, example, options);
  let state = hold(weights);
  const losses: unknown[] = [];
  for (const i of [0, 1, 2]) {
    const result = (await program.run(
      { state, ...batch(i) },
      { seed: 2, step: 7 + i },
    )) as never as {
      state: typeof state;
      loss: Tensor;
    };
    state = result.state;
    losses.push(result.loss.data[0]);
  }
  const together = await threeSteps();
  expect(losses).toEqual(together.losses);
  const apart = [...state.tensors].flatMap(([, { data }]) => [...(data as Float32Array)]);
  expect(apart).toEqual(together.weights);
  const other = { ...batch(0), label: { ...batch(0).label, shape: [1], data: new Int32Array(1) } };
  await expect(program.runSteps(state, [batch(0), other as never])).rejects.toThrow(/differs|B is/);
  await program.release();
});
