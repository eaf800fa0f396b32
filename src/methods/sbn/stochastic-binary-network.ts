/**
 * Structured output prediction by a network of stochastic binary units: Raiko, Berglund, Alain, Dinh,
 * "Techniques for learning binary stochastic feedforward neural networks" (2015); the comparison of gradient
 * estimators on it is that of Gu, Levine, Sutskever, Mnih, "MuProp" (2016), section 4.1, and Jang, Gu, Poole,
 * "Categorical reparameterization with Gumbel-softmax" (2017), section 4.1.
 *
 *   x: the upper half of an image, y: the lower half;  hᵢ ~ Bernoulli(σ(Wᵢ hᵢ₋₁ + bᵢ)),  h₀ = x
 *   p(y | x) = E_h[p(y | h_L)] ≥ exp E_h[log p(y | h_L)]                  loss = −E_h[log p(y | h_L)]
 *   or, with m samples at once,                         loss = −E[log 1/m Σₖ p(y | h_Lᵏ)]
 *
 * Only the estimate of the gradient through the units differs between estimators: those that know a
 * distribution by its samples and their probability have all layers as one variable, the others are applied
 * to one layer after the other, with the next layer's estimate as the function whose expectation is wanted.
 * Pixels 0 or 1, hᵢ [B, hidden], nats a lower half.
 */
import { z } from "zod";
import { Bernoulli, Independent } from "../../distributions/index.ts";
import { definitionOf, type Objective } from "../../estimators/index.ts";
import type { Scope } from "../../nn/index.ts";
import { full, logSumExp, mean, reshape } from "../../ops/index.ts";
import { adam } from "../../optim/index.ts";
import {
  type DataShape,
  defineMethod,
  gradientStep,
  gradientWeights,
  type Method,
  modelOf,
} from "../../step/index.ts";
import { Key, type Operand, trace, type Value } from "../../trace/index.ts";
import {
  type EstimatorChoice,
  type EstimatorModel,
  estimatorOptions,
  type StochasticNode,
  stochasticNode,
} from "../estimation.ts";
import { temperatureOptions, temperatureSchedule } from "../relaxation.ts";
import { completionFunctions } from "./completion.ts";
import { B, type Halves, halvesOf } from "./halves.ts";
import {
  initNetwork,
  layerGiven,
  logLikelihood,
  mergeSamples,
  type Network,
  type NetworkSizes,
  repeatRows,
  unitPaths,
  unitsOf,
} from "./network.ts";

const options = z.object({
  hidden: z.int().min(1).default(200).describe("binary units of each layer"),
  layers: z.int().min(1).default(2).describe("layers of binary units"),
  ...estimatorOptions("gumbel-softmax"),
  ...temperatureOptions({ floor: 0.5, decay: 0.9999 }),
  dynamicBinarization: z
    .boolean()
    .default(true)
    .describe("draw each pixel anew as 0 or 1 with its grey value as probability"),
  learningRate: z.number().positive().default(1e-3).describe("of Adam"),
  boundSamples: z.int().min(1).default(1000).describe("samples of the bound on −log p(y | x)"),
});

type Options = z.infer<typeof options>;

type Model = { readonly network: Network; readonly estimators: readonly EstimatorModel[] };

/** What draws the units: every layer for itself, or all layers at once. */
interface Nodes {
  readonly whole: boolean;
  readonly nodes: readonly StochasticNode[];
}

function nodesOf(o: Options, sizes: NetworkSizes): Nodes {
  const paths = () => unitPaths(initNetwork(new Key("paths"), sizes), full([1, sizes.inputs], 0));
  let whole = false;
  trace(() => {
    whole = definitionOf(o.estimator).refusal(paths()) === undefined;
    return {};
  }, {});
  if (whole) {
    const latent = o.layers * o.hidden;
    return { whole, nodes: [stochasticNode(o, { input: sizes.inputs, latent, q: paths })] };
  }
  const units = () => Independent(Bernoulli({ logits: full([1, o.hidden], 0) }), 1);
  const nodes = Array.from({ length: o.layers }, (_, i) =>
    stochasticNode(i === 0 ? o : ofOneSample(o), {
      ...{ input: i === 0 ? sizes.inputs : o.hidden, latent: o.hidden, q: units },
    }),
  );
  return { whole, nodes };
}

/** Several samples are several of the first layer, and one of the rest for each. */
const ofOneSample = ({ estimator, baseline, bound }: EstimatorChoice): EstimatorChoice => ({
  ...{ estimator, bound },
  baseline: baseline === "leave-one-out" ? undefined : baseline,
});

interface Given {
  readonly model: Model;
  readonly scope: Scope;
  readonly temperature: Operand;
}

/** The surrogate of E log p(y | h_L), or of the multi-sample bound, [N], of rows x and y. */
function surrogate({ whole, nodes }: Nodes, given: Given, x: Value, y: Value): Value {
  return whole ? ofPaths(nodes[0] as StochasticNode, given, x, y) : ofLayers(nodes, 0, given, x, y);
}

function ofPaths(node: StochasticNode, given: Given, x: Value, y: Value): Value {
  const { model, scope } = given;
  const { network } = model;
  const q = unitPaths(network, x);
  const f: Objective = (paths) => {
    const m = paths.size(0) as number;
    const last = mergeSamples(unitsOf(network, paths, network.layers.length - 1));
    const likelihood = reshape(logLikelihood(network, last, repeatRows(y, m)), [m, -1]);
    // A bound is given the joint density; its q is the model's own p(h | x), which cancels.
    return node.target === "objective" ? likelihood : likelihood.add(q.logProb(paths));
  };
  return node.estimate(model.estimators[0], q, f, { scope, input: x });
}

function ofLayers(
  nodes: readonly StochasticNode[],
  i: number,
  given: Given,
  below: Value,
  y: Value,
): Value {
  const { model, scope, temperature } = given;
  const node = nodes[i];
  if (node === undefined) return logLikelihood(model.network, below, y);
  const f: Objective = (units, pass) => {
    const m = units.size(0) as number;
    const inner = pass === "sample" ? scope.at("next") : scope.reading(pass);
    const rest = { ...given, scope: inner };
    const above = ofLayers(nodes, i + 1, rest, mergeSamples(units), repeatRows(y, m));
    return reshape(above, [m, -1]);
  };
  const q = layerGiven(model.network, i, below);
  return node.estimate(model.estimators[i], q, f, { scope, input: below, temperature });
}

/** log 1/m Σₖ p(y | h_Lᵏ) of m samples of every row, [B]. */
function logMeanLikelihood(network: Network, { x, y }: Halves, key: Key, m: number): Value {
  const paths = unitPaths(network, x).sample(key, [m]);
  const last = mergeSamples(unitsOf(network, paths, network.layers.length - 1));
  const each = reshape(logLikelihood(network, last, repeatRows(y, m)), [m, -1]);
  return logSumExp(each, 0).sub(Math.log(m));
}

function create(o: Options, data: DataShape): Method {
  const halves = halvesOf(data);
  const sizes = {
    ...{ inputs: halves.upper, outputs: halves.lower },
    ...{ hidden: o.hidden, layers: o.layers },
  };
  const nodes = nodesOf(o, sizes);
  const annealed = definitionOf(o.estimator).options.includes("temperature");
  const tau = temperatureSchedule(o);
  const image = { dtype: "uint8", shape: [B, ...halves.image], description: "bytes" } as const;
  const negativeBound = (weights: Value | object, bytes: Value, scope: Scope, m: number): Value => {
    const { network } = modelOf<Model>(weights as never);
    const split = halves.split(bytes, o.dynamicBinarization, scope);
    return logMeanLikelihood(network, split, scope.key.at("units"), m).neg();
  };

  return {
    name: "stochastic-binary-network",
    phases: [
      gradientStep({
        batch: { image: { dtype: "uint8", shape: [B, ...halves.image] } },
        init: (key): Model => ({
          network: initNetwork(key.at("network"), sizes),
          estimators: nodes.nodes.map((node, i) => node.init(key.at(`estimator${i}`))),
        }),
        loss: (model, batch, scope, step) => {
          const { x, y } = halves.split(batch.image as Value, o.dynamicBinarization, scope);
          const temperature = tau(step);
          const given = { model, scope: scope.at("units"), temperature };
          const loss = mean(surrogate(nodes, given, x, y)).neg();
          return annealed ? { loss, temperature } : { loss };
        },
        optimizer: adam({ learningRate: o.learningRate }),
      }),
    ],
    weights: gradientWeights,
    functions: {
      ...completionFunctions(halves, o, (weights) => modelOf<Model>(weights).network),
      evaluate: {
        summary: "bound on −log p(lower half | upper half) by one sample of the units, in nats",
        inputs: { image },
        exported: false,
        build: (weights, inputs, scope) => ({
          negativeSingleSampleBound: negativeBound(weights, inputs.image as Value, scope, 1),
        }),
      },
      bound: {
        summary: `bound on −log p(lower half | upper half) with ${o.boundSamples} samples, in nats`,
        inputs: { image },
        exported: false,
        build: (weights, inputs, scope) => ({
          negativeBound: negativeBound(weights, inputs.image as Value, scope, o.boundSamples),
        }),
      },
    },
    preprocessing:
      "image: bytes 0 … 255, [batch, channels, height, width]; divided by 255 in the graph",
  };
}

export const stochasticBinaryNetwork = defineMethod({
  name: "stochastic-binary-network",
  summary: "Lower half of an image from its upper half by stochastic binary units",
  paper:
    "Raiko, Berglund, Alain, Dinh, Techniques for learning binary stochastic feedforward neural networks (2015), equation 1; Gu, Levine, Sutskever, Mnih, MuProp (2016), section 4.1",
  options,
  training: { batchSize: 100, epochs: 10 },
  create,
});
