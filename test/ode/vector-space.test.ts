// States that are not arrays of the host: integrators touch them through their vector space only.
import { describe, expect, it } from "vitest";
import {
  arraySpace,
  bogackiShampine,
  dop853,
  dormandPrince,
  integrate,
  integrateAsync,
  integrateExponential,
  integrateExponentialAsync,
  scalarPart,
  type VectorSpace,
} from "../../src/ode/index.ts";

/** A planet as a record of two arrays. */
interface Planet {
  readonly position: Float64Array;
  readonly velocity: Float64Array;
}

const joined = ({ position, velocity }: Planet) => Float64Array.of(...position, ...velocity);
const planetOf = (flat: Float64Array): Planet => ({
  position: flat.slice(0, 2),
  velocity: flat.slice(2),
});

const planets: VectorSpace<Planet> = {
  combine: (c, planet) => ({
    position: arraySpace.combine(
      c,
      planet.map(({ position }) => position),
    ) as Float64Array,
    velocity: arraySpace.combine(
      c,
      planet.map(({ velocity }) => velocity),
    ) as Float64Array,
  }),
  scaledNorm: (error, from, to, tolerance) =>
    arraySpace.scaledNorm(joined(error), joined(from), joined(to), tolerance),
};

const attraction = (position: Float64Array) => {
  const cube = Math.hypot(...position) ** 3;
  return position.map((x) => -x / cube);
};
const start: Planet = { position: Float64Array.of(0.6, 0), velocity: Float64Array.of(0, 1.5275) };
const problem = {
  f: (_t: number, { position, velocity }: Planet): Planet => ({
    position: velocity,
    velocity: attraction(position),
  }),
  interval: [0, 6] as const,
  y0: start,
};
const flatProblem = {
  f: (t: number, y: Float64Array) => joined(problem.f(t, planetOf(y))),
  interval: problem.interval,
  y0: joined(start),
};

describe("a record of two arrays", () => {
  it.each([bogackiShampine, dormandPrince, dop853])(
    "is followed by $name as one array is, events and dense output included",
    async (method) => {
      const common = { method, tolerance: { relative: 1e-6, absolute: 1e-9 } };
      const path = await integrateAsync(problem, planets, {
        ...common,
        events: [{ value: (_t, { position }) => position[1]! }],
      });
      const flat = integrate(flatProblem, {
        ...common,
        events: [{ value: (_t, y) => y[1]! }],
      });
      expect(path.times).toEqual(flat.times);
      expect(path.states.map(joined)).toEqual(flat.states);
      expect(path.events.map(({ t }) => t)).toEqual(flat.events.map(({ t }) => t));
      expect(path.events.length).toBeGreaterThan(0);
      expect(joined(await path.at(3.3))).toEqual(flat.at(3.3));
      expect(joined(await path.derivative(3.3))).toEqual(flat.derivative(3.3));
    },
  );

  it("is followed by exponential integrators", async () => {
    // ẏ = −y/2 + the same forces
    const path = await integrateExponentialAsync(
      { ...problem, linear: scalarPart(-0.5, planets) },
      planets,
      { steps: 40 },
    );
    const flat = integrateExponential(
      { ...flatProblem, linear: scalarPart(-0.5, arraySpace) },
      { steps: 40 },
    );
    expect(path.states.map(joined)).toEqual(flat.states);
  });
});

describe("handles of a device", () => {
  it("are enough: contents stay where they are until they are asked for", async () => {
    const memory: Float64Array[] = [];
    const write = (contents: Float64Array) => Promise.resolve(memory.push(contents) - 1);
    const read = (handle: number) => memory[handle]!;
    const device: VectorSpace<number> = {
      combine: (c, handles) => write(arraySpace.combine(c, handles.map(read)) as Float64Array),
      scaledNorm: async (error, from, to, tolerance) =>
        arraySpace.scaledNorm(read(error), read(from), read(to), tolerance),
    };
    const path = await integrateAsync(
      {
        f: (t, handle) => write(flatProblem.f(t, read(handle))),
        interval: [0, 6],
        y0: await write(flatProblem.y0),
      },
      device,
    );
    const flat = integrate(flatProblem);
    expect(path.times).toEqual(flat.times);
    expect(path.states.map(read)).toEqual(flat.states);
    expect(read(await path.at(1.7))).toEqual(flat.at(1.7));
  });
});
