import { expect, it } from "vitest";
import { readTrace } from "../../src/onnx/trace-events.ts";

const kernel = (name: string, op: string, dur: number, shape: number[] = []): string =>
  `${JSON.stringify({
    cat: "Node",
    name: `${name}_kernel_time`,
    dur,
    args: {
      op_name: op,
      input_type_shape: [{ float: shape }, { int64: [2] }],
      output_type_shape: [{ float: shape }],
    },
  })},`;
const run = (dur: number): string =>
  `${JSON.stringify({ cat: "Session", name: "model_run", dur, args: {} })},`;

async function* lines(...given: string[]): AsyncGenerator<string> {
  yield* ["[", '{"cat" : "Session","dur" :9,"name" :"session_initialization","args" : {}},'];
  yield* given;
  yield "]";
}

it("reads the kernels of whole runs after those that are skipped", async () => {
  const trace = lines(
    ...[kernel("Add_a", "Add", 900), run(1000)],
    ...[kernel("Add_a", "Add", 10, [4, 3]), kernel("Mul_b", "Mul", 5), run(30)],
    ...[kernel("Add_a", "Add", 20, [4, 3]), kernel("Add_a", "Add", 12, [2, 3])],
    ...[kernel("Mul_b", "Mul", 7), run(40)],
    // The trace is full here: this run is not all there.
    kernel("Add_a", "Add", 5000),
  );
  const { kinds, runs } = await readTrace(trace, 1);
  expect(runs.map(({ seconds }) => seconds)).toEqual([30e-6, 40e-6]);
  const microseconds = (name: string): number[] =>
    runs.map(({ kernels }) => Math.round((kernels.get(name)?.seconds ?? 0) * 1e6));
  expect(microseconds("Add_a")).toEqual([10, 32]);
  expect(microseconds("Mul_b")).toEqual([5, 7]);
  expect(runs[1]?.kernels.get("Add_a")?.calls).toBe(2);
  expect([...kinds]).toEqual([
    ["Add_a", { op: "Add", shapes: "2×3, 2 → 2×3", after: "Add_a" }],
    ["Mul_b", { op: "Mul", shapes: "scalar, 2 → scalar", after: "Add_a" }],
  ]);
});

it("does not count the kernels inside of a Scan twice", async () => {
  const inside = [kernel("Add_a", "Add", 10), kernel("Add_a", "Add", 12)];
  const trace = lines(...inside, kernel("Scan_s", "Scan", 25), run(30));
  const { kinds, runs } = await readTrace(trace, 0);
  expect([...kinds.keys()]).toEqual(["Add_a"]);
  expect(runs[0]?.kernels.get("Add_a")).toEqual({ calls: 2, seconds: 22e-6 });
});

it("knows of no run in an empty trace", async () => {
  expect(await readTrace(lines(), 3)).toEqual({ kinds: new Map(), runs: [] });
});
