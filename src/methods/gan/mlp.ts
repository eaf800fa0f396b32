import { dropout, initializers, type Scope } from "../../nn/index.ts";
import { concat, flatten, leakyRelu, oneHot, relu, reshape, tanh } from "../../ops/index.ts";
import { elementCount } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import { type Dense, dense, initDense, type Weighting } from "./layers.ts";
import type { NetworkSizes, Networks } from "./networks.ts";

type Layers = { readonly layers: readonly Dense[] };

const initLayers = (key: Key, sizes: readonly number[], weighting: Weighting): Layers => ({
  layers: sizes
    .slice(1)
    .map((outputs, i) => initDense(key.at(`layer${i}`), sizes[i] as number, outputs, weighting)),
});

/** Multilayer perceptrons of `layers` hidden layers of `width`, for points and for small images. */
export function mlp(sizes: NetworkSizes): Networks {
  const { row, latents, width, layers, classes, spectral } = sizes;
  const elements = elementCount(row);
  const hidden = Array.from({ length: layers }, () => width);
  const { initializer = initializers.torchUniform } = sizes;
  const images = row.length === 3;
  const through = ({ layers: all }: Layers, x: Value, scope: Scope, to: (x: Value) => Value) =>
    all.reduce((h, layer, i) => {
      const y = dense(layer, h, scope);
      return i === layers ? y : to(y);
    }, x);
  return {
    generator: {
      init: (key) =>
        initLayers(key, [latents + (classes ?? 0), ...hidden, elements], {
          ...{ spectral: false, initializer },
        }),
      rows: (model, z, scope, { label }) => {
        const given =
          label === undefined ? z : concat([z, oneHot(label, classes as number, "float32")], -1);
        const flat = through(model as Layers, given, scope, relu);
        return reshape(images ? tanh(flat) : flat, [-1, ...row]);
      },
    },
    discriminator: {
      features: width,
      init: (key) => initLayers(key, [elements, ...hidden], { spectral, initializer }),
      of: (model, rows, scope) =>
        (model as Layers).layers.reduce(
          (h, layer, i) =>
            dropout(leakyRelu(dense(layer, h, scope), 0.2), sizes.dropout, scope.at(`dropout${i}`)),
          flatten(rows),
        ),
    },
  };
}
