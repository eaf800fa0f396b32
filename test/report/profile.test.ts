import { expect, it } from "vitest";
import { groupLayers, profilePlot, profileText } from "../../src/report/index.ts";
import type { LayerTime, StepProfile } from "../../src/run/index.ts";

const layer = (name: string, forward: number, backward = 0, update = 0): LayerTime => ({
  ...{ layer: name, forward, backward, update },
});

const profile: StepProfile = {
  ...{ phase: "train", warmup: 5, steps: 50, tracedSeconds: 0.02, stepSeconds: 0.0125 },
  parts: { kernels: 0.01, betweenKernels: 0.004, feedAndFetch: 0.0045, host: 0.0015 },
  layers: [
    layer("input", 0.0005),
    layer("encoder.0", 0.002, 0.0035),
    layer("a <b> & c", 0, 0.001),
    layer("optimizer", 0, 0, 0.003),
  ],
  operators: [
    { operator: "Gemm", calls: 3, seconds: 0.006 },
    { operator: "Add", calls: 41, seconds: 0.004 },
  ],
  kernels: [
    {
      ...{ operator: "Gemm", calls: 1, seconds: 0.006, program: "step", layer: "encoder.0" },
      ...{ pass: "backward", name: "Gemm_t7", shapes: "8×4, 4×2 → 8×2" },
    },
  ],
};

const total = (layers: readonly LayerTime[]): number =>
  layers.reduce((sum, { forward, backward, update }) => sum + forward + backward + update, 0);

it("puts layers together by the beginning of their paths, as little as need be", () => {
  const blocks = [0, 1, 2].flatMap((i) =>
    [0, 1].flatMap((j) => [
      layer(`blocks.${i}.${j}.conv`, 1, 2),
      layer(`blocks.${i}.${j}.norm`, 3),
    ]),
  );
  const layers = [layer("input", 5), ...blocks];
  expect(groupLayers(layers, 13)).toEqual(layers);
  const six = groupLayers(layers, 12);
  expect(six.map((each) => each.layer)).toEqual([
    ...[
      "input",
      "blocks.0.0",
      "blocks.0.1",
      "blocks.1.0",
      "blocks.1.1",
      "blocks.2.0",
      "blocks.2.1",
    ],
  ]);
  expect(six[1]).toEqual(layer("blocks.0.0", 4, 2));
  expect(groupLayers(layers, 6).map((each) => each.layer)).toEqual([
    ...["input", "blocks.0", "blocks.1", "blocks.2"],
  ]);
  for (const most of [13, 12, 6, 2]) expect(total(groupLayers(layers, most))).toBe(total(layers));
});

it("makes one of the cheapest where there are too many at any depth", () => {
  const layers = [layer("a", 1), layer("b", 9), layer("c", 2), layer("d", 8)];
  expect(groupLayers(layers, 3)).toEqual([layer("others", 3), layer("b", 9), layer("d", 8)]);
});

it("shows every table in milliseconds a step", () => {
  const text = profileText(profile);
  expect(text).toContain("Profile of 50 steps of phase train, after 5 that do not count: 20 ms");
  expect(text).toContain("12.5 ms without the trace");
  const row = (start: string): string[] =>
    (text.split("\n").find((line) => line.startsWith(start)) ?? "").trim().split(/ {2,}/);
  expect(row("kernels ")).toEqual(["kernels", "10.00", "50.0 %"]);
  expect(row("feeding")).toEqual(["feeding and fetching tensors", "4.50", "22.5 %"]);
  expect(row("encoder.0")).toEqual(["encoder.0", "2.000", "3.500", "5.500", "55.0 %"]);
  expect(row("Add")).toEqual(["Add", "41", "4.000", "40.0 %"]);
  expect(text).toMatch(/Gemm +6\.000 +encoder\.0 backward +8×4, 4×2 → 8×2/);
});

it("warns of figures that cannot be, since others used the processor", () => {
  expect(profileText(profile)).not.toContain("busy");
  expect(profileText({ ...profile, stepSeconds: 0.006 })).toContain("the machine was busy");
  // Many tiny kernels look longer than they are: the trace takes its time in each of them.
  const tiny = { ...profile, operators: [{ operator: "Add", calls: 500, seconds: 0.01 }] };
  expect(profileText({ ...tiny, stepSeconds: 0.006 })).not.toContain("busy");
  const { stepSeconds: _none, ...untold } = profile;
  expect(profileText(untold)).not.toContain("busy");
});

it("draws a bar for every pass of a layer", () => {
  const svg = profilePlot(profile);
  expect(svg.match(/<rect(?![^>]*class="background")/g)).toHaveLength(5);
  expect(svg).toContain("a &lt;b&gt; &amp; c");
  for (const name of ["forward", "backward", "update", "ms a step"]) expect(svg).toContain(name);
});
