import { expect, it } from "vitest";
import { fieldPlot } from "../../src/report/index.ts";

const axis = { label: "a", domain: [-1, 1] } as const;
const path = { name: "walk", x: [0, 0.5, 1], y: [0, 0.5, 1] };

it("draws an arrow wherever something moves, and the paths with their names", () => {
  // Nothing moves on the left half.
  const svg = fieldPlot({
    ...{ x: axis, y: axis, arrows: 4, paths: [path, { ...path, name: "dots", dots: true }] },
    velocity: (x, y) => (x < 0 ? [0, 0] : [y, x]),
  });
  const arrows = svg.match(/aria-label="vector".*?<\/g>/s)?.[0].match(/<path/g);
  expect(arrows).toHaveLength(8);
  expect(svg).toContain("walk");
  expect(svg).toContain("dots");
});

it("refuses a path whose coordinates do not go together", () => {
  const paths = [{ name: "odd", x: [0], y: [0, 1] }];
  expect(() => fieldPlot({ x: axis, y: axis, velocity: () => [1, 0], paths })).toThrow(
    'path "odd" has 1 x and 2 y',
  );
});
