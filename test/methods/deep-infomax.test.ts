// The terms of Deep InfoMax against their formulas, and what they promise; against PyTorch: infomax-golden.test.ts.
import { describe, expect, it } from "vitest";
import { gradientTree } from "../../src/autodiff/index.ts";
import { deepInfomax } from "../../src/methods/mi/deep-infomax.ts";
import {
  coordinateTerm,
  dotScores,
  globalScores,
  informationTerm,
  otherPlaces,
  type Scores,
} from "../../src/methods/mi/infomax-loss.ts";
import { initDotCritic } from "../../src/methods/mi/infomax-network.ts";
import { drawNumbers, infomaxTerms, initInfomax } from "../../src/methods/mi/infomax-terms.ts";
import { Scope, variablesOf } from "../../src/nn/index.ts";
import { constant, greater, mean } from "../../src/ops/index.ts";
import { fit } from "../../src/run/index.ts";
import {
  dim,
  eachLeaf,
  fillNormal,
  item,
  leafMap,
  ReparamError,
  spec,
  type Tensor,
  type Tree,
  tensorOf,
} from "../../src/tensor/index.ts";
import { evaluate, Key, trace, uniform, type Value } from "../../src/trace/index.ts";

const image = [1, 16, 16] as const;

const optionsOf = (given: object = {}) => deepInfomax.options.parse({ latents: 8, ...given });

/** Scores of 4 images with 2 places: random ones, or the true pairs far above. */
function scoreSet(
  gap: number,
  kept: boolean,
): { scores: Scores; positive: number[]; negative: number[][] } {
  const numbers = (path: string, count: number): Float64Array => {
    const data = new Float64Array(count);
    fillNormal(data, { seed: 4, step: 0, path });
    return data;
  };
  const all = numbers("scores", 32); // (4, 4, 2)
  const at = (i: number, j: number, p: number): number =>
    (all[(i * 4 + j) * 2 + p] as number) + (i === j ? gap : 0);
  const positive = [0, 1, 2, 3].flatMap((i) => [at(i, i, 0), at(i, i, 1)]);
  const others = (i: number): number[] => [0, 1, 2, 3].filter((j) => kept || j !== i);
  const flat = [0, 1, 2, 3].flatMap((i) => others(i).flatMap((j) => [at(i, j, 0), at(i, j, 1)]));
  const mask = [0, 1, 2, 3].flatMap((i) => [0, 1, 2, 3].map((j) => Number(i !== j)));
  const make = (values: number[], shape: number[]): Value =>
    constant(tensorOf(values, shape, "float64"));
  return {
    scores: {
      positive: make(positive, [4, 2]),
      negative: make(flat, [4, others(0).length, 2]),
      ...(kept && { kept: greater(make(mask, [4, 4, 1]), 0.5) }),
    },
    positive,
    negative: [0, 1, 2, 3].map((i) =>
      [0, 1, 2, 3].filter((j) => j !== i).flatMap((j) => [at(i, j, 0), at(i, j, 1)]),
    ),
  };
}

describe("informationTerm", () => {
  const average = (values: readonly number[]): number =>
    values.reduce((s, v) => s + v, 0) / values.length;
  const softplus = (v: number): number => Math.log1p(Math.exp(v));

  it.each([true, false])("is each bound's formula, masked: %s", (kept) => {
    for (const objective of ["jsd", "dv", "infonce"] as const) {
      let expected = { positive: [] as number[], negative: [] as number[][] };
      const program = trace(() => {
        const { scores, ...numbers } = scoreSet(1, kept);
        expected = numbers;
        return { term: mean(informationTerm(objective, scores)) };
      }, {});
      const found = item(evaluate(program, {}).term);
      const { positive, negative } = expected;
      const formulas = {
        jsd: () =>
          average(positive.map((v) => softplus(-v))) + average(negative.flat().map(softplus)),
        dv: () => Math.log(average(negative.flat().map(Math.exp))) - average(positive),
        infonce: () =>
          average(
            positive.map((v, at) => {
              const place = at % 2;
              const rivals = (negative[Math.floor(at / 2)] as number[]).filter(
                (_, k) => k % 2 === place,
              );
              return Math.log(Math.exp(v) + rivals.reduce((s, r) => s + Math.exp(r), 0)) - v;
            }),
          ),
      };
      expect(found).toBeCloseTo(formulas[objective](), 10);
    }
  });

  it("at perfect scores is the least that the bound allows", () => {
    const terms = (["jsd", "infonce"] as const).map((objective) => {
      const program = trace(
        () => ({ term: mean(informationTerm(objective, scoreSet(300, true).scores)) }),
        {},
      );
      return item(evaluate(program, {}).term);
    });
    // Of jsd the negatives are near 0, so that half of it stays; InfoNCE is 0: the information is log 4.
    expect(terms[1]).toBeCloseTo(0, 10);
  });
});

describe("negatives", () => {
  const rows = 6;
  const scoresBy = (kind: "derangement" | "shuffle", count: number): number[] => {
    const given = {
      z: tensorOf(
        Array.from({ length: rows }, (_, i) => i + 1),
        [rows, 1],
      ),
    };
    const program = trace(({ z }) => {
      // A linear critic T(z, z') = z': the score names the other image.
      const layers = [{ weight: constant(tensorOf([0, 1], [2, 1])) }];
      const { negative } = globalScores(layers, z as Value, { kind, count, key: new Key("n") });
      return { negative };
    }, given);
    return Array.from(evaluate(program, given).negative.data as Float32Array);
  };

  it("of a derangement are never of the same image, and each image serves once", () => {
    const found = scoresBy("derangement", 3); // (6, 3, 1)
    for (const [at, other] of found.entries()) expect(other).not.toBe(Math.floor(at / 3) + 1);
    for (const k of [0, 1, 2]) {
      const column = found.filter((_, at) => at % 3 === k);
      expect(new Set(column).size).toBe(rows);
    }
  });

  it("of a shuffle are a permutation", () => {
    expect(scoresBy("shuffle", 1).sort()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("of the dot critic are all other images", () => {
    const given = {
      z: tensorOf(
        Array.from({ length: 12 }, (_, i) => Math.sin(i)),
        [4, 3],
      ),
    };
    const program = trace(({ z }) => {
      const critic = initDotCritic(new Key("critic"), 3);
      const { positive, negative, kept } = dotScores(critic, z as Value, z as Value);
      return { positive, negative, kept: kept as Value };
    }, given);
    const { positive, negative, kept } = evaluate(program, given);
    for (let i = 0; i < 4; i++) expect(negative.data[i * 5]).toBe(positive.data[i]);
    expect(
      Array.from(kept.data as Uint8Array, (k, at) => Number(k) === Number(at % 5 !== 0)),
    ).not.toContain(false);
  });
});

describe("local terms", () => {
  const numbers = (count: number, shape: number[]): Value =>
    constant(
      tensorOf(
        Float32Array.from({ length: count }, (_, i) => Math.sin(3 * i)),
        shape,
      ),
    );

  it("of coordinates are the cross-entropy of each place", () => {
    const [rows, places] = [2, 6];
    const { term } = evaluate(
      trace(
        () => ({ term: coordinateTerm(numbers(rows * places * places, [rows, places, 2, 3])) }),
        {},
      ),
      {},
    );
    for (let row = 0; row < rows; row++) {
      let wanted = 0;
      for (let place = 0; place < places; place++) {
        const logit = (k: number): number => Math.sin(3 * ((row * places + k) * places + place));
        const all = Array.from({ length: places }, (_, k) => Math.exp(logit(k)));
        wanted += (Math.log(all.reduce((s, v) => s + v)) - logit(place)) / places;
      }
      expect(Number(term.data[row])).toBeCloseTo(wanted, 5);
    }
  });

  it("of two places set every place beside another of the same image", () => {
    const map = tensorOf(
      Array.from({ length: 24 }, (_, i) => i % 6),
      [2, 2, 2, 3],
    );
    const { moved } = evaluate(
      trace(() => ({ moved: otherPlaces(constant(map), uniform(new Key("place"), [1])) }), {}),
      {},
    );
    const places = Array.from(moved.data as Float32Array).slice(0, 6);
    expect([...places].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    for (const [at, place] of places.entries()) expect(place).not.toBe(at);
    expect(Array.from(moved.data as Float32Array).slice(18)).toEqual(places);
  });

  it("of the dot critic compare the same place of all images", () => {
    const { positive, negative } = evaluate(
      trace(() => {
        const critic = initDotCritic(new Key("critic"), 3, [2, 2]);
        const map = numbers(24, [3, 2, 2, 2]);
        const { positive: own, negative: all } = dotScores(critic, map, map);
        return { positive: own, negative: all };
      }, {}),
      {},
    );
    expect(negative.shape).toEqual([3, 3, 4]);
    for (const image of [0, 1, 2]) {
      for (const place of [0, 1, 2, 3]) {
        const at = (image * 3 + image) * 4 + place;
        expect(negative.data[at]).toBe(positive.data[image * 4 + place]);
      }
    }
  });

  it.each([
    [[1, 28, 28], {}],
    [[3, 32, 32], { scales: 3, localLocalWeight: 1 }],
    [[3, 64, 48], { mapHalvings: 2, scales: 2, coordinateWeight: 1, critic: "dot" }],
  ] as const)("are made for images of %j", (size, given) => {
    const options = optionsOf({ latents: 4, ...given });
    const { terms } = trace(
      ({ x }) => {
        const model = initInfomax(new Key("init"), size, options);
        const scope = new Scope({ key: new Key("step"), train: true });
        const drawn = drawNumbers(scope.key, options, dim("B"));
        const found = infomaxTerms(model, options, { x: x as Value, drawn, scope });
        return {
          terms: Object.fromEntries(Object.entries(found).filter(([, v]) => v !== undefined)),
        };
      },
      { x: spec("float32", [dim("B"), ...size]) },
    ).outputs as unknown as { terms: Record<string, Value> };
    expect(Object.keys(terms)).toEqual(expect.arrayContaining(["global", "local", "prior"]));
    for (const term of Object.values(terms)) expect(term.rank).toBe(1);
  });
});

describe("training", () => {
  const bytes = Uint8Array.from({ length: 64 * 256 }, (_, i) => (i * i * 31) % 256);
  const split = {
    length: 64,
    columns: { image: { dtype: "uint8", shape: [1, 16, 16], data: bytes } },
  } as const;
  const shape = {
    columns: { image: { dtype: "uint8", shape: ["B", 1, 16, 16] as never } },
    ...{ trainSize: 64, batchSize: 16, classes: undefined },
  } as const;

  it.each([
    { objective: "infonce", critic: "dot" },
    { objective: "infonce", negativeCount: 4 },
    { objective: "dv", critic: "dot", localWeight: 0 },
    { objective: "dv", globalWeight: 0 },
    { objective: "jsd", critic: "dot", prior: "adversarial" },
    { negatives: "shuffle", prior: "adversarial" },
    { localLocalWeight: 1, coordinateWeight: 1 },
    { localLocalWeight: 1, critic: "dot", objective: "infonce", scales: 2 },
    { scales: 2, mapHalvings: 2, localLocalWeight: 1 },
  ])("runs with $objective $critic $prior $negatives", async (given) => {
    const method = deepInfomax.create(optionsOf(given), shape as never);
    const result = await fit({
      method,
      train: split,
      batchSize: 16,
      seed: 1,
      steps: 4,
      threads: 1,
      logEvery: 1,
    });
    for (const line of result.lines) {
      if (line.kind === "train")
        expect(Object.values(line.metrics).every(Number.isFinite)).toBe(true);
    }
    const paths = [...leafMap(result.state).keys()];
    expect(paths.some((path) => path.startsWith("params.global"))).toBe(!("globalWeight" in given));
    expect(paths.some((path) => path.startsWith("params.local"))).toBe(!("localWeight" in given));
  });

  it("moves only the discriminator by the adversarial prior's discriminator loss", () => {
    const options = optionsOf({ prior: "adversarial" });
    const program = trace(() => {
      const model = initInfomax(new Key("init"), image, options);
      const { params } = variablesOf(model);
      const scope = new Scope({ key: new Key("step"), train: true });
      const x = constant(
        tensorOf(
          Array.from({ length: 1024 }, (_, i) => Math.sin(i) ** 2),
          [4, 1, 16, 16],
        ),
      );
      const drawn = drawNumbers(scope.key, options, 4);
      const { prior, discriminator } = infomaxTerms(model, options, { x, drawn, scope });
      return {
        byPrior: gradientTree(mean(prior as Value), params),
        byDiscriminator: gradientTree(mean(discriminator as Value), params),
      };
    }, {});
    const { byPrior, byDiscriminator } = evaluate(program as never, {}) as unknown as Record<
      string,
      Tree<Tensor>
    >;
    const size = (tree: Tree<Tensor>, part: string): number => {
      let total = 0;
      eachLeaf(tree, (leaf, path) => {
        if (path.startsWith(part))
          for (const v of (leaf as Tensor).data) total += Math.abs(Number(v));
      });
      return total;
    };
    expect(size(byPrior as Tree<Tensor>, "prior")).toBe(0);
    expect(size(byPrior as Tree<Tensor>, "encoder")).toBeGreaterThan(0);
    expect(size(byDiscriminator as Tree<Tensor>, "prior")).toBeGreaterThan(0);
    expect(size(byDiscriminator as Tree<Tensor>, "encoder")).toBe(0);
  });

  it("refuses what cannot be learned, and says what to do", () => {
    const nothing = optionsOf({ globalWeight: 0, localWeight: 0 });
    expect(() => deepInfomax.create(nothing, shape as never)).toThrow(ReparamError);
    const many = optionsOf({ scales: 3, mapHalvings: 2 });
    expect(() => deepInfomax.create(many, shape as never)).toThrow(/scales 3: after 2 halvings/);
    const onePlace = { ...shape, columns: { image: { dtype: "uint8", shape: ["B", 1, 8, 12] } } };
    const coordinates = optionsOf({ coordinateWeight: 1 });
    expect(() => deepInfomax.create(coordinates, onePlace as never)).toThrow(/several places/);
    const small = { ...shape, columns: { image: { dtype: "uint8", shape: ["B", 1, 6, 16] } } };
    expect(() => deepInfomax.create(optionsOf(), small as never)).toThrow(
      /at least 8×8 pixels, got 6×16/,
    );
  });
});
