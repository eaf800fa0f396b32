// Mutual information of pairs: a bound by a trained critic, and nearest neighbours beside it.
// npx tsx examples/mutual-information.ts

import { estimateMutualInformation } from "reparam";
import { tensor } from "reparam/tensor";

// y is x with noise, in a form that correlation does not see: cos turns the sign of x away.
const rows = 4000;
const x = Float64Array.from({ length: rows }, () => 6 * Math.random() - 3);
const y = x.map((v) => Math.cos(v) + 0.2 * (Math.random() - 0.5));
const pairs = [tensor(x, [rows, 1]), tensor(y, [rows, 1])] as const;

for (const method of ["kraskov", "infonce", "smile"] as const) {
  const { value, interval, warnings } = await estimateMutualInformation(...pairs, {
    ...{ method, hidden: 64, steps: 1500, learningRate: 1e-3 },
    onProgress: ({ step, estimate }) => {
      if (step % 500 === 0) console.error(`${method}, step ${step}: ${estimate.toFixed(2)} nats`);
    },
  });
  const [low, high] = interval.map((end) => end.toFixed(2));
  console.log(`${method}: ${value.toFixed(2)} nats (${low} to ${high})`, ...warnings);
}
