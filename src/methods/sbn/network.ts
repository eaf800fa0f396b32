import { Bernoulli, type Distribution, Independent } from "../../distributions/index.ts";
import { initLinear, type LinearParams, linear } from "../../nn/index.ts";
import { broadcastTo, cast, concat, less, reshape, sigmoid, slice } from "../../ops/index.ts";
import { ReparamError, type Shape } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";

/** Layers of binary units h₁ … h_L, and what they say of the output. */
export type Network = {
  readonly layers: readonly LinearParams[];
  readonly output: LinearParams;
};

export interface NetworkSizes {
  readonly inputs: number;
  readonly hidden: number;
  readonly layers: number;
  readonly outputs: number;
}

export const initNetwork = (
  key: Key,
  { inputs, hidden, layers, outputs }: NetworkSizes,
): Network => ({
  layers: Array.from({ length: layers }, (_, i) =>
    initLinear(key.at(`layer${i}`), i === 0 ? inputs : hidden, hidden),
  ),
  output: initLinear(key.at("output"), hidden, outputs),
});

/** p(hᵢ₊₁ | hᵢ), where h₀ is the input: rows [N, units] to coins, one event of [hidden] a row. */
export const layerGiven = ({ layers }: Network, i: number, below: Value): Distribution =>
  Independent(Bernoulli({ logits: linear(layers[i] as LinearParams, below) }), 1);

/** log p(y | h_L) in nats, [N], of h [N, hidden] and y [N, outputs]. */
export const logLikelihood = ({ output }: Network, h: Value, y: Value): Value =>
  Independent(Bernoulli({ logits: linear(output, h) }), 1).logProb(y);

/** [m, N, ...] → [m·N, ...]. */
export const mergeSamples = (z: Value): Value => reshape(z, [-1, ...z.shape.slice(2)]);

/** [N, ...] → [m·N, ...], all rows m times. */
export const repeatRows = (x: Value, m: number): Value =>
  m === 1 ? x : mergeSamples(broadcastTo(x, [m, ...x.shape]));

/** The last layer's units from uniform numbers [N, layers, hidden]. */
export function drawUnits(network: Network, x: Value, noise: Value): Value {
  return network.layers.reduce((below, layer, i) => {
    const u = reshape(slice(noise, 1, i, i + 1), [-1, layer.weight.size(1) as number]);
    return cast(less(u, sigmoid(linear(layer, below))), "float32");
  }, x);
}

/** The part of a path that is layer `i`, [..., hidden]. */
export const unitsOf = ({ layers }: Network, path: Value, i: number): Value => {
  const hidden = (path.size(-1) as number) / layers.length;
  return slice(path, -1, i * hidden, (i + 1) * hidden);
};

/**
 * p(h₁, …, h_L | x) as one distribution: an event is the units of all layers one after the other,
 * [layers · hidden]. It has what every estimator by likelihood ratios needs: samples and their probability.
 */
export function unitPaths(network: Network, x: Value): Distribution {
  const { layers } = network;
  const batch = x.size(0);
  const without = (what: string) => (): never => {
    throw new ReparamError(`UnitPaths: the ${what} has no closed form. Estimate it from samples.`);
  };
  return {
    name: "UnitPaths",
    batchShape: [batch],
    eventShape: [layers.length * (layers[0]?.weight.size(1) as number)],
    support: "boolean",
    pathwise: false,
    supportsEnumeration: false,
    sample: (key, sampleShape: Shape = [1]) => {
      const [m] = sampleShape as readonly [number];
      const drawn: Value[] = [];
      for (const i of layers.keys()) {
        const own = key.at(`layer${i}`);
        const below = drawn.at(-1);
        // Of the first layer all samples have one distribution.
        const h =
          below === undefined
            ? mergeSamples(layerGiven(network, 0, x).sample(own, [m]))
            : layerGiven(network, i, below).sample(own);
        drawn.push(h);
      }
      const path = drawn.length === 1 ? (drawn[0] as Value) : concat(drawn, -1);
      return reshape(path, [m, -1, path.size(-1)]);
    },
    pathwiseSample: without("pathwise sample"),
    logProb: (paths) => {
      const m = paths.size(0) as number;
      const terms = layers.map((_, i) => {
        const [below, own] = [i - 1, i].map((k) => k >= 0 && unitsOf(network, paths, k));
        if (!below) return layerGiven(network, 0, x).logProb(own as Value); // [m, B]
        const q = layerGiven(network, i, mergeSamples(below));
        return reshape(q.logProb(mergeSamples(own as Value)), [m, -1]);
      });
      return terms.reduce((a, b) => a.add(b));
    },
    cdf: without("cdf"),
    icdf: without("icdf"),
    entropy: without("entropy"),
    mean: without("mean"),
    variance: without("variance"),
    enumerate: without("list of events"),
  };
}
