// Training steps in TensorFlow.js: `tfjs-wasm.mjs FOLDER WORKLOAD`. On its WebAssembly backend; on its plain
// JavaScript one where that has no kernel. Random data, the same models as the other peers, channels last.
import { createRequire } from "node:module";
import { entryOf, say, timeSteps } from "./javascript.mjs";

const [folder, workload] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const silent = console.warn;
console.warn = () => {};
const tf = require(entryOf(folder, "@tensorflow/tfjs"));
require(entryOf(folder, "@tensorflow/tfjs-backend-wasm"));
console.warn = silent;

const variable = (shape, deviation = 0.02) =>
  tf.variable(deviation === 0 ? tf.zeros(shape) : tf.randomNormal(shape, 0, deviation));
const ones = (shape) => tf.variable(tf.ones(shape));

const models = {
  "gaussian-vae": () => {
    const batch = 128;
    const layer = (a, b) => [variable([a, b]), variable([b], 0)];
    const [hidden, mean, logVariance] = [layer(784, 400), layer(400, 20), layer(400, 20)];
    const [back, pixels] = [layer(20, 400), layer(400, 784)];
    const linear = (x, [w, b]) => x.matMul(w).add(b);
    const adam = tf.train.adam(1e-3);
    const x = tf.randomUniform([batch, 784]);
    const loss = () => {
      const h = linear(x, hidden).relu();
      const [m, v] = [linear(h, mean), linear(h, logVariance)];
      const z = m.add(
        v
          .mul(0.5)
          .exp()
          .mul(tf.randomNormal([batch, 20])),
      );
      const logits = linear(linear(z, back).relu(), pixels);
      const crossEntropy = tf.softplus(logits).sub(logits.mul(x)).sum();
      const kl = m.square().add(v.exp()).sub(1).sub(v).sum().mul(0.5);
      return crossEntropy.add(kl).div(batch);
    };
    return () => adam.minimize(loss, true);
  },

  cnn: () => {
    const batch = 64;
    const kernels = [
      [1, 32, 1],
      [32, 64, 2],
      [64, 64, 2],
    ].map(([a, b, stride]) => [variable([3, 3, a, b], 0.1), variable([b], 0), stride]);
    const [w, b] = [variable([64 * 49, 10]), variable([10], 0)];
    const adam = tf.train.adam(1e-3);
    const x = tf.randomUniform([batch, 28, 28, 1]);
    const labels = tf.oneHot(tf.randomUniform([batch], 0, 10, "int32"), 10).toFloat();
    const loss = () => {
      const last = kernels.reduce(
        (h, [kernel, bias, stride]) => tf.conv2d(h, kernel, stride, "same").add(bias).relu(),
        x,
      );
      const logits = last.reshape([batch, -1]).matMul(w).add(b);
      return tf.logSoftmax(logits).mul(labels).sum(-1).mean().neg();
    };
    return () => adam.minimize(loss, true);
  },

  dcgan: () => {
    const batch = 64;
    const norm = (h, [scale, offset]) => {
      const axes = h.shape.map((_, i) => i).slice(0, -1);
      const { mean, variance } = tf.moments(h, axes, true);
      return h.sub(mean).div(variance.add(1e-5).sqrt()).mul(scale).add(offset);
    };
    const affine = (n) => [ones([n]), variable([n], 0)];
    const d = {
      kernels: [variable([4, 4, 3, 64]), variable([4, 4, 64, 128]), variable([4, 4, 128, 256])],
      norms: [undefined, affine(128), affine(256)],
      score: variable([4 * 4 * 256, 1]),
    };
    const g = {
      dense: variable([100, 4 * 4 * 256]),
      norms: [affine(256), affine(128), affine(64)],
      kernels: [variable([4, 4, 128, 256]), variable([4, 4, 64, 128]), variable([4, 4, 3, 64])],
    };
    const discriminate = (x) => {
      const last = d.kernels.reduce((h, kernel, i) => {
        const y = tf.conv2d(h, kernel, 2, "same");
        return tf.leakyRelu(d.norms[i] === undefined ? y : norm(y, d.norms[i]), 0.2);
      }, x);
      return last.reshape([batch, -1]).matMul(d.score);
    };
    const generate = (z) => {
      const seed = z.matMul(g.dense).reshape([batch, 4, 4, 256]);
      const last = g.kernels.reduce((h, kernel, i) => {
        const [size, channels] = [8 * 2 ** i, kernel.shape[2]];
        const y = norm(h, g.norms[i]).relu();
        return tf.conv2dTranspose(y, kernel, [batch, size, size, channels], 2, "same");
      }, seed);
      return last.tanh();
    };
    const latent = () => tf.randomNormal([batch, 100]);
    const variablesOf = (tree) => Object.values(tree).flat(2).filter(Boolean);
    const [dAdam, gAdam] = [tf.train.adam(2e-4, 0.5), tf.train.adam(2e-4, 0.5)];
    const real = tf.randomUniform([batch, 32, 32, 3], -1, 1);
    return () => {
      const fake = tf.tidy(() => generate(latent()));
      const dLoss = () =>
        tf
          .softplus(discriminate(real).neg())
          .mean()
          .add(tf.softplus(discriminate(fake)).mean());
      const first = dAdam.minimize(dLoss, true, variablesOf(d));
      const gLoss = () => tf.softplus(discriminate(generate(latent())).neg()).mean();
      gAdam.minimize(gLoss, true, variablesOf(g)).dispose();
      fake.dispose();
      return first;
    };
  },
};

async function timeOn(backend) {
  await tf.setBackend(backend);
  await tf.ready();
  const step = models[workload]();
  const ms = await timeSteps(async () => {
    const loss = step();
    const [value] = await loss.data();
    loss.dispose();
    if (!Number.isFinite(value)) throw new Error(`Error: the loss is ${value}`);
  });
  return { ms, backend };
}

try {
  say(await timeOn("wasm"));
} catch (error) {
  const missing = /[Kk]ernel '?(\w+)'? not registered/.exec(String(error))?.[1];
  if (missing === undefined) throw error;
  say({ backend: "wasm", missing });
  say({ ...(await timeOn("cpu")), missing });
}
