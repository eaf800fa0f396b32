import {
  type EmbeddingParams,
  embedding,
  initEmbedding,
  initializers,
  initLinear,
  type LinearParams,
  linear,
  timeFeatures,
} from "../../nn/index.ts";
import { silu } from "../../ops/index.ts";
import type { Network, NetworkSizes } from "./network.ts";
import type { Options } from "./options.ts";

type Block = {
  readonly wide: LinearParams;
  readonly time: LinearParams;
  readonly narrow: LinearParams;
};
type Mlp = {
  readonly time1: LinearParams;
  readonly time2: LinearParams;
  readonly classes?: EmbeddingParams;
  readonly input: LinearParams;
  readonly blocks: readonly Block[];
  readonly output: LinearParams;
};

/** Residual blocks h + narrow(silu(wide(silu(h)) + time)) between two linear layers, for points [D]. */
export function mlpNetwork(o: Options, { row, classes }: NetworkSizes): Network {
  const [size] = row as [number];
  const features = 2 * Math.ceil(o.width / 2);
  const zero = { initializer: initializers.zeros, biasInitializer: initializers.zeros };
  return {
    init: (key): Mlp => ({
      time1: initLinear(key.at("time1"), features, features),
      time2: initLinear(key.at("time2"), features, features),
      ...(classes !== undefined && {
        classes: initEmbedding(key.at("classes"), classes + 1, features),
      }),
      input: initLinear(key.at("input"), size, features),
      blocks: Array.from({ length: o.layers }, (_, i) => ({
        wide: initLinear(key.at("wide").at(i), features, 2 * features),
        time: initLinear(key.at("time").at(i), features, 2 * features),
        narrow: initLinear(key.at("narrow").at(i), 2 * features, features, zero),
      })),
      output: initLinear(key.at("output"), features, size, zero),
    }),
    apply: (model, x, conditioning, { label }) => {
      const m = model as unknown as Mlp;
      const first = silu(linear(m.time1, timeFeatures(conditioning, features)));
      const time = linear(m.time2, first);
      const told = silu(m.classes && label ? time.add(embedding(m.classes, label)) : time);
      let h = linear(m.input, x);
      for (const block of m.blocks) {
        const inner = silu(linear(block.wide, silu(h)).add(linear(block.time, told)));
        h = h.add(linear(block.narrow, inner));
      }
      return linear(m.output, silu(h));
    },
  };
}
