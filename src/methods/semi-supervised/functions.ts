// What a trained model can do: tell classes, draw them, and keep a style while the class changes.
import { estimate } from "../../estimators/index.ts";
import type { Scope } from "../../nn/index.ts";
import {
  argMax,
  broadcastTo,
  cast,
  concat,
  constant,
  equal,
  expandDims,
  oneHot,
  reshape,
  sigmoid,
  slice,
} from "../../ops/index.ts";
import { type Method, type ModelFunction, modelOf } from "../../step/index.ts";
import { dim, type Tree } from "../../tensor/index.ts";
import { normal, type Value } from "../../trace/index.ts";
import type { LabelledSize } from "./labelled.ts";
import {
  classesGiven,
  joinLatent,
  type Networks,
  pixelsGiven,
  styleGiven,
  view,
} from "./networks.ts";
import { minusLabelledBound, pixelsOf } from "./objective.ts";

const B = dim("B");

/** Styles that `traverse` shows, a row each. */
const styles = 10;

export interface FunctionSizes extends Pick<LabelledSize, "image" | "classes"> {
  readonly latents: number;
  readonly dynamicBinarization: boolean;
}

/** Everything that a trained model can do. */
export function semiSupervisedFunctions(sizes: FunctionSizes): Method["functions"] {
  const { classes } = sizes;
  const image = { dtype: "uint8", shape: [B, ...sizes.image], description: "bytes" } as const;
  const networksOf = (weights: Tree<Value>): Networks =>
    modelOf<{ readonly networks: Networks }>(weights).networks;
  const drawn = (networks: Networks, y: Value, z: Value): Value =>
    reshape(sigmoid(pixelsGiven(networks, y, z).parameters.logits), [-1, ...sizes.image]);
  const encode: ModelFunction = {
    summary: "images to classes and latents: the likeliest class, one-hot, and then the style",
    inputs: { image },
    exported: true,
    build: (weights, inputs, scope) => {
      const networks = networksOf(weights);
      const { most, y, z, probabilities } = read(networks, inputs.image as Value, scope, classes);
      return { latent: joinLatent(y, z), class: most, probabilities };
    },
  };
  const reconstruct: ModelFunction = {
    summary: "images through class and style and back",
    inputs: { image },
    exported: true,
    build: (weights, inputs, scope) => {
      const networks = networksOf(weights);
      const { y, z } = read(networks, inputs.image as Value, scope, classes);
      return { image: drawn(networks, y, z) };
    },
  };
  const decode: ModelFunction = {
    summary: "latents to images in [0, 1]",
    inputs: {
      latent: {
        ...{ dtype: "float32", shape: [B, classes + sizes.latents] },
        description: "weights of the classes, then the style",
      },
    },
    exported: true,
    build: (weights, { latent }) => {
      const [y, z] = [
        slice(latent as Value, 1, 0, classes),
        slice(latent as Value, 1, classes, classes + sizes.latents),
      ];
      return { image: drawn(networksOf(weights), y, z) };
    },
  };
  const evaluate: ModelFunction = {
    summary: "whether the likeliest class is right, and the bound on −log p(x) by all classes",
    inputs: { image, label: { dtype: "int32", shape: [B] } },
    exported: false,
    build: (weights, inputs, scope) => {
      const networks = networksOf(weights);
      const { most } = read(networks, inputs.image as Value, scope, classes);
      const right = equal(most, cast(inputs.label as Value, most.dtype));
      const x = pixelsOf(inputs.image as Value, sizes.dynamicBinarization, scope.key.at("x"));
      return { accuracy: cast(right, "float32"), negativeElbo: bound(networks, x, scope) };
    },
  };
  return {
    ...{ sample: sampleFunction(sizes, networksOf, drawn), encode, decode, reconstruct, evaluate },
    traverse: {
      summary: `the image's style in every class, and ${styles - 1} styles from the prior`,
      columns: classes,
      inputs: { image: { dtype: "uint8", shape: [1, ...sizes.image], description: "bytes" } },
      exported: false,
      build: (weights, inputs, scope) => {
        const networks = networksOf(weights);
        const { z } = read(networks, inputs.image as Value, scope, classes);
        const others = normal(scope.key.at("style"), [styles - 1, sizes.latents]);
        return { image: drawn(networks, ...everyClass(concat([z, others], 0), classes)) };
      },
    },
  };
}

/** The likeliest class of images, and the mean of their style in it. */
function read(networks: Networks, image: Value, scope: Scope, classes: number) {
  const x = pixelsOf(image, false, scope.key);
  const q = classesGiven(networks, x);
  const most = argMax(q.parameters.logits, -1);
  const y = oneHot(most, classes);
  return { most, y, z: styleGiven(networks, view(networks, x), y).mean(), probabilities: q.mean() };
}

/** −U(x) by the sum over all classes, [B]. */
function bound(networks: Networks, x: Value, scope: Scope): Value {
  const q = classesGiven(networks, x);
  const minusL = minusLabelledBound(networks, x, scope);
  const { surrogate } = estimate("exact", q, minusL, { key: scope.key.at("class") });
  return surrogate.add(q.entropy()).neg();
}

/** Every style [n, latents] in every class: [n·classes, classes] and [n·classes, latents]. */
function everyClass(z: Value, classes: number): [y: Value, z: Value] {
  const [n, latents] = [z.size(0) as number, z.size(1) as number];
  const shape = [n * classes];
  const data = Int32Array.from({ length: n * classes }, (_, i) => i % classes);
  const same = broadcastTo(expandDims(z, 1), [n, classes, latents]);
  return [
    oneHot(constant({ dtype: "int32", shape, data }), classes),
    reshape(same, [n * classes, latents]),
  ];
}

/** Images of styles from the prior, in every class in turn or all in one. */
function sampleFunction(
  { classes, latents }: FunctionSizes,
  networksOf: (weights: Tree<Value>) => Networks,
  drawn: (networks: Networks, y: Value, z: Value) => Value,
): ModelFunction {
  return {
    summary: "images of classes, of styles from the prior",
    inputs: {
      noise: { dtype: "float32", shape: [B, latents], noise: "normal", description: "the style" },
      label: { dtype: "int32", shape: [B], classes, description: "the class" },
    },
    exported: true,
    build: (weights, { noise, label }) => ({
      image: drawn(networksOf(weights), oneHot(label as Value, classes), noise as Value),
    }),
  };
}
