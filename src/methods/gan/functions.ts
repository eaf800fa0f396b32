// What a trained game can do.
import { assemble, type Model, type Variables } from "../../nn/index.ts";
import { cast, clip, normalCdf, normalQuantile } from "../../ops/index.ts";
import type { BatchSpec, FunctionInput, ModelFunction } from "../../step/index.ts";
import { dim, type Tree } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { type Critic, judge } from "./critic.ts";
import type { Networks, Styles, Told } from "./networks.ts";
import { sameStyle } from "./style.ts";

const B = dim("B");

/** The column that is learnt, and how its values are scaled. */
export interface Column {
  readonly name: "image" | "x";
  readonly images: boolean;
  readonly row: readonly number[];
}

/** What the functions read. */
export type Weights = {
  readonly generator: Variables;
  readonly discriminator: Variables;
  /** Share of the newest layers of networks that grow. */
  readonly fade?: Value;
};

const weightsOf = (weights: Tree<Value>): Weights => weights as unknown as Weights;

/** Bytes to [−1, 1]; points as they are. */
export const scaled = (x: Value, images: boolean): Value =>
  images
    ? cast(x, "float32")
        .mul(2 / 255)
        .sub(1)
    : x;

/** z within ± bound, from the normal distribution cut there: all z for a bound of 4 and more. */
const truncated = (z: Value, bound: Value): Value => {
  const tail = normalCdf(bound.neg());
  return normalQuantile(normalCdf(z).mul(tail.mul(-2).add(1)).add(tail));
};

/** What the functions of a generator are made for. */
export interface Drawing {
  readonly networks: Networks;
  readonly column: Column;
  readonly latents: number;
  readonly classes: number | undefined;
}

type Inputs = Readonly<Record<string, FunctionInput>>;

const zInput = (latents: number): Inputs => ({
  z: { dtype: "float32", shape: [B, latents], noise: "normal", description: "N(0, 1)" },
});

const noiseInput = ({ noise }: Styles): Inputs => ({
  noise: {
    ...{ dtype: "float32", shape: [B, noise], noise: "normal" },
    description: "noise of every pixel, layer after layer, N(0, 1)",
  },
});

const truncationInput = (styles: Styles | undefined): Inputs => ({
  truncation: {
    ...{ dtype: "float32", shape: [] },
    ...(styles === undefined
      ? { default: 4, description: "latents stay within ± this: less variety, better rows" }
      : {
          ...{ default: 1 },
          description: "distance of styles from their average, times this: below 1 less variety",
        }),
  },
});

const labelInput = (classes: number | undefined): Inputs =>
  classes === undefined
    ? {}
    : {
        label: {
          ...{ dtype: "int32", shape: [B], classes },
          description: `class, 0 … ${classes - 1}; all in turn where none is given`,
        },
      };

/** Rows of a generator as they are shown. */
const shown = (rows: Value, { networks, column: { images } }: Drawing): Record<string, Value> =>
  images ? { image: clip((networks.crop?.(rows) ?? rows).add(1).mul(0.5), 0, 1) } : { x: rows };

/** w_avg + ψ·(w − w_avg) of latents z, [B, size] (Karras, Laine, Aila 2019, appendix B). */
function truncatedStyle(styles: Styles, model: Model, z: Value, psi: Value, told: Told): Value {
  const average = styles.average(model);
  return styles.map(model, z, told).sub(average).mul(psi).add(average);
}

export function sampleOf(drawing: Drawing): ModelFunction {
  const { networks, latents, classes } = drawing;
  const { generator } = networks;
  const { styles } = generator;
  return {
    summary: "rows of new latents, by the averaged generator",
    inputs: {
      ...zInput(latents),
      ...(styles === undefined ? {} : noiseInput(styles)),
      ...truncationInput(styles),
      ...labelInput(classes),
    },
    exported: true,
    build: (weights, inputs, scope) => {
      const { z, truncation, noise, label } = inputs as Record<string, Value>;
      const { generator: variables, fade } = weightsOf(weights);
      const model = assemble<Model>(variables);
      const told = { label, fade };
      if (styles === undefined) {
        const within = truncated(z as Value, truncation as Value);
        return shown(generator.rows(model, within, scope, told), drawing);
      }
      const w = truncatedStyle(styles, model, z as Value, truncation as Value, told);
      const rows = styles.synthesize(model, sameStyle(w, styles), noise as Value, told);
      return shown(rows, drawing);
    },
  };
}

/** The two halves of `sample`, where the generator has styles. */
export function styleFunctions(
  drawing: Drawing,
): Partial<Record<"map" | "synthesize", ModelFunction>> {
  const { networks, latents, classes } = drawing;
  const { styles } = networks.generator;
  if (styles === undefined) return {};
  return {
    map: {
      summary: "latents to the styles of all layers",
      inputs: { ...zInput(latents), ...truncationInput(styles), ...labelInput(classes) },
      exported: true,
      build: (weights, inputs) => {
        const { z, truncation, label } = inputs as Record<string, Value>;
        const { generator, fade } = weightsOf(weights);
        const told = { label, fade };
        const model = assemble<Model>(generator);
        const w = truncatedStyle(styles, model, z as Value, truncation as Value, told);
        return { latent: sameStyle(w, styles) };
      },
    },
    synthesize: {
      summary: "styles of all layers to rows",
      inputs: {
        latent: {
          ...{ dtype: "float32", shape: [B, styles.layers, styles.size] },
          description: "a style a layer, from the smallest image on",
        },
        ...noiseInput(styles),
      },
      exported: true,
      build: (weights, inputs) => {
        const { latent, noise } = inputs as Record<string, Value>;
        const { generator, fade } = weightsOf(weights);
        const model = assemble<Model>(generator);
        const rows = styles.synthesize(model, latent as Value, noise as Value, { fade });
        return shown(rows, drawing);
      },
    },
  };
}

export function evaluateOf({ networks, column }: Drawing, batch: BatchSpec): ModelFunction {
  return {
    summary: "output of the discriminator on real rows",
    inputs: batch,
    exported: false,
    build: (weights: Tree<Value>, inputs, scope) => {
      const { discriminator, fade } = weightsOf(weights);
      const critic = assemble<Critic>(discriminator);
      const rows = scaled(inputs[column.name] as Value, column.images);
      const seen = networks.view?.(rows, fade) ?? rows;
      const told = { label: inputs.label, fade };
      return { output: judge(critic, networks.discriminator, seen, scope, told).output };
    },
  };
}
