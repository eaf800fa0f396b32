import { z } from "zod";

const positive = z.number().positive("must be above 0");
const patterns = "names of weights with * for any letters, separated by commas";

export const options = z.object({
  loss: z
    .enum(["auto", "cross-entropy", "next-token", "squared-error"])
    .default("auto")
    .describe(
      "auto: next-token for text, cross-entropy where the data have classes, else squared-error between output and input",
    ),
  output: z
    .string()
    .default("")
    .describe("tensor of the model that the loss is of (its first output if empty)"),
  newHead: z
    .boolean()
    .default(false)
    .describe("put a new linear layer on the output, with one score a class of the data"),
  classes: z
    .int()
    .min(2)
    .default(10)
    .describe("scores of the new layer, where the data set does not name its classes"),
  train: z
    .string()
    .default("")
    .describe(
      `${patterns}; the others stay frozen (all are trained if empty, none with --lora; "none" for the new layer alone)`,
    ),
  learningRate: positive.default(1e-4).describe("by Adam"),
  headLearningRate: positive.default(1e-3).describe("of the new layer"),
  rates: z
    .string()
    .default("")
    .describe("learning rates of some weights: PATTERN=RATE, separated by commas"),
  weightDecay: z.number().min(0).default(0).describe("as in AdamW"),
  lora: z
    .string()
    .default("")
    .describe(`matrices that get a low-rank adapter in place of being trained: ${patterns}`),
  loraRank: z.int().min(1).default(8).describe("rank r of the adapters"),
  loraAlpha: positive.default(16).describe("adapters are scaled by alpha / r"),
  mean: z
    .number()
    .default(0)
    .describe("taken off pixels, which are in [0, 1] before, of models that take floats"),
  std: positive.default(1).describe("what pixels are then divided by"),
});

export type Options = z.infer<typeof options>;

/** Whether a name fits one of the patterns "head.*, *.bias". */
export function patternFilter(text: string): (name: string) => boolean {
  const parts = text.split(",").flatMap((part) => part.trim() || []);
  const expressions = parts.map(
    (part) =>
      new RegExp(`^${part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`),
  );
  return (name) => expressions.some((expression) => expression.test(name));
}
