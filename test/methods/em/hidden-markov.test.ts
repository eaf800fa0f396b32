import { describe, expect, it } from "vitest";
import { tensor } from "../../../src/tensor/index.ts";
import { float64, normals, numbers, splitOf, trainOn, uniforms } from "./data.ts";

const [states, times] = [3, 4];
const initial = [0.5, 0.3, 0.2];
const transition = [0.7, 0.2, 0.1, 0, 0.6, 0.4, 0.3, 0.3, 0.4];

/** Sum over all paths of the probability of a sequence, and the posterior of every state at every time. */
function enumerate(density: (state: number, t: number) => number): {
  total: number;
  posterior: number[];
} {
  const posterior = Array<number>(times * states).fill(0);
  let total = 0;
  for (let path = 0; path < states ** times; path++) {
    const s = Array.from({ length: times }, (_, t) => Math.floor(path / states ** t) % states);
    const p = s.reduce((product, state, t) => {
      const from = t === 0 ? initial[state] : transition[states * (s[t - 1] as number) + state];
      return product * (from as number) * density(state, t);
    }, 1);
    total += p;
    for (const [t, state] of s.entries()) posterior[t * states + state]! += p;
  }
  return { total, posterior: posterior.map((p) => p / total) };
}

const close = (a: ArrayLike<number>, b: ArrayLike<number>): void => {
  for (let i = 0; i < a.length; i++) expect(a[i]).toBeCloseTo(b[i] as number, 12);
};

describe("hidden-markov", () => {
  it("gives the likelihood and the posteriors of all paths: symbols, one time not observed", async () => {
    const probabilities = [0.6, 0.3, 0.1, 0.1, 0.8, 0.1, 0, 0.2, 0.8];
    const x = [0, 1, 2, 2, 1, 1, Number.NaN, 0];
    const options = {
      states,
      symbols: 3,
      smoothing: 0,
      start: "random",
      parameters: JSON.stringify({ initial, transition, probabilities }),
    };
    const trained = await trainOn(
      "hidden-markov",
      { ...options, algorithm: "batch" },
      splitOf({ x: float64([times], x) }),
      { steps: 1 },
    );
    const expected = [0, 1].map((n) =>
      enumerate((state, t) => {
        const symbol = x[n * times + t] as number;
        return Number.isNaN(symbol) ? 1 : (probabilities[3 * state + symbol] as number);
      }),
    );
    const mean = expected.reduce((sum, { total }) => sum - Math.log(total), 0) / 2;
    expect(trained.losses[0]).toBeCloseTo(mean, 12);
    // The first step, from the posteriors: starts are the mean of γ₁.
    const starts = [0, 1, 2].map(
      (k) => expected.reduce((sum, { posterior }) => sum + (posterior[k] as number), 0) / 2,
    );
    close(numbers(trained.weights.initial), starts);
  });

  it("gives the likelihood and the posteriors of all paths: Gaussians", async () => {
    const means = [-1, 0.5, 2];
    const covariances = [1, 0.5, 2];
    const x = normals(2 * times, 5);
    const parameters = JSON.stringify({ initial, transition, means, covariances });
    const options = {
      states,
      covariance: "spherical",
      parameters,
      smoothing: 0,
      regCovar: 0,
      fixed: "",
    };
    const { fixed: _, ...known } = options;
    const trained = await trainOn("hidden-markov", known, splitOf({ x: float64([times], x) }), {
      steps: 1,
    });
    const expected = [0, 1].map((n) =>
      enumerate((state, t) => {
        const [s, d] = [
          covariances[state] as number,
          (x[n * times + t] as number) - (means[state] as number),
        ];
        return Math.exp((-d * d) / (2 * s)) / Math.sqrt(2 * Math.PI * s);
      }),
    );
    expect(trained.losses[0]).toBeCloseTo(
      expected.reduce((sum, { total }) => sum - Math.log(total), 0) / 2,
      12,
    );
    // New means are means of x by the posteriors of all times.
    for (let k = 0; k < states; k++) {
      let [sum, weight] = [0, 0];
      for (const [n, { posterior }] of expected.entries()) {
        for (let t = 0; t < times; t++) {
          const p = posterior[t * states + k] as number;
          sum += p * (x[n * times + t] as number);
          weight += p;
        }
      }
      expect(numbers(trained.weights.means)[k]).toBeCloseTo(sum / weight, 10);
    }
  });

  it("never lowers the likelihood, and finds the transitions that made the data", async () => {
    const [count, length] = [200, 30];
    const u = uniforms(count * length, 1);
    const e = normals(count * length, 2);
    const x = new Float64Array(count * length);
    let state = 0;
    for (let i = 0; i < x.length; i++) {
      // Two states; the first is left with probability 0.1, the second with 0.3.
      const leaves = (u[i] as number) < (state === 0 ? 0.1 : 0.3);
      if (i % length === 0) state = (u[i] as number) < 0.5 ? 0 : 1;
      else if (leaves) state = 1 - state;
      x[i] = 0.5 * (e[i] as number) + (state === 0 ? -1 : 1);
    }
    const options = {
      states: 2,
      covariance: "spherical",
      smoothing: 0,
      regCovar: 0,
      tolerance: 1e-7,
    };
    const { weights, losses } = await trainOn(
      "hidden-markov",
      options,
      splitOf({ x: float64([length], x) }),
      { steps: 60 },
    );
    for (let i = 1; i < losses.length; i++)
      expect(losses[i]).toBeLessThanOrEqual((losses[i - 1] as number) + 1e-8);
    const a = numbers(weights.transition);
    const first = (numbers(weights.means)[0] as number) < 0 ? 0 : 1;
    expect(a[first === 0 ? 1 : 2]).toBeCloseTo(0.1, 1);
    expect(a[first === 0 ? 2 : 1]).toBeCloseTo(0.3, 1);
  });

  it("draws sequences whose states follow the transitions", async () => {
    const parameters = {
      initial: [0.5, 0.5],
      transition: [0.2, 0.8, 0.9, 0.1],
      means: [-5, 5],
      covariances: [0.01, 0.01],
    };
    const options = {
      states: 2,
      covariance: "spherical",
      parameters: JSON.stringify(parameters),
      smoothing: 1e-9,
      regCovar: 1e-9,
    };
    const { call, weights } = await trainOn(
      "hidden-markov",
      options,
      splitOf({
        x: float64(
          [3],
          normals(600, 3).map((v) => 5 * Math.sign(v) + v / 9),
        ),
      }),
      { steps: 1 },
    );
    const count = 4000;
    const noise = tensor(Float32Array.from(normals(3 * count, 4)), [count, 3, 1]);
    const choice = tensor(Float32Array.from(uniforms(3 * count, 5)), [count, 3]);
    const { x } = await call("sample", { noise, choice }, count);
    const states = numbers(x).map((v) => Number(v > 0));
    const a = numbers(weights.transition);
    const first = (numbers(weights.means)[0] as number) < 0 ? 0 : 1;
    const pairs = [0, 1].map((from) => {
      const places = states.map((_, i) => i).filter((i) => i % 3 < 2 && states[i] === from);
      return places.filter((i) => states[i + 1] !== from).length / places.length;
    });
    expect(pairs[0]).toBeCloseTo(a[first === 0 ? 1 : 2] as number, 1);
    expect(pairs[1]).toBeCloseTo(a[first === 0 ? 2 : 1] as number, 1);
  });
});
