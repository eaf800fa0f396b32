/**
 * Generative adversarial networks: Goodfellow et al., "Generative adversarial nets" (2014), with the objectives,
 * penalties, constraints and architectures of the papers that followed, each a choice by name that combines with the
 * others.
 *
 *   G: z ~ N(0, I) → x̃,   D: x → ℝ
 *   D minimises  loss_D(D(x), D(x̃)) + weight·penalty(D, x, x̃),   G minimises  loss_G(D(x̃))
 *
 * Images [B, C, H, W] in [−1, 1], points [B, D] as they are; z [B, latents]. The equations of objectives and penalties
 * stand in losses.ts and penalties.ts, with their papers.
 */
import { assemble, initializers, type Variables } from "../../nn/index.ts";
import { cast, normalCdf, normalQuantile } from "../../ops/index.ts";
import {
  type BatchSpec,
  type DataShape,
  defineMethod,
  type Method,
  type ModelFunction,
} from "../../step/index.ts";
import { dim, ReparamError, staticShape, type Tree } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { type Critic, judge } from "./critic.ts";
import { dcgan } from "./dcgan.ts";
import { type Game, gamePhase, type Rows } from "./game.ts";
import { mlp } from "./mlp.ts";
import type { NetworkSizes, Networks } from "./networks.ts";
import { checkOptions, type Options, options } from "./options.ts";
import { resnet } from "./resnet.ts";

const B = dim("B");

/** The column that is learnt, and how its values are scaled. */
interface Column {
  readonly name: "image" | "x";
  readonly images: boolean;
  readonly row: readonly number[];
}

function columnOf({ columns }: DataShape): Column {
  const name = columns.image === undefined ? "x" : "image";
  const column = columns[name];
  const row = column === undefined ? undefined : staticShape(column.shape.slice(1));
  if (column === undefined || row === undefined) {
    throw new ReparamError(
      "gan wants images or points: a data set with a column image of bytes [channels, height, width], or x.",
    );
  }
  const images = name === "image";
  if (!images && column.dtype !== "float32") {
    throw new ReparamError(
      `gan: x must be float32, got ${column.dtype}. Load it with --dtype float32.`,
    );
  }
  return { name, images, row };
}

const architectures = { mlp, dcgan, resnet } as const;

function networksOf(o: Options, sizes: NetworkSizes, images: boolean): Networks {
  const name = o.architecture === "auto" ? (images ? "dcgan" : "mlp") : o.architecture;
  return architectures[name](sizes);
}

/** Bytes to [−1, 1]; points as they are. */
const scaled = (x: Value, images: boolean): Value =>
  images
    ? cast(x, "float32")
        .mul(2 / 255)
        .sub(1)
    : x;

function dataOf(column: Column, spec: BatchSpec, classes: number | undefined): Rows {
  const label = spec.label;
  return {
    batch: {
      [column.name]: spec[column.name] as BatchSpec[string],
      ...(classes === undefined ? {} : { label: label as BatchSpec[string] }),
    },
    of: (batch) => {
      const rows = scaled(batch[column.name] as Value, column.images);
      return classes === undefined ? { rows } : { rows, label: batch.label as Value };
    },
  };
}

/** What the functions read. */
interface Weights {
  readonly generator: Variables;
  readonly discriminator: Variables;
}

function create(o: Options, data: DataShape): Method {
  const column = columnOf(data);
  checkOptions(o, column.images);
  if (o.conditional && data.columns.label === undefined) {
    throw new ReparamError("--conditional needs data with classes: a column label.");
  }
  const classes = o.conditional ? (data.classes?.length ?? o.classes) : undefined;
  const spectral = o.normalization === "spectral";
  const networks = networksOf(
    o,
    {
      ...{
        row: column.row,
        latents: o.latents,
        width: o.width,
        layers: o.layers,
        classes,
        spectral,
      },
      ...{
        dropout: o.dropout,
        generatorNormalization: column.images ? o.generatorNormalization : "none",
      },
      normalization: o.normalization === "spectral" ? "none" : o.normalization,
    },
    column.images,
  );
  const game = {
    ...{ options: o, networks, data: dataOf(column, data.columns, classes) },
    critic: {
      ...{ classes, bottleneck: o.bottleneck },
      weighting: { spectral, initializer: initializers.glorotUniform },
    },
  };
  return {
    name: "gan",
    phases: [gamePhase(game)],
    weights: (state) => {
      const { generator, discriminator, average } = state as unknown as Game;
      return {
        generator: { params: average ?? generator.params, buffers: generator.buffers },
        discriminator: { params: discriminator.params, buffers: discriminator.buffers },
      };
    },
    functions: {
      sample: sampleOf(o, networks, column, classes),
      evaluate: evaluateOf(networks, column, game.data.batch),
    },
    preprocessing: column.images
      ? "image: bytes 0 … 255, scaled to −1 … 1 in the graph"
      : "x as it is",
  };
}

/** z within ± bound, from the normal distribution cut there: all z for a bound of 4 and more. */
const truncated = (z: Value, bound: Value): Value => {
  const tail = normalCdf(bound.neg());
  return normalQuantile(normalCdf(z).mul(tail.mul(-2).add(1)).add(tail));
};

function sampleOf(
  o: Options,
  { generator }: Networks,
  { images }: Column,
  classes: number | undefined,
): ModelFunction {
  return {
    summary: "rows of new latents, by the averaged generator",
    inputs: {
      z: { dtype: "float32", shape: [B, o.latents], noise: "normal", description: "N(0, 1)" },
      truncation: {
        ...{ dtype: "float32", shape: [], default: 4 },
        description: "latents stay within ± this: less variety, better rows",
      },
      ...(classes === undefined
        ? {}
        : {
            label: {
              ...{ dtype: "int32", shape: [B], classes },
              description: `class, 0 … ${classes - 1}; all in turn where none is given`,
            },
          }),
    },
    exported: true,
    build: (weights, { z, truncation, label }, scope) => {
      const model = assemble((weights as unknown as Weights).generator);
      const rows = generator.rows(
        model as Parameters<typeof generator.rows>[0],
        truncated(z as Value, truncation as Value),
        scope,
        label,
      );
      return images ? { image: rows.add(1).mul(0.5) } : { x: rows };
    },
  };
}

function evaluateOf({ discriminator }: Networks, column: Column, batch: BatchSpec): ModelFunction {
  return {
    summary: "output of the discriminator on real rows",
    inputs: batch,
    exported: false,
    build: (weights: Tree<Value>, inputs, scope) => {
      const critic = assemble<Critic>((weights as unknown as Weights).discriminator);
      const rows = scaled(inputs[column.name] as Value, column.images);
      return { output: judge(critic, discriminator, rows, scope, inputs.label).output };
    },
  };
}

export const gan = defineMethod({
  name: "gan",
  summary: "Generative adversarial network: any objective, penalty and architecture",
  paper: "Goodfellow et al., Generative adversarial nets (2014), equation 1",
  options,
  training: { batchSize: 64, epochs: 20 },
  create,
});
