// One objective under several gradient estimators by name; then an objective that has no gradient at all: the size
// of an image as a PNG file, by the score function.
// npx tsx examples/gradient-estimators.ts
import { writeFile } from "node:fs/promises";
import { compile, encodePng, gradientTree, Key, type Tensor, tensorOf, type Value } from "reparam";
import { gradients } from "reparam/autodiff";
import { Bernoulli, Independent } from "reparam/distributions";
import { estimate, estimatorsFor, scoreSurrogate } from "reparam/estimators";
import { hold } from "reparam/onnx";
import { full, sum } from "reparam/ops";
import { adam, applyUpdates } from "reparam/optim";
import { evaluate, trace } from "reparam/trace";

// Three coins, f = (number of heads − 1)²: what each estimator says of the gradient, by 10,000 samples.
const coins = (logits: Value) => Independent(Bernoulli({ logits }));
const heads = (z: Value): Value => sum(z, -1).sub(1).square();
const logits = tensorOf([0.5, 0, -0.5], [3]);
const program = await compile(
  ({ x }) => {
    const names = estimatorsFor(coins(x), "objective").filter((name) => name !== "relax");
    const gradientBy = names.map((name) => {
      const samples = name === "exact" ? {} : { samples: 10_000 };
      const { surrogate } = estimate(name, coins(x), heads, { key: new Key(name), ...samples });
      return [name, gradients(surrogate, [x])[0] as Value] as const;
    });
    return Object.fromEntries(gradientBy);
  },
  { x: logits },
);
for (const [name, { data }] of Object.entries(await program.run({ x: logits }))) {
  console.log(name.padEnd(18), Array.from(data as Float32Array, (v) => v.toFixed(3)).join("  "));
}

// An image of 16 × 16 coins that wants a small file, and half of its pixels white. Only the host knows the size.
const [side, samples] = [16, 64];
const optimizer = adam({ learningRate: 0.2 });
const start = evaluate(
  trace(() => {
    const params = { logits: full([side * side], 0) };
    return { params, optimizer: optimizer.init(params) };
  }, {}),
  {},
);
const draw = await compile(({ x }) => ({ z: coins(x).sample(new Key("pixels"), [samples]) }), {
  x: start.params.logits,
});
const learn = await compile(
  ({ state, z, rewards }) => {
    const { params } = state;
    const baseline = { kind: "leave-one-out" } as const;
    const { surrogate } = scoreSurrogate({ q: coins(params.logits), z, rewards, baseline });
    const step = optimizer.update(gradientTree(surrogate.neg(), params), state.optimizer, params);
    return {
      state: { params: applyUpdates(params, step.updates), optimizer: step.state },
      reward: surrogate,
    };
  },
  {
    state: start,
    z: tensorOf(new Float32Array(samples * side * side), [samples, side * side]),
    rewards: tensorOf(new Float32Array(samples), [samples]),
  },
);

const picture = (pixels: ArrayLike<number>) =>
  encodePng({
    ...{ width: side, height: side, channels: 1 },
    pixels: Uint8Array.from(pixels, (v) => 255 * v),
  });

async function rewardOf(pixels: Float32Array): Promise<number> {
  const white = pixels.reduce((s, v) => s + v, 0) / pixels.length;
  return -(await picture(pixels)).length - 400 * (white - 0.5) ** 2;
}

let state = hold(start);
for (let step = 0; step < 300; step++) {
  const { params } = state.read(start) as typeof start;
  const { z } = await draw.run({ x: params.logits }, { seed: 0, step });
  const rows = Array.from({ length: samples }, (_, i) =>
    (z.data as Float32Array).slice(i * side * side, (i + 1) * side * side),
  );
  const rewards = tensorOf(await Promise.all(rows.map(rewardOf)), [samples]);
  const result = await learn.run({ state, z, rewards });
  ({ state } = result);
  if (step % 50 === 0)
    console.log(`step ${step}: reward ${Number(result.reward.data[0]).toFixed(1)}`);
}
const { params } = state.read(start) as { params: { logits: Tensor } };
const final = Float32Array.from(params.logits.data as Float32Array, (v) => (v > 0 ? 1 : 0));
console.log(`likeliest image: ${(await picture(final)).length} bytes of PNG`);
await writeFile("small-file.png", await picture(final));
