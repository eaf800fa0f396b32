// What expectation-maximisation promises, from the mathematics.
import { describe, expect, it } from "vitest";
import { gradients } from "../../../src/autodiff/index.ts";
import { logJoint } from "../../../src/methods/em/gaussian-functions.ts";
import { exp, logSumExp, softmax, stopGradient, sum } from "../../../src/ops/index.ts";
import { dim, spec, tensor } from "../../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../../src/trace/index.ts";
import {
  blobs,
  float64,
  methodFor,
  normals,
  numbers,
  openPhase,
  relativeGap,
  rows,
  splitOf,
  trainOn,
} from "./data.ts";

const B = dim("B");
const kinds = ["full", "tied", "diagonal", "spherical"] as const;

describe("expectation-maximisation", () => {
  it.each(kinds)("never lowers the likelihood, on 25 random problems: %s", async (covariance) => {
    const options = { covariance, components: 3, regCovar: 0 };
    const method = await methodFor("gaussian-mixture", options, { x: spec("float64", [B, 3]) });
    const phase = openPhase(method);
    for (let seed = 0; seed < 25; seed++) {
      const x = rows(
        blobs(150, { seed, size: 3, clusters: 1 + (seed % 5), apart: 1 + (seed % 3) }),
        3,
      );
      const losses = await phase.run({ x }, 8, seed);
      for (let i = 1; i < losses.length; i++) {
        const [before, now] = [losses[i - 1] as number, losses[i] as number];
        expect(now - before).toBeLessThanOrEqual(1e-9 * Math.abs(before));
      }
      expect(losses.at(-1)).toBeLessThan(losses[0] as number);
    }
    await phase.release();
  });

  it.each(kinds)(
    "has the gradient of the log-likelihood in that of Q at the current parameters: %s",
    (kind) => {
      const shape = { kind, components: 3, size: 2 };
      const whitening = {
        full: tensor(Float64Array.of(1, 0, 0.3, 2, 0.7, 0, -1, 1.5, 1.2, 0, 0.1, 0.8), [3, 2, 2]),
        tied: tensor(Float64Array.of(1, 0, 0.3, 2), [1, 2, 2]),
        diagonal: tensor(Float64Array.of(1, 2, 0.7, 1.5, 1.2, 0.8), [3, 2]),
        spherical: tensor(Float64Array.of(1, 0.7, 1.2), [3, 1]),
      }[kind];
      const inputs = {
        x: rows(blobs(40), 2),
        logits: tensor(normals(3, 1), [3]),
        means: tensor(normals(6, 2), [3, 2]),
        whitening,
      };
      const program = trace(({ x, logits, means, whitening: w }) => {
        const weights = softmax(logits as Value, 0);
        const joint = logJoint(shape, { weights, means, whitening: w } as never, x as Value);
        const logLikelihood = logSumExp(joint, 0);
        const responsibilities = stopGradient(exp(joint.sub(logLikelihood)));
        const parameters = [logits, means, w] as Value[];
        return {
          likelihood: gradients(sum(logLikelihood), parameters),
          q: gradients(sum(responsibilities.mul(joint)), parameters),
        };
      }, inputs);
      const found = evaluate(program, inputs) as unknown as Record<
        "likelihood" | "q",
        readonly { data: Float64Array }[]
      >;
      for (const [i, gradient] of found.likelihood.entries()) {
        const other = found.q[i]?.data as Float64Array;
        expect(relativeGap(gradient.data, other)).toBeLessThan(1e-12);
        expect(Math.max(...gradient.data.map(Math.abs))).toBeGreaterThan(0.1);
      }
    },
  );

  it("gives k-means where the variance of spherical Gaussians goes to 0", async () => {
    const x = blobs(240, { seed: 3, clusters: 5, apart: 2 });
    const train = splitOf({ x: float64([2], x) });
    const centres = [...x.slice(0, 10)];
    const means = await trainOn(
      "k-means",
      { clusters: 5, parameters: JSON.stringify({ centres }), tolerance: 0 },
      train,
      { steps: 12 },
    );
    const parameters = {
      weights: Array(5).fill(0.2),
      means: centres,
      covariances: Array(5).fill(1e-9),
    };
    const mixture = await trainOn(
      "gaussian-mixture",
      {
        components: 5,
        covariance: "spherical",
        fixed: "weights,covariances",
        parameters: JSON.stringify(parameters),
        tolerance: 0,
      },
      train,
      { steps: 12 },
    );
    expect(
      relativeGap(numbers(means.weights.centres), numbers(mixture.weights.means)),
    ).toBeLessThan(1e-9);
    // −2σ² log p(x) is the squared distance, up to a constant.
    const scaled = mixture.losses.map(
      (loss) => 2e-9 * (loss - Math.log(2 * Math.PI * 1e-9) - Math.log(5)),
    );
    expect(relativeGap(means.losses, scaled)).toBeLessThan(1e-6);
  });
});

describe("missing values", () => {
  const whole = blobs(120, { seed: 11, size: 3, apart: 2 });
  // Every pattern of three features, all missing as well.
  const x = whole.map((v, i) => ((Math.floor(i / 3) % 8) & (1 << (i % 3)) ? Number.NaN : v));
  const train = splitOf({ x: float64([3], x) });

  it.each(kinds)("count by the exact marginals: %s", async (covariance) => {
    const { weights, losses, call } = await trainOn(
      "gaussian-mixture",
      { covariance, tolerance: 0 },
      train,
      { steps: 6, batchSize: 50 },
    );
    const again = await trainOn(
      "gaussian-mixture",
      {
        ...{ covariance, tolerance: 0 },
        parameters: JSON.stringify(
          Object.fromEntries(
            Object.entries(weights).map(([name, { data }]) => [name, [...(data as Float64Array)]]),
          ),
        ),
      },
      train,
      { steps: 1 },
    );
    const { negativeLogLikelihood } = await call("evaluate", { x: rows(x, 3) });
    const mean = numbers(negativeLogLikelihood).reduce((sum, v) => sum + v, 0) / 120;
    // By groups of rows in training, by a factor of each row in functions: one number.
    expect(again.losses[0]).toBeCloseTo(mean, 12);
    expect(losses.at(-1)).toBeLessThan(losses[0] as number);
    // One feature is left: the marginals are mixtures of normals on a line.
    const [w, m, c] = ["weights", "means", "covariances"].map((name) => numbers(weights[name])) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const variance = (k: number, j: number): number =>
      ({ full: c[9 * k + 4 * j], tied: c[4 * j], diagonal: c[3 * k + j], spherical: c[k] })[
        covariance
      ] as number;
    for (const n of [3, 5, 6]) {
      const j = [0, 1, 2].find((feature) => !Number.isNaN(x[3 * n + feature])) as number;
      const value = x[3 * n + j] as number;
      const density = [0, 1, 2].reduce((sum, k) => {
        const [s, d] = [variance(k, j), value - (m[3 * k + j] as number)];
        return sum + ((w[k] as number) * Math.exp((-d * d) / (2 * s))) / Math.sqrt(2 * Math.PI * s);
      }, 0);
      expect(numbers(negativeLogLikelihood)[n]).toBeCloseTo(-Math.log(density), 10);
    }
    expect(numbers(negativeLogLikelihood)[7]).toBeCloseTo(0, 12);
  });

  it.each(kinds)("never let the likelihood fall: %s", async (covariance) => {
    const { losses } = await trainOn(
      "gaussian-mixture",
      { covariance, regCovar: 0, tolerance: 0 },
      train,
      { steps: 12 },
    );
    for (let i = 1; i < losses.length; i++) {
      expect((losses[i] as number) - (losses[i - 1] as number)).toBeLessThanOrEqual(1e-9);
    }
  });
});
