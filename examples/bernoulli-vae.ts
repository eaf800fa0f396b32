// Images as 200 bits: a binary autoencoder on MNIST, its gradient once by the relaxation and once by REBAR.
// npx tsx examples/bernoulli-vae.ts
import { writeFile } from "node:fs/promises";
import { encodePng, imageGrid, train } from "reparam";

for (const estimator of ["gumbel-softmax", "rebar"]) {
  const vae = await train("bernoulli-vae", {
    data: "mnist",
    epochs: 1,
    options: { estimator, learningRate: 3e-3 },
    onProgress: ({ step, metrics }) => step % 200 === 0 && console.log(step, metrics.loss),
  });
  const { negativeElbo } = (await vae.evaluate("test")).metrics;
  console.log(`${estimator}: −ELBO of the test images ${negativeElbo?.toFixed(2)} nats`);
  const { image } = await vae.call<"image">("sample", {}, { count: 64 });
  await writeFile(`bits-${estimator}.png`, await encodePng(imageGrid(image)));
}
