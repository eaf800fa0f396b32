// Word and document vectors by noise contrast: against PyTorch and SciPy, how noise is drawn, and what is learned.
import { expect, it } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import { documentLoss, foldIn } from "../../src/methods/embedding/doc-vectors.ts";
import { countTokens, drawWords, noiseShares } from "../../src/methods/embedding/noise.ts";
import { skipGram, skipGramTerms } from "../../src/methods/embedding/skip-gram.ts";
import { buffer } from "../../src/nn/index.ts";
import { cast, constant, mean, stopGradient, sum } from "../../src/ops/index.ts";
import { item, type Tensor, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";
import { readGolden, readGoldenMeta } from "../golden/read.ts";

const golden = readGolden("embedding") as unknown as Record<string, Tensor>;
const meta = readGoldenMeta("embedding") as Record<
  "window" | "negatives" | "subsample" | "decay",
  number
>;
const given = (name: string): Value => constant(golden[name] as Tensor);
const near = (found: Tensor, name: string, tolerance: number): void => {
  const wanted = Array.from((golden[name] as Tensor).data as ArrayLike<number>);
  for (const [i, w] of wanted.entries()) {
    expect(Math.abs(Number(found.data[i]) - w), `${name}[${i}]`).toBeLessThan(tolerance);
  }
};

it.each(["negative-sampling", "nce"] as const)(
  "skip-gram by %s has PyTorch's loss and gradients, pair by pair",
  (objective) => {
    const { window, negatives, subsample } = meta;
    const options = skipGram.options.parse({ window, negatives, subsample, objective });
    const found = evaluate(
      trace(
        ({ u, v }) => {
          const [word, beside] = [{ weight: u as Value }, { weight: v as Value }];
          const model = { word, near: beside, counts: buffer(given("counts")) };
          const [counts, noise] = [given("counts"), given("noise")];
          const terms = skipGramTerms(model, options, given("tokens"), { counts, noise });
          const loss = sum(terms.loss).div(sum(terms.pairs));
          const [towardsU, towardsV] = gradients(loss, [u as Value, v as Value]);
          return { loss, u: towardsU as Value, v: towardsV as Value };
        },
        { u: golden.u as Tensor, v: golden.v as Tensor },
      ),
      { u: golden.u as Tensor, v: golden.v as Tensor },
    );
    near(found.loss, `${objective}.loss`, 2e-6);
    near(found.u, `${objective}.u`, 2e-6);
    near(found.v, `${objective}.v`, 2e-6);
  },
);

it("noise is drawn by counts to a power, and never what was not seen", () => {
  const counts = [8, 0, 1, 27];
  const draws = 20_000;
  const found = evaluate(
    trace(() => {
      const shares = noiseShares(constant(tensorOf(counts, [4])), 1 / 3);
      const words = drawWords(new Key("noise"), shares, draws);
      return { shares, drawn: countTokens(words, 4) };
    }, {}),
    {},
  );
  const wanted = [2 / 6, 0, 1 / 6, 3 / 6];
  for (const [word, share] of wanted.entries()) {
    expect(found.shares.data[word]).toBeCloseTo(share, 6);
    const error = Math.sqrt((share * (1 - share)) / draws);
    expect(Math.abs(Number(found.drawn.data[word]) / draws - share)).toBeLessThanOrEqual(4 * error);
  }
});

it("document vectors are the minima that SciPy finds", () => {
  const own = evaluate(
    trace(() => {
      const shares = cast(given("documents"), "float32");
      const problem = {
        shares: shares.div(sum(shares, 1, { keepDims: true })),
        noise: noiseShares(sum(shares, 0), 0.75).mul(meta.negatives),
        ...{ words: given("words"), decay: meta.decay },
      };
      const x = foldIn(problem, 150);
      return { x, loss: documentLoss(x, problem), few: documentLoss(foldIn(problem, 15), problem) };
    }, {}),
    {},
  );
  near(own.x, "vectors", 1e-3);
  near(own.loss, "minima", 2e-6);
  // A tenth of the steps is not quite there, from above.
  for (const [i, value] of Array.from(own.few.data as Float32Array).entries()) {
    const least = Number((golden.minima as Tensor).data[i]);
    expect(value - least).toBeGreaterThan(-2e-6);
    expect(value - least).toBeLessThan(0.05);
  }
});

it("at the minimum the gradient towards words needs none of the vectors", () => {
  const words = golden.words as Tensor;
  const lossAt = (by: number, withSlope: boolean): { loss: number; slope: number } => {
    // Along a direction that moves every word.
    const direction = Float32Array.from({ length: words.data.length }, (_, at) => Math.cos(at));
    const data = direction.map((d, at) => Number(words.data[at]) + by * d);
    const moved = { ...words, data } as Tensor;
    const found = evaluate(
      trace(
        ({ w }) => {
          const documents = cast(given("documents"), "float32");
          const problem = {
            shares: documents.div(sum(documents, 1, { keepDims: true })),
            noise: noiseShares(sum(documents, 0), 0.75).mul(meta.negatives),
            ...{ words: w as Value, decay: meta.decay },
          };
          const x = stopGradient(foldIn({ ...problem, words: stopGradient(w as Value) }, 60));
          const loss = mean(documentLoss(x, problem));
          return withSlope ? { loss, w: gradients(loss, [w as Value])[0] as Value } : { loss };
        },
        { w: moved },
      ),
      { w: moved },
    ) as { loss: Tensor; w?: Tensor };
    const towards = Array.from((found.w?.data ?? []) as ArrayLike<number>);
    return {
      loss: item(found.loss),
      slope: towards.reduce((s, g, at) => s + g * (direction[at] as number), 0),
    };
  };
  const difference = (lossAt(0.02, false).loss - lossAt(-0.02, false).loss) / 0.04;
  expect(lossAt(0, true).slope).toBeCloseTo(difference, 3);
});
