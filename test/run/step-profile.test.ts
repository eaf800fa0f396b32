import { expect, it } from "vitest";
import { createStepProfiler, fit, type StepProfile } from "../../src/run/index.ts";
import { leafMap, type Tensor } from "../../src/tensor/index.ts";
import { mixture, players, regression, toySplit } from "./methods.ts";

const base = { train: toySplit(100), batchSize: 20, seed: 3, threads: 1, logEvery: 7 };

async function profiled(
  method: ReturnType<typeof regression>,
  trainSteps: number,
  options: { warmup?: number; steps?: number } = {},
) {
  const profiles: StepProfile[] = [];
  const profiler = createStepProfiler({ ...options, onProfile: (each) => profiles.push(each) });
  const result = await fit({ ...base, method, steps: trainSteps, profiler });
  return { profiles, result };
}

const bits = (state: unknown): unknown =>
  [...leafMap<Tensor>(state as Tensor)].map(([path, { data }]) => [path, Array.from(data, Number)]);

it.each([
  ["one program", regression],
  ["an E-step and an M-step", mixture],
  ["two players", players],
])("changes no number of a training: %s", async (_name, method) => {
  const plain = await fit({ ...base, method: method(), steps: 12 });
  const { profiles, result } = await profiled(method(), 12, { warmup: 2, steps: 3 });
  expect(bits(result.state)).toEqual(bits(plain.state));
  expect(result.lines.map(({ metrics }) => metrics)).toEqual(
    plain.lines.map(({ metrics }) => metrics),
  );
  expect(profiles.length).toBe(method().phases.length);
});

it("measures after the warm-up, and the parts of a step add up to it", async () => {
  const { profiles } = await profiled(regression(), 200, { warmup: 5, steps: 20 });
  const [profile] = profiles as [StepProfile];
  expect(profile.warmup).toBeGreaterThanOrEqual(5);
  expect(profile.steps).toBeGreaterThanOrEqual(20);
  expect(profile.stepSeconds).toBeGreaterThan(0);
  const { parts, tracedSeconds, layers, operators } = profile;
  for (const seconds of Object.values(parts)) expect(seconds).toBeGreaterThan(0);
  const sum = Object.values(parts).reduce((a, b) => a + b);
  expect(sum).toBeCloseTo(tracedSeconds, 12);
  const inLayers = layers.reduce((all, l) => all + l.forward + l.backward + l.update, 0);
  expect(inLayers).toBeCloseTo(parts.kernels, 12);
  const inOperators = operators.reduce((all, { seconds }) => all + seconds, 0);
  expect(inOperators).toBeCloseTo(parts.kernels, 12);
  const names = layers.map(({ layer }) => layer);
  expect(names).toContain("weight");
  expect(names.slice(-2)).toEqual(["loss", "optimizer"]);
});

it("knows the programs of both players", async () => {
  const { profiles } = await profiled(players(), 12, { warmup: 2, steps: 4 });
  const programs = new Set(profiles.flatMap(({ kernels }) => kernels.map((each) => each.program)));
  expect(programs.size).toBeGreaterThan(1);
});

it("makes do with the steps there are, and tells of none where there are none", async () => {
  const short = await profiled(regression(), 8, { warmup: 2, steps: 50 });
  expect(short.profiles[0]?.steps).toBeLessThanOrEqual(6);
  expect(short.profiles[0]).not.toHaveProperty("stepSeconds");
  expect((await profiled(regression(), 3, { warmup: 5 })).profiles).toEqual([]);
});
