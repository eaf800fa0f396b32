// The cdf of every distribution, the samples that follow it, and the events that can be listed.
import { describe, expect, it } from "vitest";
import { cast, constant, exp, reshape, sum } from "../../src/ops/index.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import { Key } from "../../src/trace/index.ts";
import { f64 } from "./entry.ts";
import { has, numbers, run } from "./measure.ts";
import { table } from "./table.ts";

const infinity = Number.POSITIVE_INFINITY;

/** Where the values of a support begin and end. */
const boundsOf: Readonly<Record<string, readonly [number, number]>> = {
  real: [-infinity, infinity],
  positive: [0, infinity],
  nonNegative: [0, infinity],
  unitInterval: [0, 1],
};

/** How often each event of [events, 1, ...event] is in draws of [draws, batch, ...event]: [events, batch]. */
function frequencies(x: Tensor, events: Tensor, batch: number): number[] {
  const size = events.data.length / events.shape[0]!;
  const rowsOf = (tensor: Tensor): string[] => {
    const all = numbers(tensor);
    return Array.from({ length: all.length / size }, (_, i) =>
      all.slice(i * size, (i + 1) * size).join(),
    );
  };
  const index = new Map(rowsOf(events).map((row, i) => [row, i]));
  const counts = new Array<number>(index.size * batch).fill(0);
  for (const [i, row] of rowsOf(x).entries()) {
    expect(index.has(row), row).toBe(true);
    counts[index.get(row)! * batch + (i % batch)]! += 1;
  }
  return counts;
}

/** Pearson's χ² of the events that are expected at least 5 times, the others as one. */
function expectFrequencies(counts: number[], wanted: number[], batch: number): void {
  const draws = counts.reduce((total, n) => total + n, 0) / batch;
  for (let c = 0; c < batch; c++) {
    let [statistic, freedom, rest, restWanted] = [0, -1, 0, 0];
    for (let i = c; i < counts.length; i += batch) {
      const expected = wanted[i]! * draws;
      if (expected < 5) {
        rest += counts[i]!;
        restWanted += expected;
        continue;
      }
      statistic += (counts[i]! - expected) ** 2 / expected;
      freedom++;
    }
    if (restWanted >= 5) {
      statistic += (rest - restWanted) ** 2 / restWanted;
      freedom++;
    }
    // Wilson and Hilferty's approximation of the 1 − 10⁻⁴ quantile
    const limit = freedom * (1 - 2 / (9 * freedom) + 3.72 * Math.sqrt(2 / (9 * freedom))) ** 3;
    expect(statistic).toBeLessThan(limit);
  }
}

describe.each(table)("$name", (entry) => {
  const discrete = entry.events !== undefined;
  const draws = discrete ? 3000 : 1500;

  it("has the cdf that is the integral of its density", () => {
    const [xs, points] = entry.grid ?? [undefined, entry.events];
    if (points === undefined || points.shape.length > 2) return;
    const count = points.shape[0]!;
    // a cdf may be slow, so that it is taken at some points of a grid, the last one among them
    const stride = xs === undefined ? 1 : 40;
    const some = numbers(points).filter((_, i) => (count - 1 - i) % stride === 0);
    const found = run(entry, (p) => {
      if (!has(p, "cdf")) return {};
      const y = exp(p.logProb(constant(points)));
      return { y, cdf: p.cdf(constant(f64([some.length, 1], ...some))) };
    }) as { y?: Tensor; cdf?: Tensor };
    if (found.cdf === undefined) return;
    const [y, cdf] = [numbers(found.y!), numbers(found.cdf)];
    const batch = found.y!.shape[1]!;
    for (let c = 0; c < batch; c++) {
      let area = 0;
      const missed: number[] = [];
      for (let i = 0, at = 0; i < count; i++) {
        if (xs === undefined) area += y[batch * i + c]!;
        else if (i > 0) {
          area += ((xs[i]! - xs[i - 1]!) * (y[batch * i + c]! + y[batch * (i - 1) + c]!)) / 2;
        }
        if ((count - 1 - i) % stride === 0) missed.push(area - cdf[batch * at++ + c]!);
      }
      // up to the probability before the grid, which is a constant
      const before = xs === undefined ? 0 : missed[0]!;
      const worst = Math.max(...missed.map((miss) => Math.abs(miss - before)));
      expect(worst).toBeLessThan(xs === undefined ? 1e-12 : 5e-4);
    }
  });

  it("has the icdf that inverts its cdf, to 0 and 1", () => {
    const grid = [1e-300, 1e-12, 1e-3, 0.1, 0.4999, 0.5, 0.7, 0.999, 1 - 1e-9];
    let bounds: readonly number[] | undefined;
    const found = run(entry, (p) => {
      if (!has(p, "icdf")) return {};
      const ones = p.batchShape.map(() => 1);
      const probability = constant(f64([grid.length, ...ones], ...grid));
      const ends = constant(f64([2, ...ones], 0, 1));
      if (typeof p.support === "string") bounds = boundsOf[p.support];
      return { back: p.cdf(p.icdf(probability)), ends: p.icdf(ends), atEnds: p.cdf(p.icdf(ends)) };
    }) as { back?: Tensor; ends?: Tensor; atEnds?: Tensor };
    if (found.back === undefined) return;
    const back = numbers(found.back);
    const columns = back.length / grid.length;
    for (const [i, value] of back.entries()) {
      const wanted = grid[Math.floor(i / columns)]!;
      expect(Math.abs(value - wanted)).toBeLessThan(1e-12);
    }
    const perEnd = (pair: readonly number[]): number[] =>
      pair.flatMap((end) => new Array<number>(columns).fill(end));
    expect(numbers(found.atEnds!)).toEqual(perEnd([0, 1]));
    if (bounds !== undefined) expect(numbers(found.ends!)).toEqual(perEnd(bounds));
  });

  it("has samples of its cdf (Kolmogorov, Smirnov) or of its probabilities (χ²)", () => {
    const { x, u, probability } = run(entry, (p) => {
      const x = p.sample(new Key("x"), [draws]);
      if (discrete) return { x, probability: exp(p.logProb(constant(entry.events!))) };
      return has(p, "cdf") ? { x, u: p.cdf(x) } : { x };
    }) as { x: Tensor; u?: Tensor; probability?: Tensor };
    if (u !== undefined) {
      const columns = u.data.length / draws;
      for (let c = 0; c < columns; c++) {
        const sorted = numbers(u)
          .filter((_, i) => i % columns === c)
          .sort((a, b) => a - b);
        const gaps = sorted.map((v, i) => Math.max(v - i / draws, (i + 1) / draws - v));
        // the 1 − 10⁻⁴ quantile of Kolmogorov's distribution
        expect(Math.max(...gaps) * Math.sqrt(draws)).toBeLessThan(2.226);
      }
    }
    if (probability !== undefined) {
      const batch = x.shape[1]!;
      const wanted = numbers(probability);
      expectFrequencies(frequencies(x, entry.events!, batch), wanted, batch);
    }
  });

  it("enumerates its events, once each, or says that it cannot", () => {
    const { yes } = run(entry, (p) => ({ yes: constant(Number(p.supportsEnumeration)) }));
    if (yes.data[0] !== 1) {
      expect(() => run(entry, (p) => ({ x: p.enumerate() }))).toThrow(/too many to enumerate/);
      return;
    }
    const { x, total, sample, mean, expected } = run(entry, (p) => {
      const x = p.enumerate();
      const probability = exp(p.logProb(x));
      const sample = p.sample(new Key("x"), [x.size(0)]);
      const ones = p.eventShape.map(() => 1);
      const weights = reshape(probability, [...probability.shape, ...ones]);
      const mean = sum(cast(x, "float64").mul(weights), 0);
      return { x, total: sum(probability, 0), sample, mean, expected: p.mean() };
    });
    for (const [i, value] of numbers(mean).entries()) {
      expect(value).toBeCloseTo(numbers(expected)[i]!, 10);
    }
    expect([x.dtype, x.shape]).toEqual([sample.dtype, sample.shape]);
    for (const one of numbers(total)) expect(one).toBeCloseTo(1, 10);
    const row = x.data.length / x.shape[0]!;
    const rows = x.shape[0]!;
    const texts = new Set(
      Array.from({ length: rows }, (_, i) =>
        numbers(x)
          .slice(i * row, (i + 1) * row)
          .join(),
      ),
    );
    expect(texts.size).toBe(rows);
  });
});
