// What gradientStep can do beside a plain step: parts of batches, frozen parameters, buffers of several passes.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import {
  type BatchNormParams,
  batchNorm,
  type ConvolutionParams,
  convolution,
  dropout,
  initBatchNorm,
  initConv2d,
  initLinear,
  initSpectralNorm,
  type LinearParams,
  linear,
  type Model,
  type Scope,
  type SpectralNormParams,
  spectralNorm,
} from "../../src/nn/index.ts";
import { compile, hold } from "../../src/onnx/index.ts";
import { averagePool2d, mean, relu, reshape, softplus, sum, tanh } from "../../src/ops/index.ts";
import { adam, sgd } from "../../src/optim/index.ts";
import {
  type GradientStepOptions,
  gradientStep,
  initialState,
  phaseProgram,
} from "../../src/step/index.ts";
import { dim, leafMap, spec, type Tensor, type Tree } from "../../src/tensor/index.ts";
import { type Key, normal, trace, type Value } from "../../src/trace/index.ts";
import { difference, random } from "../ops/graph.ts";

const B = dim("B");

interface Followed {
  readonly start: Map<string, Tensor>;
  readonly end: Map<string, Tensor>;
  readonly losses: readonly number[];
}

/** Runs steps on the batches and returns the state before and after. */
async function follow<M extends Model>(
  options: GradientStepOptions<M>,
  batches: readonly Record<string, Tensor>[],
): Promise<Followed> {
  const phase = gradientStep(options);
  const start = initialState(phase, 3);
  const { build, example } = phaseProgram(phase, "step", start);
  const program = await compile(build as never, example, { threads: 2, spin: false });
  let state = hold(start);
  const losses: number[] = [];
  for (const [step, batch] of batches.entries()) {
    const result = (await program.run({ state, batch }, { seed: 3, step })) as unknown as {
      state: typeof state;
      metrics: { loss: Tensor };
    };
    state = result.state;
    losses.push(Number(result.metrics.loss.data[0]));
  }
  await program.release();
  const end = state.read(start) as Tree<Tensor>;
  return { start: leafMap(start), end: leafMap(end), losses };
}

const changed = ({ start, end }: Followed): string[] =>
  [...start.keys()].filter((path) => `${start.get(path)!.data}` !== `${end.get(path)!.data}`);

describe("gradientStep", () => {
  type Net = {
    readonly first: LinearParams;
    readonly norm: BatchNormParams;
    readonly out: LinearParams;
  };
  const options = (more: Partial<GradientStepOptions<Net>> = {}): GradientStepOptions<Net> => ({
    batch: { x: spec("float32", [B, 4]), y: spec("float32", [B, 2]) },
    init: (key) => ({
      first: initLinear(key.at("first"), 4, 5),
      norm: initBatchNorm(5),
      out: initLinear(key.at("out"), 5, 2),
    }),
    loss: (model, { x, y }, scope) => {
      const hidden = tanh(linear(model.first, x!));
      // The statistics of a batch are those of a part only: they are updated here, and not used.
      batchNorm(model.norm, hidden, scope.at("norm"));
      return { loss: mean(linear(model.out, hidden).sub(y!).square()) };
    },
    optimizer: adam({ learningRate: 0.01 }),
    ...more,
  });
  const batches = [7, 7, 5].map((rows, i) => ({
    x: random([rows, 4], `x${i}`),
    y: random([rows, 2], `y${i}`),
  }));

  it("accumulates over parts, also of batches that they do not divide", async () => {
    const whole = await follow(options(), batches);
    const parts = await follow(options({ accumulate: 3 }), batches);
    for (const [i, loss] of parts.losses.entries()) expect(loss).toBeCloseTo(whole.losses[i]!, 5);
    for (const [path, want] of whole.end) {
      if (path.startsWith("buffers.")) continue;
      expect(difference(parts.end.get(path)!, want), path).toBeLessThan(2e-5);
    }
    expect(changed(parts)).toContain("buffers.norm.mean");
    expect(parts.end.get("buffers.norm.mean")).not.toEqual(whole.end.get("buffers.norm.mean"));
    expect(() => initialStateOf(options({ accumulate: 0 }))).toThrow(/positive integer/);
  });

  it("needs less memory in parts", () => {
    const script = fileURLToPath(new URL("./peak-memory.ts", import.meta.url));
    const peak = (parts: number) =>
      Number(
        execFileSync(process.execPath, ["--import", "tsx", script, `${parts}`], {
          encoding: "utf8",
        }),
      );
    expect(peak(4)).toBeLessThan(0.5 * peak(1));
  });

  it("computes named blocks again, with the same numbers and buffers", async () => {
    const blocks = (chosen: string[]): GradientStepOptions<Net> =>
      options({
        loss: (model, { x, y }, scope) => {
          const layer = (inner: Scope, u: Value) =>
            batchNorm(model.norm, dropout(tanh(linear(model.first, u)), 0.2, inner), inner);
          const hidden = scope.block("hidden", layer, x!);
          return { loss: mean(linear(model.out, hidden).sub(y!).square()) };
        },
        rematerialize: (name) => chosen.includes(name),
      });
    const [kept, again] = [
      await follow(blocks([]), batches),
      await follow(blocks(["hidden"]), batches),
    ];
    for (const [path, want] of kept.end) {
      expect(difference(again.end.get(path)!, want), path).toBeLessThan(1e-6);
    }
    const count = (chosen: string[]) => {
      const phase = gradientStep(blocks(chosen));
      const { build, example } = phaseProgram(phase, "step", initialState(phase, 0));
      const { nodes } = trace(build as never, example);
      return nodes.filter((node) => node.op.name === "tanh").length;
    };
    expect(count(["hidden"]) - count([])).toBe(1);
  });

  it("leaves frozen parameters alone, bit for bit, and keeps no moments of them", async () => {
    const run = await follow(options({ frozen: (path) => path.startsWith("first.") }), batches);
    const paths = changed(run);
    expect(paths.filter((path) => path.startsWith("params."))).toEqual([
      "params.out.weight",
      "params.out.bias",
    ]);
    const moments = [...run.start].filter(([path]) => path.startsWith("optimizer."));
    const numbers = moments.reduce((n, [, { data }]) => n + data.length, 0);
    // Two moments of the norm's 10 and the last layer's 12 parameters, and a count.
    expect(numbers).toBe(2 * 22 + 1);
    expect(() => initialStateOf(options({ frozen: () => true }))).toThrow(/every parameter/);
  });
});

function initialStateOf<M extends Model>(options: GradientStepOptions<M>): void {
  const phase = gradientStep(options);
  const { build, example } = phaseProgram(phase, "step", initialState(phase, 0));
  trace(build as never, example);
}

describe("a residual GAN's discriminator step with R1", () => {
  type Spectral<P> = { readonly layer: P; readonly spectral: SpectralNormParams };
  type Block = {
    readonly first: Spectral<ConvolutionParams>;
    readonly second: Spectral<ConvolutionParams>;
    readonly skip: Spectral<ConvolutionParams>;
  };
  type Discriminator = { readonly blocks: readonly Block[]; readonly out: Spectral<LinearParams> };
  type Generator = {
    readonly input: LinearParams;
    readonly norm: BatchNormParams;
    readonly out: ConvolutionParams;
  };
  type Gan = { readonly generator: Generator; readonly discriminator: Discriminator };

  const conv = (key: Key, inputs: number, outputs: number, kernel: number) => {
    const layer = initConv2d(key, { inputs, outputs, kernel });
    return {
      layer,
      spectral: initSpectralNorm(key.at("spectral"), layer.weight, { iterations: 0 }),
    };
  };
  const initBlock = (key: Key, inputs: number, outputs: number): Block => ({
    first: conv(key.at("first"), inputs, outputs, 3),
    second: conv(key.at("second"), outputs, outputs, 3),
    skip: conv(key.at("skip"), inputs, outputs, 1),
  });
  const init = (key: Key): Gan => {
    const out = initLinear(key.at("out"), 4 * 2 * 2, 1);
    return {
      generator: {
        input: initLinear(key.at("input"), 3, 4 * 64),
        norm: initBatchNorm(4),
        out: initConv2d(key.at("generated"), { inputs: 4, outputs: 1, kernel: 3 }),
      },
      discriminator: {
        blocks: [initBlock(key.at(0), 1, 4), initBlock(key.at(1), 4, 4)],
        out: {
          layer: out,
          spectral: initSpectralNorm(key.at("last"), out.weight, { iterations: 0 }),
        },
      },
    };
  };
  const normalized = <P extends { readonly weight: Value }>(p: Spectral<P>, scope: Scope): P => ({
    ...p.layer,
    weight: spectralNorm(p.spectral, p.layer.weight, scope),
  });
  const discriminate = ({ blocks, out }: Discriminator, image: Value, scope: Scope): Value => {
    let x = image;
    for (const { first, second, skip } of blocks) {
      const hidden = convolution(normalized(first, scope), relu(x), { padding: 1 });
      const y = convolution(normalized(second, scope), relu(hidden), { padding: 1 });
      x = averagePool2d(y.add(convolution(normalized(skip, scope), x)), { size: 2 });
    }
    return linear(normalized(out, scope), reshape(x, [-1, 16]));
  };
  const generate = ({ input, norm, out }: Generator, z: Value, scope: Scope): Value => {
    const x = reshape(linear(input, z), [-1, 4, 8, 8]);
    return tanh(convolution(out, relu(batchNorm(norm, x, scope)), { padding: 1 }));
  };
  const lossWith =
    (reading: boolean) =>
    (gan: Gan, { image }: Readonly<Record<string, Value>>, scope: Scope) => {
      const further = (name: string) => (reading ? scope.reading(name) : scope.at(name));
      const fake = generate(gan.generator, normal(scope.key.at("z"), [image!.size(0), 3]), scope);
      const real = discriminate(gan.discriminator, image!, scope);
      const made = discriminate(gan.discriminator, fake, further("fake"));
      const score = discriminate(gan.discriminator, image!, further("penalty"));
      const [slope] = gradients(sum(score), [image!]);
      const penalty = sum(slope!.square()).mul(0.5);
      return {
        loss: mean(softplus(real.neg()))
          .add(mean(softplus(made)))
          .add(penalty),
        penalty,
      };
    };
  const options = (reading: boolean): GradientStepOptions<Gan> => ({
    batch: { image: spec("float32", [B, 1, 8, 8]) },
    init,
    loss: lossWith(reading),
    optimizer: sgd({ learningRate: 0.05 }),
    frozen: (path) => path.startsWith("generator."),
  });

  /** The left vector after one power iteration, on the host: W·right of length 1. */
  function iterated(weight: Tensor, right: Tensor, rows: number): number[] {
    const columns = right.data.length;
    const w = (i: number, j: number) =>
      Number(weight.data[weight.shape.length === 2 ? j * rows + i : i * columns + j]);
    const left = Array.from({ length: rows }, (_, i) =>
      Array.from(right.data as Float32Array).reduce((s, v, j) => s + v * w(i, j), 0),
    );
    return left.map((x) => x / Math.hypot(...left));
  }

  it("updates every buffer exactly once, and no frozen parameter", async () => {
    const run = await follow(options(true), [{ image: random([6, 1, 8, 8], "image") }]);
    const paths = changed(run);
    const buffers = [...run.start.keys()].filter((path) => path.startsWith("buffers."));
    expect(buffers).toHaveLength(2 + 2 * 7);
    // A vector of one number is ±1.
    const free = buffers.filter((path) => run.start.get(path)!.data.length > 1);
    expect(free).toHaveLength(buffers.length - 2);
    expect(free.filter((path) => !paths.includes(path))).toEqual([]);
    for (const path of buffers.filter((name) => name.endsWith("spectral.left"))) {
      const at = (name: string) => run.start.get(path.replace("spectral.left", name))!;
      const weight = run.start.get(
        path.replace("buffers", "params").replace("spectral.left", "layer.weight"),
      )!;
      const want = iterated(weight, at("spectral.right"), at("spectral.left").data.length);
      for (const [i, v] of want.entries()) {
        expect(Number(run.end.get(path)!.data[i])).toBeCloseTo(v, 5);
      }
    }
    const moved = paths.filter((path) => path.startsWith("params."));
    expect(moved.length).toBeGreaterThan(0);
    expect(moved.filter((path) => path.includes("generator"))).toEqual([]);
  });

  it("says so where two passes would write", () => {
    expect(() => initialStateOf(options(false))).toThrow(/written twice in one step/);
  });
});
