import { describe, expect, it } from "vitest";
import { type SamplingOptions, sampleToken } from "../../src/run/index.ts";
import { checkSampling } from "../../src/run/sampling.ts";

/** Logits of these probabilities, up to a constant. */
const logitsOf = (probabilities: readonly number[]) =>
  Float32Array.from(probabilities, (p) => Math.log(p) + 3);

const probabilities = [0.1, 0.4, 0.05, 0.25, 0.2];

/** How often each token comes out over an even grid of uniform numbers. */
function shares(options: SamplingOptions, before: readonly number[] = []): number[] {
  const counts = new Array<number>(probabilities.length).fill(0);
  const steps = 20000;
  for (let i = 0; i < steps; i++) {
    const id = sampleToken(logitsOf(probabilities), (i + 0.5) / steps, options, before);
    counts[id] = (counts[id] as number) + 1 / steps;
  }
  return counts;
}

function close(found: readonly number[], wanted: readonly number[]): void {
  for (const [i, share] of found.entries()) expect(share).toBeCloseTo(wanted[i] as number, 3);
}

const normalized = (weights: readonly number[]) =>
  weights.map((weight) => weight / weights.reduce((a, b) => a + b));

describe("a token", () => {
  it("comes as often as it is likely", () => {
    close(shares({}), probabilities);
    close(shares({ temperature: 0.5 }), normalized(probabilities.map((p) => p ** 2)));
    close(shares({ temperature: 2 }), normalized(probabilities.map(Math.sqrt)));
  });

  it("is one of the likeliest", () => {
    close(shares({ topK: 2 }), normalized([0, 0.4, 0, 0.25, 0]));
    close(shares({ topK: 9 }), probabilities);
    // 0.4 + 0.25 is not yet 0.7; with 0.2 it is more.
    close(shares({ topP: 0.7 }), normalized([0, 0.4, 0, 0.25, 0.2]));
    close(shares({ topP: 0.64 }), normalized([0, 0.4, 0, 0.25, 0]));
    close(shares({ topP: 1e-9 }), [0, 1, 0, 0, 0]);
    // The share is of what topK left: 0.4 of 0.65 is less than 0.7.
    close(shares({ topK: 2, topP: 0.7 }), normalized([0, 0.4, 0, 0.25, 0]));
    close(shares({ topK: 2, topP: 0.6 }), [0, 1, 0, 0, 0]);
  });

  it("is the likeliest without temperature, and of equals the first", () => {
    close(shares({ temperature: 0 }), [0, 1, 0, 0, 0]);
    expect(sampleToken(Float32Array.of(1, 5, 5, 0), 0.9, { temperature: 0 })).toBe(1);
    expect(sampleToken(Float32Array.of(1, 5, 5, 5), 0.999, { topK: 2 })).toBe(2);
  });

  it("that was there is made less likely, whatever the sign of its logit", () => {
    const logits = Float32Array.of(2, -2, 1);
    const penalty = { repetitionPenalty: 2 };
    const share = (before: readonly number[], id: number): number => {
      let count = 0;
      for (let i = 0; i < 4000; i++) {
        if (sampleToken(logits, (i + 0.5) / 4000, penalty, before) === id) count += 1 / 4000;
      }
      return count;
    };
    const wanted = (scores: readonly number[], id: number) =>
      normalized(scores.map(Math.exp))[id] as number;
    expect(share([0, 0, 0], 0)).toBeCloseTo(wanted([1, -2, 1], 0), 3);
    expect(share([1], 1)).toBeCloseTo(wanted([2, -4, 1], 1), 3);
    expect(share([], 0)).toBeCloseTo(wanted([2, -2, 1], 0), 3);
  });

  it("is possible also where others are not", () => {
    const minus = Number.NEGATIVE_INFINITY;
    expect(sampleToken(Float32Array.of(minus, 0, minus), 0.999)).toBe(1);
    expect(() => sampleToken(Float32Array.of(0, Number.NaN), 0)).toThrow(/NaN/);
  });
});

it("options outside of their range are refused", () => {
  expect(() => checkSampling({ temperature: -1 })).toThrow(
    "temperature must be a number of at least 0",
  );
  expect(() => checkSampling({ topK: 0 })).toThrow(/topK must be an integer/);
  expect(() => checkSampling({ topP: 0 })).toThrow(/topP must be above 0/);
  expect(() => checkSampling({ topP: 1.1 })).toThrow(/topP/);
  expect(() => checkSampling({ repetitionPenalty: 0 })).toThrow(/repetitionPenalty/);
});
