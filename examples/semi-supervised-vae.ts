// Digits from 100 labels: once from the labelled images alone, once with 55,000 images without labels.
// npx tsx examples/semi-supervised-vae.ts
import { writeFile } from "node:fs/promises";
import { encodePng, imageGrid, train } from "reparam";

for (const unlabelled of [false, true]) {
  const model = await train("semi-supervised-vae", {
    data: "mnist",
    epochs: 2,
    options: { labels: 100, unlabelled, estimator: "gumbel-softmax" },
    onProgress: ({ step, metrics }) => step % 200 === 0 && console.log(step, metrics.loss),
  });
  const { accuracy = 0 } = (await model.evaluate("test")).metrics;
  console.log(`${unlabelled ? "with" : "without"} the others: ${(100 * accuracy).toFixed(1)} %`);
  if (!unlabelled) continue;
  const { image } = await model.call<"image">("sample", {}, { count: 64 });
  await writeFile("digits.png", await encodePng(imageGrid(image)));
}
