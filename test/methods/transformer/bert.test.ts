import { describe, expect, it } from "vitest";
import { bert } from "../../../src/methods/transformer/bert.ts";
import {
  corrupt,
  layoutOf,
  type Markers,
  markersOf,
  type PairTask,
  placesIn,
  segmentIds,
  segmentsOf,
  sequence,
} from "../../../src/methods/transformer/bert-inputs.ts";
import { cast } from "../../../src/ops/index.ts";
import { compileFunction, fit } from "../../../src/run/index.ts";
import { type Method, weightsOf } from "../../../src/step/index.ts";
import { type Tensor, type Tree, tensorOf } from "../../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../../src/trace/index.ts";
import { chains, shapeOf, splitOf, vocabulary } from "./setup.ts";

const special = { end: 50, pad: 51, unknown: 52, class: 53, separator: 54, mask: 55 };
const markers: Markers = markersOf({ vocabulary: 56, context: 20, special });

const onHost = (tokens: Tensor, build: (tokens: Value) => Record<string, Value>) =>
  evaluate(
    trace((given) => build(given), tokens),
    tokens,
    { seed: 9, step: 0 },
  ) as unknown as Record<string, Tensor>;

const rowsOf = ({ data, shape }: Tensor): number[][] => {
  const width = shape[1] as number;
  return Array.from({ length: shape[0] as number }, (_, i) =>
    Array.from(data.slice(i * width, (i + 1) * width) as ArrayLike<number | bigint>, Number),
  );
};

describe("masking", () => {
  const [rows, n] = [400, 40] as const;
  // Every text is 0 … 39 plus its row, so that what a place held is known.
  const ids = Int32Array.from({ length: rows * n }, (_, i) => ((i % n) + Math.floor(i / n)) % 50);
  const text: Tensor = { dtype: "int32", shape: [rows, n], data: ids };
  const result = onHost(text, (given) => ({ ...corrupt(given, markers, 0.15, new Key("c")) }));
  const [shown, at, target] = [result.text!, result.at!, result.target!].map(rowsOf);

  it("asks for as many different places in every row, and for what was there", () => {
    for (const [b, places] of at!.entries()) {
      expect(new Set(places).size).toBe(6);
      expect(target![b]).toEqual(places.map((i) => (i + b) % 50));
    }
  });

  it("shows [MASK] at 80 % of them, any token at 10 %, and leaves all others", () => {
    const counts = { masked: 0, kept: 0, random: 0, marker: 0, unasked: 0 };
    for (const [b, row] of shown!.entries()) {
      for (const [i, id] of row.entries()) {
        const own = (i + b) % 50;
        if (id !== markers.mask && id >= 50) counts.marker++;
        if (!at![b]!.includes(i)) counts.unasked += id === own ? 0 : 1;
        else if (id === markers.mask) counts.masked++;
        else if (id === own) counts.kept++;
        else counts.random++;
      }
    }
    expect([counts.marker, counts.unasked]).toEqual([0, 0]);
    // Of 2400: within four standard deviations; a random token is its own one time in 50.
    expect(Math.abs(counts.masked - 0.8 * 2400)).toBeLessThan(4 * Math.sqrt(2400 * 0.16));
    expect(Math.abs(counts.kept - 0.102 * 2400)).toBeLessThan(4 * Math.sqrt(2400 * 0.09));
    expect(Math.abs(counts.random - 0.098 * 2400)).toBeLessThan(4 * Math.sqrt(2400 * 0.09));
  });

  it("chooses every place as often as others", () => {
    const counts = new Array<number>(n).fill(0);
    for (const i of at!.flat()) counts[i]!++;
    for (const count of counts) expect(Math.abs(count - 60)).toBeLessThan(4.5 * Math.sqrt(51));
  });
});

describe("pairs", () => {
  // Row b holds 100·b + 0 … 100·b + 20.
  const windows = tensorOf(
    Array.from({ length: 200 * 21 }, (_, i) => 100 * Math.floor(i / 21) + (i % 21)),
    [200, 21],
    "int32",
  );
  const layout = layoutOf(20, true);
  const pairsOf = (task: PairTask): { row: number[]; broken: number }[] => {
    const result = onHost(windows, (given) => {
      const { segments, broken } = segmentsOf(given, layout, task, new Key("p"));
      return { tokens: sequence(segments, markers), broken: cast(broken!, "int32") };
    });
    const broken = [...(result.broken!.data as Int32Array)];
    return rowsOf(result.tokens!).map((row, i) => ({ row, broken: broken[i]! }));
  };
  const halves = (row: number[]): [number[], number[]] => [row.slice(1, 9), row.slice(10, 18)];
  const count = (from: number): number[] => Array.from({ length: 8 }, (_, i) => from + i);

  it("are [CLS] A [SEP] B [SEP]", () => {
    for (const { row } of pairsOf("sentence-order")) {
      expect([row.length, row[0], row[9], row[18]]).toEqual([19, 53, 54, 54]);
    }
    const ids = onHost(windows, () => ({ ids: segmentIds(layout) })).ids!;
    expect([...(ids.data as Int32Array)]).toEqual([
      ...new Array(10).fill(0),
      ...new Array(9).fill(1),
    ]);
  });

  it("of sentence order: exchanged where they are called broken", () => {
    const pairs = pairsOf("sentence-order");
    for (const [b, { row, broken }] of pairs.entries()) {
      const inOrder = [count(100 * b), count(100 * b + 8)];
      expect(halves(row)).toEqual(broken === 1 ? inOrder.reverse() : inOrder);
    }
    const share = pairs.filter(({ broken }) => broken === 1).length / 200;
    expect(Math.abs(share - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / 200));
  });

  it("of next sentences: the second from another row where they are called broken", () => {
    for (const [b, { row, broken }] of pairsOf("next-sentence").entries()) {
      const other = broken === 1 ? (b + 199) % 200 : b;
      expect(halves(row)).toEqual([count(100 * b), count(100 * other + 8)]);
    }
  });

  it("places of the text are found behind the markers", () => {
    const at = tensorOf(
      Array.from({ length: 16 }, (_, i) => i),
      [1, 16],
      "int32",
    );
    const places = onHost(at, (given) => ({ at: placesIn(given, layout) })).at!;
    expect(rowsOf(places)[0]).toEqual([...count(1), ...count(10)]);
  });
});

it("a tokenizer without markers gets some", () => {
  expect(markersOf({ vocabulary: 11, context: 20, special: undefined })).toEqual({
    ...{ class: 11, separator: 12, mask: 13, text: 11, vocabulary: 14 },
  });
});

describe("bert", () => {
  const context = 12;
  const create = (chosen: object): Method =>
    bert.create(
      bert.options.parse({ layers: 1, width: 16, heads: 2, warmupSteps: 10, ...chosen }),
      shapeOf(context),
    );
  const trained = async (method: Method, steps: number): Promise<Tree<Tensor>> => {
    const train = splitOf(chains(256, context));
    const { state } = await fit({ method, train, batchSize: 16, seed: 3, steps, threads: 1 });
    return weightsOf(method, state);
  };

  it("finds masked tokens, and does not see padding", async () => {
    const method = create({
      ...{
        pairs: "none",
        positions: "relative",
        normPlacement: "pre",
        learningRate: 1e-2,
        maskRate: 0.3,
      },
    });
    const weights = await trained(method, 200);
    const fill = await compileFunction(method, "fill", weights, { threads: 1 });
    const [first, last, mask] = [vocabulary, vocabulary + 1, vocabulary + 2];
    const shown = [first, 2, 3, mask, 5, 6, mask, 8, last];
    const token = tensorOf(shown, [1, 9], "int32");
    const { logits } = await fill.run({ token });
    const likeliest = rowsOf({ ...logits!, shape: [9, vocabulary + 3] }).map((row) =>
      row.indexOf(Math.max(...row)),
    );
    expect([likeliest[3], likeliest[6]]).toEqual([4, 7]);
    const padded = await fill.run({
      token: tensorOf([...shown, 1, 1, 1], [1, 12], "int32"),
      visible: tensorOf([...new Array(9).fill(1), 0, 0, 0], [1, 12], "int32"),
    });
    await fill.release();
    for (const [i, value] of (logits!.data as Float32Array).entries()) {
      expect(padded.logits!.data[i]).toBeCloseTo(value, 4);
    }
  });

  it("refuses what cannot be: other rows in batches of one, windows too short for a pair", () => {
    const options = bert.options.parse({ pairs: "next-sentence" });
    expect(() => bert.create(options, shapeOf(context, 1))).toThrow(/batches of one/);
    expect(() => bert.create(options, shapeOf(5))).toThrow(/at least 8 tokens/);
  });
});
