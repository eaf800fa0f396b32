/**
 * Diffusion models: Ho, Jain, Abbeel, "Denoising diffusion probabilistic models" (2020), with the predictions, noise
 * processes, weightings and preconditionings of the papers that followed, each a choice by name.
 *
 *   x_t = α(t)·x₀ + σ(t)·ε,   ε ~ N(0, I)
 *   loss = E[weight(t)·‖F(c_in·x_t, t) − target(x₀, ε, t)‖²]/size of a row
 *   x̂₀(x_t, t) = c_skip·x_t + c_out·F(c_in·x_t, t)
 *
 * Images [B, C, H, W] in [−1, 1], points [B, D] as they are, and standardised latents of a trained autoencoder. The equations of coefficients, processes and weights stand
 * in prediction.ts, process.ts and weighting.ts, with their papers. `denoise` is x̂₀; samplers are made of it.
 */
import type { Model, Scope } from "../../nn/index.ts";
import { cast, full, less, mean, where } from "../../ops/index.ts";
import { adam, chain, clipByGlobalNorm, ema, schedules } from "../../optim/index.ts";
import {
  averagedWeights,
  type BatchSpec,
  type DataShape,
  defineMethod,
  gradientStep,
  type Method,
  type ModelFunction,
  modelOf,
} from "../../step/index.ts";
import { dim, ReparamError, staticShape } from "../../tensor/index.ts";
import { normal, uniform, type Value } from "../../trace/index.ts";
import { coderOf, withAutoencoder } from "./latents.ts";
import { mlpNetwork } from "./mlp.ts";
import type { Network, NetworkCall, NetworkSizes } from "./network.ts";
import {
  checkOptions,
  halfLivesOf,
  type Options,
  options,
  predictionOf,
  processOf,
  timeLawOf,
  weightingOf,
} from "./options.ts";
import { denoisedOf, networkInput, noised, type Prediction, targetOf } from "./prediction.ts";
import { diffusionProcedures } from "./procedures.ts";
import type { NoiseProcess } from "./process.ts";
import { procedureOptions } from "./sampled-model.ts";
import { factorsOf, freeUKnobs, skipKnobs } from "./skip-tuning.ts";
import { transformerNetwork } from "./transformer.ts";
import { unetNetwork } from "./unet.ts";
import { drawTimes, lossWeight } from "./weighting.ts";

const B = dim("B");

/** What is learnt: the column, its row's sizes, and the classes that the network is told. */
interface Rows {
  readonly name: "image" | "x" | "latent";
  /** In bytes. */
  readonly images: boolean;
  readonly row: readonly number[];
  readonly classes: number | undefined;
  readonly batch: BatchSpec;
}

function rowsOf(o: Options, { columns, classes }: DataShape): Rows {
  const name = (["image", "latent"] as const).find((each) => columns[each] !== undefined) ?? "x";
  const column = columns[name];
  const row = column === undefined ? undefined : staticShape(column.shape.slice(1));
  if (column === undefined || row === undefined) {
    throw new ReparamError(
      "diffusion wants images or points: a data set with a column image of bytes [channels, height, width], or x. Latents of images are those of --autoencoder RUN.",
    );
  }
  const images = name === "image";
  if (name === "x" && (column.dtype !== "float32" || row.length !== 1)) {
    throw new ReparamError(
      "diffusion: x must be float32 [features]. Load it with --dtype float32.",
    );
  }
  const { label, noise } = columns;
  if (noise !== undefined && noise.shape.slice(1).join() !== row.join()) {
    throw new ReparamError(
      `diffusion: the column noise is what rows are mixed with, of their shape [${row}], got [${noise.shape.slice(1)}].`,
    );
  }
  if (o.conditional && label === undefined) {
    throw new ReparamError("--conditional needs data with classes: a column label.");
  }
  return {
    ...{ name, images, row },
    classes: o.conditional ? (classes?.length ?? o.classes) : undefined,
    batch: {
      [name]: column,
      ...(o.conditional && { label: label as BatchSpec[string] }),
      ...(noise && { noise }),
    },
  };
}

/** Everything that training and functions are made of. */
interface Diffusion {
  readonly options: Options;
  readonly rows: Rows;
  readonly network: Network;
  readonly process: NoiseProcess;
  readonly prediction: Prediction;
}

const networks: Readonly<
  Record<Exclude<Options["backbone"], "auto">, (o: Options, sizes: NetworkSizes) => Network>
> = {
  unet: unetNetwork,
  dit: transformerNetwork("dit"),
  "u-vit": transformerNetwork("u-vit"),
  mlp: mlpNetwork,
};

function create(o: Options, data: DataShape): Method {
  const rows = rowsOf(o, data);
  const grid = rows.row.length === 3;
  checkOptions(o, grid);
  const backbone = o.backbone === "auto" ? (grid ? "unet" : "mlp") : o.backbone;
  const own = networks[backbone](o, { row: rows.row, classes: rows.classes });
  const autoencoder = rows.name === "latent" ? data.autoencoder : undefined;
  const coder = autoencoder && coderOf(autoencoder, rows.row);
  const network = autoencoder === undefined ? own : withAutoencoder(own, autoencoder);
  const process = processOf(o);
  const diffusion = {
    ...{ options: o, rows, network, process },
    prediction: predictionOf(o, rows.images),
  };
  const { batchSize } = data;
  const rate =
    o.warmupSteps === 0 ? o.learningRate : schedules.linearWarmup(o.warmupSteps, o.learningRate);
  return {
    name: "diffusion",
    phases: [
      gradientStep({
        batch: rows.batch,
        init: network.init,
        loss: (model, batch, scope) => ({ loss: mean(rowLoss(diffusion, model, batch, scope)) }),
        optimizer: chain(clipByGlobalNorm(o.clip), adam({ learningRate: rate })),
        averages: halfLivesOf(o).map((thousands) =>
          ema(schedules.halfLife({ rows: 1000 * thousands, batchSize })),
        ),
      }),
    ],
    weights: averagedWeights(o.average),
    functions: {
      denoise: denoiseOf(diffusion),
      ...coder,
      evaluate: {
        summary: "loss of each row at a noise level of its own",
        inputs: withoutNoise(rows.batch),
        exported: false,
        build: (weights, inputs, scope) => ({
          loss: rowLoss(diffusion, modelOf(weights), inputs, scope),
        }),
      },
    },
    ...(network.note !== undefined && { notes: [network.note] }),
    procedures: diffusionProcedures({
      ...{ process, row: rows.row, images: rows.images, classes: rows.classes },
      ...{ sigmaData: diffusion.prediction.sigmaData, denoise: denoiseOf(diffusion) },
      ...(coder && { coder }),
    }),
    preprocessing: preprocessings[rows.name],
  };
}

const preprocessings: Readonly<Record<Rows["name"], string>> = {
  image: "noisy and denoised images on the scale −1 … 1 of bytes 0 … 255",
  x: "x as it is",
  latent: "noisy and denoised latents as encode gives them and decode takes them",
};

/** Test data are mixed with noise of their own, whatever training has. */
const withoutNoise = ({ noise: _, ...batch }: BatchSpec): BatchSpec => batch;

/** The weighted squared error of each row [B], at times that are drawn here. */
function rowLoss(
  { options: o, rows, network, process, prediction: p }: Diffusion,
  model: Model,
  batch: Readonly<Record<string, Value>>,
  scope: Scope,
): Value {
  const x0 = scaled(batch[rows.name] as Value, rows.images);
  const count = x0.size(0);
  const law = timeLawOf(o, process);
  const times = drawTimes(law, process, scope.key.at("time"), count, {
    ...(o.timeMean !== undefined && { mean: o.timeMean }),
    ...(o.timeStd !== undefined && { std: o.timeStd }),
  });
  // Pairs of noise and data, as reflow has them (Liu, Gong, Liu 2023, section 2.2), or noise drawn anew.
  const noise = batch.noise ?? normal(scope.key.at("noise"), x0.shape);
  const level = process.traced.level(times);
  const x = noised(level, x0, noise);
  const call: NetworkCall = { label: toldLabel(o, rows, batch.label, scope), scope };
  const said = network.apply(
    model,
    networkInput(p, level, x),
    process.traced.conditioning(times),
    call,
  );
  const error = said.sub(targetOf(p, level, x0, noise)).square();
  const perRow = mean(
    error,
    rows.row.map((_, axis) => axis + 1),
  );
  return perRow.mul(lossWeight(weightingOf(o), p, level, { gamma: o.minSnr }));
}

/** Bytes to [−1, 1]; points as they are. */
const scaled = (x: Value, images: boolean): Value =>
  images
    ? cast(x, "float32")
        .mul(2 / 255)
        .sub(1)
    : x;

/** Classes [B], some of them withheld in training. */
function toldLabel(
  { guidanceDropout }: Options,
  { classes }: Rows,
  label: Value | undefined,
  scope: Scope,
): Value | undefined {
  if (classes === undefined || label === undefined) return undefined;
  if (!scope.train || guidanceDropout === 0) return label;
  const withheld = less(uniform(scope.key.at("guidance"), label.shape), guidanceDropout);
  return where(withheld, full(label.shape, classes, "int32"), label);
}

/** An interval with room for rounding to float32. */
const rounded = ([least, most]: NoiseProcess["interval"]): readonly [number, number] => [
  least * (1 - 1e-6),
  most * (1 + 1e-6),
];

function denoiseOf({
  options: o,
  rows,
  network,
  process,
  prediction: p,
}: Diffusion): ModelFunction {
  const { row, classes } = rows;
  return {
    summary: "the mean of the data that noisy rows may come from, x̂₀ of x_t = α(t)·x₀ + σ(t)·ε",
    inputs: {
      noisy: { dtype: "float32", shape: [B, ...row], description: "x_t" },
      time: {
        ...{ dtype: "float32", shape: [B], range: rounded(process.interval) },
        description: `t, ${process.interval.join(" … ")} of the process ${process.name}`,
      },
      ...(classes !== undefined && {
        label: {
          ...{ dtype: "int32", shape: [B], below: classes + 1 },
          description: `class, 0 … ${classes - 1}; ${classes} for none`,
        },
      }),
      ...(network.tunable && skipKnobs(network.tunable)),
      ...(o.freeU && freeUKnobs),
    },
    exported: true,
    build: (weights, { noisy, time, label, ...knobs }, scope) => {
      const [x, t] = [noisy as Value, time as Value];
      const level = process.traced.level(t);
      const call: NetworkCall = {
        ...{ label, scope },
        ...(network.tunable && { rho: factorsOf(knobs, process, t) }),
        ...(o.freeU && {
          freeU: { backbone: knobs.freeUBackbone as Value, skip: knobs.freeUSkip as Value },
        }),
      };
      const input = networkInput(p, level, x);
      const said = network.apply(modelOf(weights), input, process.traced.conditioning(t), call);
      return { denoised: denoisedOf(p, level, x, said) };
    },
  };
}

export const diffusion = defineMethod({
  name: "diffusion",
  summary: "Diffusion model: any prediction, noise process and network",
  paper: "Ho, Jain, Abbeel, Denoising diffusion probabilistic models (2020), equations 4, 14",
  options,
  procedureOptions,
  training: { batchSize: 64, epochs: 5 },
  create,
});
