// Rewards that only the host knows: an image of coins that learns to fall into many areas, and a classifier of
// digits that is told whether its guess was right, and nothing else.
// npx tsx examples/black-box-reward.ts
import { writeFile } from "node:fs/promises";
import { dim, encodePng, fit, imageGrid, type Method, modelOf, tensorOf, weightsOf } from "reparam";
import { loadDataset, makeSplit } from "reparam/data";
import { Bernoulli, Independent, OneHotCategorical } from "reparam/distributions";
import { scoreSurrogate } from "reparam/estimators";
import { initLinear, type LinearParams, linear } from "reparam/nn";
import { cast, flatten, full, mean, relu } from "reparam/ops";
import { adam } from "reparam/optim";
import { compileFunction } from "reparam/run";
import { gradientWeights, hostStep } from "reparam/step";
import type { Value } from "reparam/trace";

const leaveOneOut = { kind: "leave-one-out" } as const;

// 1. The score of an image is the number of its connected areas: no gradient, and not even nearly smooth.
const [side, samples] = [12, 32];

function areas(image: readonly number[]): number {
  const seen = new Set<number>();
  const visit = (i: number): number => {
    if (image[i] !== 1 || seen.has(i)) return 0;
    seen.add(i);
    if (i % side > 0) visit(i - 1);
    if (i % side < side - 1) visit(i + 1);
    visit(i - side);
    visit(i + side);
    return 1;
  };
  return image.reduce((count, _, i) => count + visit(i), 0);
}

type Coins = { readonly logits: Value };
const coins = ({ logits }: Coins) => Independent(Bernoulli({ logits }));
const image = hostStep<Coins>({
  init: () => ({ logits: full([side * side], 0) }),
  draw: (model, _batch, scope) => ({ z: coins(model).sample(scope.key.at("z"), [samples]) }),
  host: ({ z }) => {
    const pixels = Array.from(z?.data ?? [], Number);
    const scores = Array.from({ length: samples }, (_, i) =>
      areas(pixels.slice(i * side ** 2, (i + 1) * side ** 2)),
    );
    return { rewards: tensorOf(scores, [samples]) };
  },
  returns: { rewards: { dtype: "float32", shape: [samples] } },
  loss: (model, { drawn, returned }) => {
    const given = { q: coins(model), z: drawn.z as Value, rewards: returned.rewards as Value };
    return { loss: scoreSurrogate({ ...given, baseline: leaveOneOut }).surrogate.neg() };
  },
  optimizer: adam({ learningRate: 0.05 }),
  iterations: 600,
});

const search: Method = {
  name: "areas",
  phases: [image],
  weights: gradientWeights,
  functions: {
    sample: {
      summary: "the likeliest image",
      inputs: {},
      exported: true,
      build: (weights) => ({ logits: modelOf<Coins>(weights).logits }),
    },
  },
};
// Nothing reads this row: a search has no data.
const nothing = makeSplit({ row: { dtype: "float32", shape: [], data: new Float32Array(1) } });
const found = await fit({ method: search, train: nothing, batchSize: 1, seed: 0, steps: 1 });
const best = await compileFunction(search, "sample", weightsOf(search, found.state));
const { logits } = await best.run({});
await best.release();
const lit = Array.from(logits?.data ?? [], Number).map((x) => (x > 0 ? 1 : 0));
const chess = side ** 2 / 2;
console.log(`${areas(lit)} areas; a chessboard has ${chess}`);
await writeFile(
  "areas.png",
  await encodePng(imageGrid(tensorOf(lit, [1, 1, side, side]), { scale: 16 })),
);

// 2. A contextual bandit: the model guesses a digit, the host says 1 or 0. Labels never enter a graph.
const B = dim("B");
type Policy = { readonly hidden: LinearParams; readonly output: LinearParams };
const guesses = ({ hidden, output }: Policy, bytes: Value | undefined) => {
  const x = flatten(cast(bytes as Value, "float32").mul(1 / 255));
  return OneHotCategorical({ logits: linear(output, relu(linear(hidden, x))) });
};
const tries = 4;
const policy = hostStep<Policy>({
  batch: { image: { dtype: "uint8", shape: [B, 1, 28, 28] } },
  init: (key) => ({
    hidden: initLinear(key.at("hidden"), 784, 100),
    output: initLinear(key.at("output"), 100, 10),
  }),
  draw: (model, batch, scope) => ({
    z: guesses(model, batch.image).sample(scope.key.at("z"), [tries]),
  }),
  host: ({ z }, { batch }) => {
    const labels = Array.from(batch.label?.data ?? [], Number);
    const guess = Array.from(z?.data ?? [], Number);
    const rewards = Array.from({ length: tries * labels.length }, (_, i) =>
      Number(guess[10 * i + (labels[i % labels.length] as number)] === 1),
    );
    return { rewards: tensorOf(rewards, [tries, labels.length]) };
  },
  returns: { rewards: { dtype: "float32", shape: [tries, B] } },
  loss: (model, { drawn, returned, batch }) => {
    const q = guesses(model, batch.image);
    const given = { q, z: drawn.z as Value, rewards: returned.rewards as Value };
    return { loss: mean(scoreSurrogate({ ...given, baseline: leaveOneOut }).surrogate).neg() };
  },
  optimizer: adam({ learningRate: 1e-3 }),
});

const { train } = await loadDataset("mnist");
const learned = await fit({
  method: { name: "guess", phases: [policy], weights: gradientWeights, functions: {} },
  ...{ train, batchSize: 100, seed: 0, epochs: 1, logEvery: 100 },
});
for (const line of learned.lines) {
  if (line.kind !== "train") continue;
  const share = -(line.metrics.loss as number) * 100;
  console.log(`step ${line.step}: ${share.toFixed(1)} % of the guesses are right`);
}
