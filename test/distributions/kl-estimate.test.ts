// Every pair of the table of divergences against an estimate from samples, and the estimate itself.
import { describe, expect, it } from "vitest";
import { checkGradient, gradients } from "../../src/autodiff/index.ts";
import {
  Bernoulli,
  bijectors,
  type Distribution,
  Independent,
  kl,
  klPairs,
  Laplace,
  Logistic,
  LogNormal,
  monteCarloKl,
  Normal,
  Transformed,
} from "../../src/distributions/index.ts";
import { sum } from "../../src/ops/index.ts";
import { type Tensor, type TensorSpec, tensorOf } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";
import type { Entry } from "./entry.ts";
import { numbers, run } from "./measure.ts";
import { table } from "./table.ts";

/** Entries of two families with batches and events of the same shapes. */
function entriesOf(first: string, second: string): readonly [Entry, Entry] {
  const shapes = (entry: Entry): string =>
    JSON.stringify(
      run(entry, (p) => ({ mean: p.logProb(p.sample(new Key("x"))), x: p.sample(new Key("y")) })).x
        .shape,
    );
  const [left, right] = [first, second].map((name) => table.filter((e) => e.factory === name));
  for (const p of left!) {
    const q = right!.find((entry) => shapes(entry) === shapes(p));
    if (q !== undefined) return [p, q];
  }
  throw new Error(`The table has no entries of ${first} and ${second} with equal shapes.`);
}

/** Both distributions from all parameters; those of the second are a little larger. */
const pairOf =
  (p: Entry, q: Entry) =>
  (...xs: Value[]): readonly [Distribution, Distribution] => {
    const count = p.parameters.length;
    return [p.make(...xs.slice(0, count)), q.make(...xs.slice(count).map((x) => x.mul(1.1)))];
  };

describe.each(klPairs())("kl of %s from %s", (first, second) => {
  const [p, q] = entriesOf(first, second);
  const parameters = [...p.parameters, ...q.parameters];
  const both = pairOf(p, q);

  it("is the mean of log p − log q, with the gradient of central differences", () => {
    const program = trace(
      (xs) => {
        const [one, other] = both(...(xs as Value[]));
        const estimate = monteCarloKl(one, other, { key: new Key("x"), samples: 2000 });
        return { exact: kl(one, other), ...estimate };
      },
      parameters as readonly TensorSpec[],
    );
    const { exact, value, standardError } = evaluate(program, parameters) as Record<string, Tensor>;
    expect(exact!.shape).toEqual(value!.shape);
    for (const [i, divergence] of numbers(exact!).entries()) {
      const estimate = numbers(value!)[i]!;
      if (divergence === estimate) continue; // infinite
      expect(divergence).toBeGreaterThan(0);
      const allowed = 5 * numbers(standardError!)[i]! + 1e-12;
      expect(Math.abs(divergence - estimate)).toBeLessThan(allowed);
    }
    if (!numbers(exact!).every(Number.isFinite)) return;
    const f = (...xs: Value[]): Value => sum(kl(...both(...xs)));
    expect(checkGradient(f, parameters).error).toBeLessThan(1e-7);
  });
});

const a = tensorOf([0.3, -0.8], [2], "float64");
const b = tensorOf([-0.2, 0.4], [2], "float64");
const fallback = { key: new Key("kl"), samples: 4000 };

const evaluated = (
  build: (x: Value, y: Value) => Record<string, Value>,
  seed = 0,
): Record<string, Tensor> =>
  evaluate(
    trace(({ a, b }) => build(a, b), { a, b }),
    { a, b },
    { seed, step: 0 },
  );

describe("kl of combined distributions", () => {
  const pair = (x: Value): Normal => Normal({ mean: x, std: 0.6 });

  it("does not change under a bijector in common", () => {
    const power = bijectors.power(2);
    const found = evaluated((x, y) => ({
      base: kl(pair(x), pair(y)),
      exp: kl(Transformed(pair(x), bijectors.exp), Transformed(pair(y), bijectors.exp)),
      logNormal: kl(LogNormal({ location: x, scale: 0.6 }), LogNormal({ location: y, scale: 0.6 })),
      twice: kl(
        Transformed(Transformed(pair(x), bijectors.exp), power),
        Transformed(LogNormal({ location: y, scale: 0.6 }), bijectors.power(2)),
      ),
    }));
    for (const name of ["exp", "logNormal", "twice"]) {
      expect(numbers(found[name]!)).toEqual(numbers(found.base!));
    }
  });

  it("needs equal parameters of the bijector", () => {
    expect(() =>
      evaluated((x, y) => {
        const by = (shift: number) => bijectors.affine({ shift });
        return { kl: kl(Transformed(pair(x), by(1)), Transformed(pair(y), by(2))) };
      }),
    ).toThrow(/Transformed\(Normal\) from Transformed\(Normal\) has no closed form/);
  });

  it("adds up over independent parts of different families", () => {
    const found = evaluated((x, y) => {
      const q = Normal({ mean: y, std: 2 });
      return {
        parts: sum(kl(Laplace({ location: x, scale: 1 }), q)),
        whole: kl(Independent(Laplace({ location: x, scale: 1 })), Independent(q)),
      };
    });
    expect(numbers(found.whole!)).toEqual(numbers(found.parts!));
  });
});

describe("the estimate of kl", () => {
  const logistic = (x: Value): Logistic => Logistic({ location: x, scale: 1 });

  it("stands in where it is asked to, and says so", () => {
    expect(() => evaluated((x, y) => ({ kl: kl(logistic(x), logistic(y)) }))).toThrow(
      /Logistic from Logistic has no closed form\. Average .* as monteCarloKl does/,
    );
    evaluated((x, y) => {
      const estimated = kl(logistic(x), logistic(y), { fallback });
      expect(estimated.standardError?.shape).toEqual([2]);
      const exact = kl(Laplace({ location: x, scale: 1 }), Laplace({ location: y, scale: 1 }), {
        fallback,
      });
      expect(exact.standardError).toBeUndefined();
      return { estimated: estimated.value, exact: exact.value };
    });
  });

  it("refuses a single sample", () => {
    expect(() =>
      evaluated((x, y) => ({
        kl: monteCarloKl(logistic(x), logistic(y), { ...fallback, samples: 1 }).value,
      })),
    ).toThrow(/^monteCarloKl: wants at least 2 samples, got 1/);
  });

  it.each([
    ["through samples", (x: Value) => Normal({ mean: x, std: 0.7 })],
    ["by the score function", (x: Value) => Bernoulli({ logits: x })],
  ] as const)("has an unbiased gradient %s", (_name, make) => {
    const trials = 30;
    const gradient = (estimate: boolean, seed: number): number[] =>
      numbers(
        evaluated((x, y) => {
          const [p, q] = [make(x), make(y)];
          const loss = estimate
            ? monteCarloKl(p, q, { key: new Key("x"), samples: 400 }).value
            : kl(p, q);
          return { gradient: gradients(sum(loss), [x])[0]! };
        }, seed).gradient!,
      );
    const exact = gradient(false, 0);
    const found = Array.from({ length: trials }, (_, seed) => gradient(true, seed));
    for (const [i, wanted] of exact.entries()) {
      const values = found.map((g) => g[i]!);
      const mean = values.reduce((s, v) => s + v, 0) / trials;
      const squares = values.reduce((s, v) => s + (v - mean) ** 2, 0) / (trials - 1);
      expect(Math.abs(mean - wanted)).toBeLessThan(4 * Math.sqrt(squares / trials));
    }
  });
});
