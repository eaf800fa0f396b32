import { describe, expect, it } from "vitest";
import { readGolden } from "../../golden/read.ts";
import { float64, numbers, relativeGap, rows, splitOf, trainOn } from "./data.ts";

const golden = readGolden("em");
const [counts, start, product, divergences] = [
  "counts",
  "nmf.h",
  "nmf.product",
  "nmf.divergence",
].map((name) => golden[name]?.data as Float64Array) as [
  Float64Array,
  Float64Array,
  Float64Array,
  Float64Array,
];
const [documents, terms] = [20, 12];

describe("plsa", () => {
  it("converges to the factorisation that scikit-learn's NMF finds for the Kullback-Leibler loss", async () => {
    const options = {
      ...{ topics: 3, smoothing: 0, foldIn: 200, tolerance: 0 },
      parameters: JSON.stringify({ topics: [...start] }),
    };
    const { call } = await trainOn("plsa", options, splitOf({ counts: float64([terms], counts) }), {
      steps: 1000,
    });
    const { latent } = await call("encode", { counts: rows(counts, terms) });
    const { probabilities } = await call("decode", { latent: latent as never });
    const totals = Array.from({ length: documents }, (_, d) =>
      counts.slice(d * terms, (d + 1) * terms).reduce((sum, n) => sum + n, 0),
    );
    // NMF keeps the totals of documents at its optimum: the two differ by scale only.
    const ours = numbers(probabilities).map(
      (p, i) => p * (totals[Math.floor(i / terms)] as number),
    );
    const divergence = counts.reduce((sum, n, i) => {
      const m = ours[i] as number;
      return sum + (n > 0 ? n * Math.log(n / m) : 0) - n + m;
    }, 0);
    const best = divergences[0] as number;
    expect(Math.abs(divergence / best - 1)).toBeLessThan(1e-6);
    expect(relativeGap(product, ours)).toBeLessThan(1e-3);
  });
});
