import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { gradientTree } from "../../src/autodiff/index.ts";
import { linear } from "../../src/nn/index.ts";
import {
  compile,
  type HeldState,
  hold,
  lowerProgram,
  type ProgramProfiler,
} from "../../src/onnx/index.ts";
import { profilerOf } from "../../src/onnx/profile.ts";
import { mean, relu } from "../../src/ops/index.ts";
import { dim, fillNormal, mapTree, spec, type Tensor, zeros } from "../../src/tensor/index.ts";
import { trace, type Value } from "../../src/trace/index.ts";

// Temporary files go to this folder, so that it can be seen that none is left: no trace, and none of the
// files that the runtime's telemetry makes where it is on.
const folder = mkdtempSync(join(tmpdir(), "reparam-profile-"));
beforeAll(() => void vi.stubEnv("TMPDIR", folder));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function normals(shape: number[], path: string): Tensor {
  const tensor = zeros(shape);
  fillNormal(tensor.data as Float32Array, { seed: 0, step: 0, path });
  return tensor;
}

const layer = (inputs: number, outputs: number, path: string) => ({
  weight: normals([inputs, outputs], path),
  bias: zeros([outputs]),
});
const start = { params: { hidden: layer(8, 64, "hidden"), top: layer(64, 3, "top") } };
const x = normals([32, 8], "x");

/** Descent on the squares of a net of two layers. */
const compileStep = (profile: boolean) =>
  compile(
    ({ state, x: rows }) => {
      const { params } = state;
      const y = linear(params.top, relu(linear(params.hidden, rows)));
      const loss = mean(y.square());
      const gradient = gradientTree(loss, params);
      const slopes = [gradient.hidden.weight, gradient.hidden.bias];
      slopes.push(gradient.top.weight, gradient.top.bias);
      const next = mapTree<Value, Value, typeof params>(params, (param) =>
        param.sub((slopes.shift() as Value).mul(0.01)),
      ) as typeof params;
      return { state: { params: next }, loss };
    },
    { state: start, x: spec("float32", [dim("B"), 8]) },
    { threads: 1, spin: false, profile },
  );

async function train(program: Awaited<ReturnType<typeof compileStep>>, steps: number) {
  let state: HeldState = hold(start);
  for (let i = 0; i < steps; i++) {
    if (i === 2) program.profiler?.start();
    ({ state } = await program.run({ state, x }, { seed: 0, step: i }));
  }
  return [...state.tensors].map(([path, { data }]) => [path, [...(data as Float32Array)]]);
}

it("tells the kernels of a training step by layer, and changes no bit of the result", async () => {
  const [plain, traced] = [await compileStep(false), await compileStep(true)];
  expect(plain.profiler).toBeUndefined();
  expect(await train(traced, 12)).toEqual(await train(plain, 12));
  const profile = await (traced.profiler as ProgramProfiler).stop();
  expect([profile.runs, profile.tracedRuns]).toEqual([10, 10]);

  const seconds = profile.kernels.reduce((sum, kernel) => sum + kernel.seconds, 0);
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(profile.runSeconds);
  expect(profile.runSeconds).toBeLessThan(profile.callSeconds);

  const places = new Set(profile.kernels.map((kernel) => `${kernel.layer} ${kernel.pass}`));
  for (const place of ["hidden forward", "hidden backward", "top forward", "top backward"]) {
    expect(places).toContain(place);
  }
  expect(places).toContain("optimizer update");
  expect(places).toContain("loss forward");
  // Forward: product and bias became one kernel, which is still that of its layer.
  const gemm = profile.kernels.find(({ shapes }) => shapes.startsWith("32×8, 8×64"));
  expect(gemm).toMatchObject({ layer: "hidden", pass: "forward", calls: 10 });

  // The program runs on, but its trace is over.
  await train(traced, 1);
  await expect((traced.profiler as ProgramProfiler).stop()).rejects.toThrow("ended already");
  await plain.release();
  await traced.release();
  expect(readdirSync(folder)).toEqual([]);
});

it("takes the faster half of the runs for all, by the time of a kernel", async () => {
  const program = trace((x: Value) => x.mul(2), spec("float32", [2]));
  const graph = lowerProgram(program, { target: "cpu" });
  const name = `Mul_${graph.outputs[0]?.name}`;
  const run = (calls: number, each: number) => ({
    seconds: 1.5 * calls * each,
    kernels: new Map([[name, { calls, seconds: calls * each }]]),
  });
  const session = {
    start: () => undefined,
    stop: async () => ({
      kinds: new Map([
        [name, { op: "Mul", shapes: "", after: undefined }],
        ["Transpose_token_4", { op: "Transpose", shapes: "", after: name }],
      ]),
      // The first is of four steps; somebody else used the processor in the second.
      runs: [run(4, 2), run(1, 64), run(1, 4), run(2, 8)],
      callSeconds: [16, 128, 8, 32, 1000],
    }),
  };
  const { kernels, ...sums } = await profilerOf(session, graph, program).stop();
  // Typical: 4 calls of 2 s and 1 of 4 s are 12 s for 5 of all 8 calls.
  const scale = 8 / 5;
  expect(sums).toEqual({
    ...{ runs: 5, tracedRuns: 4, allCallSeconds: 1184 },
    ...{ runSeconds: 18 * scale, callSeconds: 24 * scale },
  });
  expect(kernels[0]).toMatchObject({ calls: 8, seconds: 12 * scale, layer: "output" });
  // What the runtime added belongs to what ran before.
  expect(kernels[1]).toMatchObject({ op: "Transpose", layer: "output", pass: "forward" });
});

it("leaves no file behind when nobody reads the trace", async () => {
  const program = await compileStep(true);
  await train(program, 1);
  expect(readdirSync(folder)).toHaveLength(1);
  await program.release();
  expect(readdirSync(folder)).toEqual([]);
});
