// Eight normal distributions on a ring, with and without the R1 penalty: does the generator find them all?
// npx tsx examples/gan.ts
import { train } from "reparam";
import { modeFigures } from "reparam/metrics";

for (const penalty of ["r1", "none"]) {
  const gan = await train("gan", {
    data: "eight-gaussians",
    steps: 2000,
    batchSize: 128,
    options: {
      penalty,
      penaltyWeight: penalty === "r1" ? 0.1 : undefined,
      latents: 8,
      width: 64,
      learningRate: 1e-3,
    },
    onProgress: ({ step, metrics }) =>
      step % 500 === 0 && console.log(step, metrics.discriminator, metrics.generator),
  });
  const { x } = await gan.call<"x">("sample", {}, { count: 2500 });
  const { modes } = gan.dataset;
  if (modes === undefined) throw new Error("this data set has no modes");
  const { covered, good, counts } = modeFigures(x, modes);
  console.log(
    `penalty ${penalty}: ${covered} of 8 modes, ${(100 * good).toFixed(1)} % good samples: ${counts.join(" ")}`,
  );
}
