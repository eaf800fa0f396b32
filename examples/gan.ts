// Eight normal distributions on a ring, with and without the R1 penalty: does the generator find them all?
// npx tsx examples/gan.ts
import { train } from "reparam";

for (const penalty of ["r1", "none"]) {
  const gan = await train("gan", {
    data: "eight-gaussians",
    steps: 2000,
    batchSize: 256,
    options: {
      penalty,
      penaltyWeight: penalty === "r1" ? 1 : undefined,
      latents: 2,
      width: 128,
      learningRate: 1e-3,
    },
    onProgress: ({ step, metrics }) =>
      step % 500 === 0 && console.log(step, metrics.discriminator, metrics.generator),
  });
  const { x } = await gan.call<"x">("sample", {}, { count: 2500 });
  const near = new Array<number>(8).fill(0);
  for (let i = 0; i < 2500; i++) {
    const [a, b] = [x.data[2 * i] as number, x.data[2 * i + 1] as number];
    const mode = Math.round((Math.atan2(b, a) / (2 * Math.PI)) * 8 + 8) % 8;
    const angle = (2 * Math.PI * mode) / 8;
    const away = Math.hypot(a - 2 * Math.cos(angle), b - 2 * Math.sin(angle));
    if (away < 0.15) near[mode] = (near[mode] as number) + 1;
  }
  console.log(
    `penalty ${penalty}: samples within three deviations of each mode: ${near.join(" ")}`,
  );
}
