import { train } from "reparam";
import { corpus } from "./language-models/corpus.ts";

for (const [tok, ctx, pairs, lr, pos] of [
  ["bpe", 47, "sentence-order", 3e-3, "rotary"],
  ["bpe", 47, "next-sentence", 3e-3, "rotary"],
  ["characters", 63, "sentence-order", 3e-3, "rotary"],
] as const) {
  const data = await corpus({
    context: ctx,
    tokenizer: tok,
    ...(tok === "bpe" ? { vocabulary: 1024 } : {}),
  });
  const s = performance.now();
  const acc = { pair: 0, masked: 0, n: 0 };
  const model = await train("bert", {
    data,
    steps: 900,
    batchSize: 32,
    threads: 1,
    seed: 0,
    options: {
      layers: 2,
      width: 64,
      heads: 4,
      learningRate: lr,
      decaySteps: 900,
      warmupSteps: 50,
      normPlacement: "pre",
      positions: pos,
      pairs,
    },
    onProgress: ({ step, metrics }) => {
      acc.pair += metrics.pair!;
      acc.masked += metrics.masked!;
      acc.n++;
      if (step % 100 === 0) {
        console.log(
          step,
          Math.round(performance.now() - s),
          acc.pair / acc.n,
          acc.masked / acc.n,
          acc.n,
        );
        acc.pair = acc.masked = acc.n = 0;
      }
    },
  });
  console.log(tok, ctx, pairs, (await model.evaluate("test")).metrics);
}
