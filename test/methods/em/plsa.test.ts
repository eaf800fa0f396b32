import { describe, expect, it } from "vitest";
import { foldIn } from "../../../src/methods/em/plsa.ts";
import type { Tensor } from "../../../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../../../src/trace/index.ts";
import { readGolden } from "../../golden/read.ts";
import { float64, numbers, relativeGap, rows, splitOf, type Trained, trainOn } from "./data.ts";

const golden = readGolden("em");
const [counts, start, components, product, divergences] = [
  "counts",
  "nmf.h",
  "nmf.components",
  "nmf.product",
  "nmf.divergence",
].map((name) => golden[name]?.data as Float64Array) as [
  Float64Array,
  Float64Array,
  Float64Array,
  Float64Array,
  Float64Array,
];
const [documents, terms] = [20, 12];
const best = divergences[0] as number;

const fitted = (
  topics: Float64Array,
  options: Readonly<Record<string, unknown>>,
  steps: number,
): Promise<Trained> =>
  trainOn(
    "plsa",
    {
      topics: 3,
      smoothing: 0,
      tolerance: 0,
      parameters: JSON.stringify({ topics: [...topics] }),
      ...options,
    },
    splitOf({ counts: float64([terms], counts) }),
    { steps },
  );

const totals = Array.from({ length: documents }, (_, d) =>
  counts.subarray(d * terms, (d + 1) * terms).reduce((a, b) => a + b, 0),
);

/** Rows [·, V] with the sum 1. */
const normalizedRows = (values: Float64Array): Float64Array =>
  values.map((value, i) => {
    const row = i - (i % terms);
    return value / values.subarray(row, row + terms).reduce((a, b) => a + b, 0);
  });

/** n(d)·p(w|d): what the factorisation approximates counts by. */
const approximationBy = (shares: Float64Array, topics: Float64Array): Float64Array =>
  counts.map((_, i) => {
    const [d, w] = [Math.floor(i / terms), i % terms];
    const p = [0, 1, 2].reduce(
      (sum, z) => sum + (shares[3 * d + z] as number) * (topics[z * terms + w] as number),
      0,
    );
    return p * (totals[d] as number);
  });

/** p(z|d) by steps of fold-in, on the host: a graph of so many steps takes long to compile. */
function sharesOf(given: Float64Array, topics: Float64Array, steps: number): Float64Array {
  const inputs = { counts: rows(given, terms), topics: rows(topics, terms) };
  const program = trace(
    ({ counts: n, topics: t }) => ({ shares: foldIn(n as Value, t as Value, steps) }),
    inputs,
  );
  return numbers(evaluate(program, inputs).shares as Tensor);
}

/** Generalised Kullback-Leibler divergence of the counts from it. */
const divergence = (from: Float64Array): number =>
  counts.reduce((sum, n, i) => {
    const m = from[i] as number;
    return sum + (n > 0 ? n * Math.log(n / m) : 0) - n + m;
  }, 0);

describe("plsa", () => {
  it("stays where scikit-learn's NMF converged to for the Kullback-Leibler loss, as the same factors", () => {
    const topics = normalizedRows(components);
    const found = sharesOf(counts, topics, 2000);
    const ours = approximationBy(found, topics);
    // NMF keeps the totals of documents at its optimum: the two differ by scale only.
    expect(Math.abs(divergence(ours) / best - 1)).toBeLessThan(1e-9);
    expect(relativeGap(product, ours)).toBeLessThan(1e-5);
    // The M-step: p(w|z) ∝ Σ_d n(d, w) q(z|d, w).
    const next = topics.map((p, i) => {
      const [z, w] = [Math.floor(i / terms), i % terms];
      return totals.reduce((sum, total, d) => {
        const share = (counts[d * terms + w] as number) / ((ours[d * terms + w] as number) / total);
        return sum + p * (found[d * 3 + z] as number) * share;
      }, 0);
    });
    expect(relativeGap(topics, normalizedRows(next))).toBeLessThan(1e-5);
  });

  it("converges to that factorisation from elsewhere, and its loss falls all the way", async () => {
    const trained = await fitted(start, { foldIn: 100 }, 300);
    const topics = numbers(trained.weights.topics);
    const ours = approximationBy(sharesOf(counts, topics, 500), topics);
    const above = divergence(ours) / best - 1;
    expect(above).toBeGreaterThan(-1e-8);
    expect(above).toBeLessThan(1e-4);
    const rises = trained.losses.slice(1).map((loss, i) => loss - (trained.losses[i] as number));
    expect(Math.max(...rises)).toBeLessThan(1e-12);
  });

  it("folds unseen documents in: shares of topics that made them", () => {
    const topics = normalizedRows(components);
    const shares = [0.2, 0.5, 0.3];
    const document = Float64Array.from({ length: terms }, (_, w) =>
      shares.reduce((sum, share, z) => sum + 1000 * share * (topics[z * terms + w] as number), 0),
    );
    const found = sharesOf(document, topics, 2000);
    for (const [z, share] of shares.entries()) expect(found[z]).toBeCloseTo(share, 6);
  });

  it("takes a table of counts, logs the perplexity, and refuses numbers below 0", async () => {
    const train = splitOf({ x: float64([terms], counts) });
    const { losses, result, call } = await trainOn("plsa", { topics: 2 }, train, { steps: 3 });
    const last = result.lines.at(-1) as (typeof result.lines)[number];
    expect(last.metrics.perplexity).toBeCloseTo(Math.exp(losses.at(-1) as number), 10);
    const { negativeLogLikelihood, perplexity } = await call("evaluate", {
      x: rows(counts, terms),
    });
    for (const [d, nats] of numbers(negativeLogLikelihood).entries()) {
      expect(numbers(perplexity)[d]).toBeCloseTo(Math.exp(nats), 10);
    }
    expect(numbers(negativeLogLikelihood)).toHaveLength(documents);
    const negative = splitOf({
      x: float64(
        [terms],
        counts.map((n) => n - 1),
      ),
    });
    await expect(trainOn("plsa", {}, negative)).rejects.toThrow(/numbers of at least 0/);
  });
});
