import { type Command, InvalidArgumentError, Option } from "commander";
import type { InformationEstimate, InformationOptions } from "../mutual-information.ts";
import type { InformationProgress } from "../mutual-information-training.ts";
import { formatNumber } from "../report/table.ts";
import { ReparamError, type Tensor } from "../tensor/index.ts";
import { interruptible } from "./interrupt.ts";
import type { Context } from "./terminal.ts";
import { addVerb, type Figures, integerOption, numberOption } from "./verb.ts";

// The schema of the command line is here, so that help needs neither the runtime nor the estimators.
const methods = [
  ...["dv", "mine", "nwj", "infonce", "jsd", "smile"],
  ...["barber-agakov", "kraskov"],
];
const critics = ["separable", "bilinear", "concatenated"];

const about = `
Methods, all in nats:
  infonce        bounded by the logarithm of the batch; little variance (van den Oord et al. 2018)
  smile          critic trained by Jensen-Shannon, clipped at ±τ (Song, Ermon 2020)
  jsd            the same critic without a clip
  dv, mine, nwj  Donsker-Varadhan, the same with a moving average, Nguyen-Wainwright-Jordan
  barber-agakov  a Gaussian model of y given x, or a mixture of --components
  kraskov        nearest neighbours, no training: for few dimensions (Kraskov et al. 2004)
Row i of both files is one pair. Three fifths of the pairs train the critic, a fifth says when to stop, and the last
fifth makes the estimate and its interval; kraskov takes all.`;

const positiveNumber = (flags: string, description: string): Option =>
  numberOption(flags, description).argParser((text) => {
    const value = text === "inf" ? Infinity : Number(text);
    if (text.trim() !== "" && value > 0) return value;
    throw new InvalidArgumentError("It must be a number above 0, or inf.");
  });

export const addMiVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "mi",
    description: "Estimates the mutual information of pairs, from two files of rows.",
    examples: [
      "mi --x codes.npy --y labels.npy",
      "mi --x a.npy --y b.npy --method smile --clip 5 --batch-size 256",
      "mi --x a.npy --y b.npy --method kraskov --neighbours 5 --json",
    ],
    options: [
      new Option("--x <file>", ".npy of [N] or [N, …], or another table").makeOptionMandatory(),
      new Option("--y <file>", "the same with as many rows").makeOptionMandatory(),
      new Option("--method <name>", "estimator").choices(methods).default("infonce"),
      new Option("--critic <kind>", "network that scores pairs")
        .choices(critics)
        .default("separable"),
      integerOption("--hidden <n>", "features of the critic's hidden layers").default(256),
      integerOption("--layers <n>", "hidden layers of the critic").default(2),
      integerOption("--embedding <n>", "size of a separable critic's vectors").default(32),
      integerOption("--components <n>", "normal distributions of barber-agakov's mixture").default(
        1,
      ),
      positiveNumber("--clip <tau>", "τ of smile, or inf").default(5),
      integerOption("--neighbours <k>", "of the kraskov method").default(3),
      integerOption("--batch-size <n>", "pairs in a batch", 2).default(128),
      integerOption("--steps <n>", "at most so many updates").default(5000),
      integerOption("--patience <n>", "evaluations without a better one, then stop").default(10),
      positiveNumber("--learning-rate <x>", "of Adam").default(5e-4),
      integerOption("--seed <n>", "of the division, the weights and the order", 0).default(0),
      integerOption("--threads <n>", "threads of the runtime").default(2),
    ],
    action: estimateAction,
  }).addHelpText("after", about);

async function estimateAction(
  _args: readonly string[],
  flags: Readonly<Record<string, unknown>>,
  ctx: Context,
): Promise<Figures> {
  const [x, y] = [await readRowsOf(flags.x as string), await readRowsOf(flags.y as string)];
  const { estimateMutualInformation } = await import("../mutual-information.ts");
  const { x: _x, y: _y, json: _json, ...options } = flags;
  const estimate = await interruptible(ctx, (signal) =>
    estimateMutualInformation(x, y, {
      ...(options as InformationOptions),
      signal,
      onProgress: progressLine(ctx),
    }),
  );
  if (ctx.terminal.stderr.isTTY === true) ctx.terminal.stderr.write("\r\u001b[K");
  sayEstimate(estimate, ctx);
  return { ...estimate };
}

/** The array of a `.npy` file, or the numbers of another table. */
async function readRowsOf(path: string): Promise<Tensor> {
  const { decodeNpy, loadDataset } = await import("../data/index.ts");
  if (path.toLowerCase().endsWith(".npy")) {
    const { readBytes } = await import("../run/index.ts");
    return decodeNpy(await readBytes(path), path);
  }
  const { test } = await loadDataset(path, { whole: true });
  const column = test.columns.x;
  if (column === undefined) {
    throw new ReparamError(`${path} has no numbers in rows. Give a .npy file or a table.`);
  }
  const { dtype, shape, data } = column;
  return { dtype, shape: [test.length, ...shape], data };
}

/** Rewritten in place on a terminal, a line every ten seconds elsewhere. */
function progressLine({ terminal }: Context): (progress: InformationProgress) => void {
  const { stderr } = terminal;
  const live = stderr.isTTY === true;
  let shownAt = performance.now();
  return ({ step, steps, objective, estimate }) => {
    const now = performance.now();
    if (now - shownAt < (live ? 100 : 10_000)) return;
    shownAt = now;
    const text = `step ${step}/${steps}  held-out objective ${formatNumber(objective)}  estimate ${formatNumber(estimate)} nats`;
    stderr.write(live ? `\r\u001b[K${text}` : `${text}\n`);
  };
}

function sayEstimate(estimate: InformationEstimate, { say, note }: Context): void {
  const { method, value, interval, obeys, limit, warnings, steps, bestStep, pairs } = estimate;
  const [low, high] = interval.map((end) => formatNumber(end));
  say(`I(x; y) = ${formatNumber(value)} nats, 95 % interval ${low} to ${high}`);
  const trained = steps === 0 ? "" : `, trained ${steps} steps, best at ${bestStep}`;
  say(`${method} on ${pairs} pairs${trained}`);
  say(`known of it: ${obeys}${limit === undefined ? "" : ` (here ${formatNumber(limit)} nats)`}`);
  for (const warning of warnings) note(`reparam: ${warning}`);
}
