// Training steps in jax-js on its WebAssembly backend: `jax-js.mjs FOLDER WORKLOAD`. Random data, the same models
// as the other peers; a step is one jitted function. Arrays are used up by what they are given to, so `.ref`
// stands wherever one is needed again.
import { pathToFileURL } from "node:url";
import { entryOf, say, timeSteps } from "./javascript.mjs";

const [folder, workload] = process.argv.slice(2);
const entry = entryOf(folder, "@jax-js/jax").replace(/\.cjs$/, ".js");
const jax = await import(pathToFileURL(entry).href);
const { numpy: np, nn, lax, valueAndGrad, jit } = jax;
await jax.init("wasm");
jax.defaultDevice("wasm");

/** Numbers of about the given deviation. */
const noise = (shape, deviation = 1) => {
  const count = shape.reduce((a, b) => a * b, 1);
  const draw = () => (Math.random() + Math.random() + Math.random() - 1.5) * 2 * deviation;
  return np.array(Float32Array.from({ length: count }, draw)).reshape(shape);
};
const filled = (shape, value) => np.full(shape, value);
const square = (x) => x.ref.mul(x);
const linear = (x, w, b) => np.matmul(x, w).add(b);
const softplus = (x) => nn.softplus(x);

/** One update of Adam, in the graph: [loss, parameters, moments]. `rate` has the bias correction in it. */
const adamStep = (loss, beta1) =>
  jit((params, first, second, rate, ...data) => {
    const [value, gradients] = valueAndGrad(loss)(
      params.map((p) => p.ref),
      ...data,
    );
    const m = first.map((old, i) => old.mul(beta1).add(gradients[i].ref.mul(1 - beta1)));
    const v = second.map((old, i) => old.mul(0.999).add(square(gradients[i]).mul(0.001)));
    const next = params.map((p, i) =>
      p.sub(m[i].ref.mul(rate.ref).div(np.sqrt(v[i].ref).add(1e-8))),
    );
    rate.dispose();
    return [value, next, m, v];
  });

/** A training of `params` with the given loss(params, ...data), data made anew for each step. */
function trainer(params, loss, data, { learningRate = 1e-3, beta1 = 0.9 } = {}) {
  const zeros = () => params.map((p) => filled(p.shape, 0));
  const state = { params, first: zeros(), second: zeros(), count: 0 };
  const update = adamStep(loss, beta1);
  return {
    state,
    step: async () => {
      state.count++;
      const correction = Math.sqrt(1 - 0.999 ** state.count) / (1 - beta1 ** state.count);
      const rate = np.array(learningRate * correction);
      const [value, ...next] = update(state.params, state.first, state.second, rate, ...data());
      [state.params, state.first, state.second] = next;
      const number = await value.jsAsync();
      if (!Number.isFinite(number)) throw new Error(`Error: the loss is ${number}`);
    },
  };
}

const same = [
  [1, 1],
  [1, 1],
];
const conv = (x, w, stride) => lax.convGeneralDilated(x, w, [stride, stride], same);
const channels = (b) => b.reshape([1, -1, 1, 1]);

const models = {
  "gaussian-vae": () => {
    const batch = 128;
    const shapes = [[784, 400], [400], [400, 20], [20], [400, 20], [20], [20, 400], [400]];
    const params = [...shapes, [400, 784], [784]].map((s) => noise(s, s.length > 1 ? 0.03 : 0));
    const x = noise([batch, 784], 0.2);
    const loss = (p, pixels, epsilon) => {
      const h = nn.relu(linear(pixels.ref, p[0], p[1]));
      const m = linear(h.ref, p[2], p[3]);
      const v = linear(h, p[4], p[5]);
      const z = m.ref.add(np.exp(v.ref.mul(0.5)).mul(epsilon));
      const logits = linear(nn.relu(linear(z, p[6], p[7])), p[8], p[9]);
      const crossEntropy = np.sum(softplus(logits.ref).sub(logits.mul(pixels)));
      const kl = np.sum(square(m).add(np.exp(v.ref)).sub(1).sub(v)).mul(0.5);
      return crossEntropy.add(kl).mul(1 / batch);
    };
    return trainer(params, loss, () => [x.ref, noise([batch, 20])]).step;
  },

  cnn: () => {
    const batch = 64;
    const shapes = [
      [32, 1, 3, 3],
      [32],
      [64, 32, 3, 3],
      [64],
      [64, 64, 3, 3],
      [64],
      [3136, 10],
      [10],
    ];
    const params = shapes.map((s) => noise(s, s.length > 1 ? 0.05 : 0));
    const x = noise([batch, 1, 28, 28]);
    const classes = np.array(Int32Array.from({ length: batch }, (_, i) => i % 10));
    const labels = nn.oneHot(classes, 10).astype(np.float32);
    const loss = (p, image, label) => {
      const layer = (h, i, stride) =>
        nn.relu(conv(h, p[2 * i], stride).add(channels(p[2 * i + 1])));
      const last = layer(layer(layer(image, 0, 1), 1, 2), 2, 2);
      const logits = linear(last.reshape([batch, 3136]), p[6], p[7]);
      return np.sum(nn.logSoftmax(logits).mul(label)).mul(-1 / batch);
    };
    return trainer(params, loss, () => [x.ref, labels.ref]).step;
  },

  dcgan: () => {
    const batch = 64;
    const norm = (h, scale, offset) => {
      const axes = h.ndim === 4 ? [0, 2, 3] : [0];
      const centred = h.ref.sub(np.mean(h, axes, { keepdims: true }));
      const variance = np.mean(square(centred.ref), axes, { keepdims: true });
      const unit = centred.div(np.sqrt(variance.add(1e-5)));
      return unit.mul(channels(scale)).add(channels(offset));
    };
    const affine = (n) => [filled([n], 1), filled([n], 0)];
    const discriminator = () => [
      ...[noise([64, 3, 4, 4], 0.02), noise([128, 64, 4, 4], 0.02), ...affine(128)],
      ...[noise([256, 128, 4, 4], 0.02), ...affine(256), noise([4096, 1], 0.02)],
    ];
    const generator = () => [
      ...[noise([100, 4096], 0.02), ...affine(256), noise([128, 256, 4, 4], 0.02), ...affine(128)],
      ...[noise([64, 128, 4, 4], 0.02), ...affine(64), noise([3, 64, 4, 4], 0.02)],
    ];
    const leaky = (h) => nn.leakyRelu(h, 0.2);
    const discriminate = (p, x) => {
      const h1 = leaky(conv(x, p[0], 2));
      const h2 = leaky(norm(conv(h1, p[1], 2), p[2], p[3]));
      const h3 = leaky(norm(conv(h2, p[4], 2), p[5], p[6]));
      return np.matmul(h3.reshape([batch, 4096]), p[7]);
    };
    const wide = [
      [2, 2],
      [2, 2],
    ];
    // The gradient of a convolution of stride 2 as a convolution of an image with gaps.
    const up = (x, w) => lax.convGeneralDilated(x, w, [1, 1], wide, { lhsDilation: [2, 2] });
    const generate = (p, z) => {
      const seed = np.matmul(z, p[0]).reshape([batch, 256, 4, 4]);
      const h1 = up(nn.relu(norm(seed, p[1], p[2])), p[3]);
      const h2 = up(nn.relu(norm(h1, p[4], p[5])), p[6]);
      return np.tanh(up(nn.relu(norm(h2, p[7], p[8])), p[9]));
    };
    const refs = (params) => params.map((p) => p.ref);
    const real = noise([batch, 3, 32, 32], 0.5);
    const latent = () => noise([batch, 100]);
    const paint = jit(generate);
    const dLoss = (p, x, fake) => {
      const realPart = np.mean(softplus(discriminate(refs(p), x).mul(-1)));
      return realPart.add(np.mean(softplus(discriminate(p, fake))));
    };
    const gLoss = (p, d, z) => np.mean(softplus(discriminate(d, generate(p, z)).mul(-1)));
    const options = { learningRate: 2e-4, beta1: 0.5 };
    const g = trainer(generator(), gLoss, () => [refs(d.state.params), latent()], options);
    const fakes = () => paint(refs(g.state.params), latent());
    const d = trainer(discriminator(), dLoss, () => [real.ref, fakes()], options);
    return async () => {
      await d.step();
      await g.step();
    };
  },
};

say({ ms: await timeSteps(models[workload]()), backend: "wasm" });
