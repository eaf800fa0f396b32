/**
 * RealNVP, an invertible network with a tractable density: Dinh, Sohl-Dickstein, Bengio, "Density estimation
 * using Real NVP" (2017).
 *
 *   log p(x) = log N(f(x); 0, I) + log |det ∂f/∂xᵀ|                    (equations 2, 3)
 *   f is a chain of affine couplings, mask b alternating between the layers:
 *   y = b⊙x + (1 − b)⊙(x⊙exp(s(b⊙x)) + t(b⊙x))                      (equations 4, 5, 9)
 *   x = b⊙y + (1 − b)⊙(y − t(b⊙y))⊙exp(−s(b⊙y))                        (equations 7, 8)
 *   log |det ∂y/∂xᵀ| = Σⱼ (1 − b)ⱼ·s(b⊙x)ⱼ                                 (equation 6)
 *   loss = −E[log p(x)]
 *
 * x and z [B, D]; log-densities in nats a sample.
 */
import { z } from "zod";
import { Normal } from "../../distributions/index.ts";
import { initializers, initLinear, type LinearParams, linear } from "../../nn/index.ts";
import { constant, exp, mean, relu, sum, tanh } from "../../ops/index.ts";
import { adam } from "../../optim/index.ts";
import {
  type DataShape,
  defineMethod,
  gradientStep,
  gradientWeights,
  type Method,
  modelOf,
} from "../../step/index.ts";
import { dim, ReparamError, tensorOf } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";

const options = z.object({
  layers: z
    .int()
    .min(2)
    .default(8)
    .describe("affine couplings; each moves every second coordinate"),
  hidden: z.int().min(1).default(64).describe("features of both hidden layers of s and t"),
  logScaleBound: z
    .number()
    .positive("must be above 0")
    .default(2)
    .describe("most that a coupling's log-scale s can be, by tanh"),
  learningRate: z.number().positive("must be above 0").default(1e-3).describe("of Adam"),
});

type Options = z.infer<typeof options>;

/** The networks of one coupling: s and t share their hidden layers. */
type Coupling = {
  readonly first: LinearParams;
  readonly second: LinearParams;
  readonly logScale: LinearParams;
  readonly shift: LinearParams;
};

type RealNvp = { readonly couplings: readonly Coupling[] };

/** The flow in both directions. */
interface Flow {
  readonly init: (key: Key) => RealNvp;
  /** x [B, D] → z [B, D] and log p(x) [B]. */
  readonly encode: (model: RealNvp, x: Value) => { latent: Value; logDensity: Value };
  /** z [B, D] → x [B, D]. */
  readonly decode: (model: RealNvp, z: Value) => Value;
}

/** Starts as the identity: s = t = 0. */
function initCoupling(key: Key, size: number, hidden: number): Coupling {
  const zero = { initializer: initializers.zeros, biasInitializer: initializers.zeros };
  return {
    first: initLinear(key.at("first"), size, hidden),
    second: initLinear(key.at("second"), hidden, hidden),
    logScale: initLinear(key.at("logScale"), hidden, size, zero),
    shift: initLinear(key.at("shift"), hidden, size, zero),
  };
}

/** The coordinates that layer i moves, 1 − b: every second one, the others in the next layer. */
const movedBy = (i: number, size: number): Value =>
  constant(
    tensorOf(
      Array.from({ length: size }, (_, j) => (i + j) % 2),
      [size],
    ),
  );

function createFlow(size: number, { layers, hidden, logScaleBound }: Options): Flow {
  /** (1 − b)⊙s and (1 − b)⊙t: with these, both directions leave b⊙x alone. */
  const scaleAndShift = (coupling: Coupling, x: Value, i: number): { s: Value; t: Value } => {
    const moved = movedBy(i, size);
    const kept = x.mul(moved.neg().add(1));
    const features = relu(linear(coupling.second, relu(linear(coupling.first, kept))));
    const s = tanh(linear(coupling.logScale, features)).mul(logScaleBound);
    return { s: s.mul(moved), t: linear(coupling.shift, features).mul(moved) };
  };
  return {
    init: (key) => ({
      couplings: Array.from({ length: layers }, (_, i) => initCoupling(key.at(i), size, hidden)),
    }),
    encode: ({ couplings }, x) => {
      let latent = x;
      let logDeterminant: Value | undefined;
      for (const [i, coupling] of couplings.entries()) {
        const { s, t } = scaleAndShift(coupling, latent, i);
        latent = latent.mul(exp(s)).add(t);
        logDeterminant = logDeterminant === undefined ? s : logDeterminant.add(s);
      }
      const logPrior = Normal({ mean: 0, std: 1 }).logProb(latent);
      return { latent, logDensity: sum(logPrior.add(logDeterminant as Value), -1) };
    },
    decode: ({ couplings }, latent) =>
      couplings.reduceRight((y, coupling, i) => {
        const { s, t } = scaleAndShift(coupling, y, i);
        return y.sub(t).mul(exp(s.neg()));
      }, latent),
  };
}

const B = dim("B");

/** Coordinates of a point. Throws if the data are not points. */
function pointSize({ columns: { x } }: DataShape): number {
  const size = x?.shape[1];
  if (x?.dtype === "float32" && x.shape.length === 2 && typeof size === "number" && size > 1) {
    return size;
  }
  throw new ReparamError(
    "real-nvp wants points: a data set with a column x of float32 [2] or longer, such as --data two-moons.",
  );
}

function create(o: Options, data: DataShape): Method {
  const size = pointSize(data);
  const flow = createFlow(size, o);
  return {
    name: "real-nvp",
    phases: [
      gradientStep({
        batch: { x: { dtype: "float32", shape: [B, size] } },
        init: flow.init,
        loss: (model, { x }) => ({ loss: mean(flow.encode(model, x as Value).logDensity).neg() }),
        optimizer: adam({ learningRate: o.learningRate }),
      }),
    ],
    weights: gradientWeights,
    functions: functionsOf(flow, size),
    preprocessing: "x: float32 [batch, size], as in the training data",
  };
}

function functionsOf(flow: Flow, size: number): Method["functions"] {
  const x = { dtype: "float32", shape: [B, size], description: "points" } as const;
  const latent = { dtype: "float32", shape: [B, size], description: "N(0, 1)" } as const;
  const temperature = {
    dtype: "float32",
    shape: [],
    default: 1,
    description: "standard deviation of the latents",
  } as const;
  return {
    sample: {
      summary: "points of latents from the prior",
      inputs: { noise: { ...latent, noise: "normal" }, temperature },
      exported: true,
      build: (weights, { noise, temperature: scale }) => ({
        x: flow.decode(modelOf(weights), (noise as Value).mul(scale as Value)),
      }),
    },
    encode: {
      summary: "points to latents, and the log-density of the points in nats",
      inputs: { x },
      exported: true,
      build: (weights, inputs) => flow.encode(modelOf(weights), inputs.x as Value),
    },
    decode: {
      summary: "latents to points",
      inputs: { latent },
      exported: true,
      build: (weights, { latent: z }) => ({ x: flow.decode(modelOf(weights), z as Value) }),
    },
    evaluate: {
      summary: "negative log-likelihood of each point, in nats",
      inputs: { x },
      exported: false,
      build: (weights, inputs) => {
        const { logDensity } = flow.encode(modelOf(weights), inputs.x as Value);
        return { negativeLogLikelihood: logDensity.neg() };
      },
    },
  };
}

export const realNvp = defineMethod({
  name: "real-nvp",
  summary: "Normalizing flow of affine couplings",
  paper: "Dinh, Sohl-Dickstein, Bengio, Density estimation using Real NVP (2017), equations 2 to 9",
  options,
  training: { batchSize: 256, epochs: 30, data: "two-moons" },
  create,
});
