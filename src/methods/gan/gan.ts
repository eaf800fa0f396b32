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
import { initializers } from "../../nn/index.ts";
import {
  type BatchSpec,
  type DataShape,
  defineMethod,
  type Method,
  type Phase,
} from "../../step/index.ts";
import { ReparamError, staticShape } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import {
  type Column,
  type Drawing,
  evaluateOf,
  sampleOf,
  scaled,
  styleFunctions,
} from "./functions.ts";
import { gamePhase } from "./game.ts";
import type { Game, Rows } from "./game-state.ts";
import type { NetworkSizes, Stage } from "./networks.ts";
import { checkOptions, type Options, options } from "./options.ts";
import { stagesOf } from "./stages.ts";
import { standingPhase } from "./standing.ts";

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

function sizesOf(o: Options, column: Column, classes: number | undefined): NetworkSizes {
  const { latents, width, layers, dropout, classEmbedding, hierarchical, mappingLayers } = o;
  return {
    ...{ row: column.row, latents, width, layers, classes, dropout },
    ...{ classEmbedding, hierarchical, mappingLayers, styleMixing: o.styleMixing },
    attention: o.selfAttention,
    initializer: o.initializer === "orthogonal" ? initializers.orthogonal() : undefined,
    spectral: o.normalization === "spectral",
    normalization: o.normalization === "spectral" ? "none" : o.normalization,
    generatorNormalization: column.images ? o.generatorNormalization : "none",
  };
}

function create(o: Options, data: DataShape): Method {
  const column = columnOf(data);
  checkOptions(o, column.images);
  if (o.conditional && data.columns.label === undefined) {
    throw new ReparamError("--conditional needs data with classes: a column label.");
  }
  const classes = o.conditional ? (data.classes?.length ?? o.classes) : undefined;
  const sizes = sizesOf(o, column, classes);
  const stages = stagesOf(o, sizes);
  const rows = dataOf(column, data.columns, classes);
  const drawingOf = ({ networks }: Stage): Drawing => ({
    ...{ networks, column, classes, latents: o.latents },
  });
  const phaseOf = (stage: Stage): Phase => {
    const { spectral } = sizes;
    const initializer =
      stage.networks.headInitializer ?? sizes.initializer ?? initializers.glorotUniform;
    const critic = { classes, bottleneck: o.bottleneck, weighting: { spectral, initializer } };
    const phase = gamePhase({ options: o, stage, data: rows, critic });
    return stages.length === 1 ? phase : { ...phase, sample: sampleOf(drawingOf(stage)) };
  };
  const last = stages.at(-1) as Stage;
  const standing = { networks: last.networks, data: rows, latents: o.latents };
  return {
    name: "gan",
    phases: [
      ...stages.map(phaseOf),
      ...(o.standingStatistics > 0
        ? [standingPhase({ ...standing, passes: o.standingStatistics })]
        : []),
    ],
    weights: (state) => {
      const { generator, discriminator, average, fade } = state as unknown as Game;
      return {
        generator: { params: average ?? generator.params, buffers: generator.buffers },
        discriminator: { params: discriminator.params, buffers: discriminator.buffers },
        ...(fade === undefined ? {} : { fade }),
      };
    },
    functions: {
      sample: sampleOf(drawingOf(last)),
      ...styleFunctions(drawingOf(last)),
      evaluate: evaluateOf(drawingOf(last), rows.batch),
    },
    preprocessing: column.images
      ? "image: bytes 0 … 255, scaled to −1 … 1 in the graph"
      : "x as it is",
  };
}

export const gan = defineMethod({
  name: "gan",
  summary: "Generative adversarial network: any objective, penalty and architecture",
  paper: "Goodfellow et al., Generative adversarial nets (2014), equation 1",
  options,
  training: { batchSize: 64, epochs: 20 },
  judgedBySamples: true,
  create,
});
