import { expect, it } from "vitest";
import { principalComponents } from "../../src/metrics/index.ts";
import { layerGroups } from "../../src/run/index.ts";
import { onSphere } from "../../src/run/latent-grids.ts";
import { type Tensor, tensorOf } from "../../src/tensor/index.ts";

const numbers = ({ data }: Tensor): number[] => [...(data as Float32Array)];

it("goes along the sphere between vectors of one length", () => {
  const [x, y] = [tensorOf([2, 0], [1, 2]), tensorOf([0, 2], [1, 2])];
  for (const [t, wanted] of [
    [0, [2, 0]],
    [1 / 3, [Math.sqrt(3), 1]],
    [1, [0, 2]],
  ] as const) {
    for (const [i, v] of numbers(onSphere(x, y, t)).entries())
      expect(v).toBeCloseTo(wanted[i] as number, 6);
  }
  expect(numbers(onSphere(x, x, 0.3))).toEqual([2, 0]);
});

it("has all layers in coarse, middle and fine ones", () => {
  expect(layerGroups(8).map(({ from, to }) => [from, to])).toEqual([
    [0, 4],
    [4, 6],
    [6, 8],
  ]);
  for (const layers of [4, 6, 10, 12]) {
    const groups = layerGroups(layers);
    expect(groups.at(-1)?.to).toBe(layers);
    for (const [i, { from }] of groups.entries()) expect(from).toBe(groups[i - 1]?.to ?? 0);
  }
});

it("finds the directions of most variance", () => {
  // Along (3, 4)/5 with deviation 2, across it with deviation ½; the four points of a cross, around (1, −1).
  const points = [2, -2].flatMap((a) => [[0.6 * a, 0.8 * a]]);
  points.push([-0.4, 0.3], [0.4, -0.3]);
  const data = points.flatMap(([x, y]) => [(x as number) + 1, (y as number) - 1]);
  const { mean, directions, deviations, shares } = principalComponents(tensorOf(data, [4, 2]));
  const close = (got: Iterable<number>, wanted: readonly number[]): void => {
    for (const [i, v] of [...got].entries()) expect(v).toBeCloseTo(wanted[i] as number, 6);
  };
  close(mean, [1, -1]);
  close(directions[0] as Float64Array, [0.6, 0.8]);
  close(deviations, [Math.sqrt(8 / 3), Math.sqrt(0.5 / 3)]);
  close(shares, [8 / 8.5, 0.5 / 8.5]);
});
