/**
 * Vector quantization by a table of vectors.
 *
 *   k = argmin ‖z − e_i‖,   values = e_k with the gradient towards z (straight-through, or by a rotation),
 *   losses: codebookWeight·‖e_k − sg(z)‖² + commitmentWeight·‖z − sg(e_k)‖², means over all numbers
 *
 * van den Oord, Vinyals, Kavukcuoglu, "Neural discrete representation learning" (2017), equation 3, where the
 * commitment's weight is β. The codebook is trained by its term of the loss; or it is the moving average of the
 * vectors that chose each code (its appendix A.1; Razavi, van den Oord, Vinyals, "Generating diverse high-fidelity
 * images with VQ-VAE-2", 2019):
 *   N_i ← decay·N_i + (1 − decay)·n_i,   m_i ← decay·m_i + (1 − decay)·Σ z,   e_i = m_i / N_i;
 * or, as SimVQ (Zhu, Li, Xin, Xu, "Addressing representation collapse in vector quantized models with one linear
 * layer", 2024), a fixed random table times a trained matrix, which moves all codes together.
 */
import {
  broadcastTo,
  concat,
  customGradient,
  expandDims,
  full,
  gather,
  matmul,
  maximum,
  mean,
  norm,
  reshape,
  scatterAlongAxis,
  slice,
  stopGradient,
  straightThrough,
  sum,
  where,
} from "../../ops/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import { leCunNormal, normal, uniform } from "../initializers.ts";
import { buffer, ModelBuffer, type Scope } from "../scope.ts";
import { nearestCodes } from "./nearest.ts";
import { checkTable, defineQuantizer, type Lookup, type Quantizer, rowsOf } from "./quantizer.ts";
import {
  deadCodes,
  drawVectors,
  initUsage,
  trackUsage,
  type Usage,
  type UsageOptions,
} from "./usage.ts";

export interface VectorQuantizerOptions extends UsageOptions {
  readonly dimension: number;
  readonly codes: number;
  /** How the codebook is trained. Default "gradient". */
  readonly codebook?: "gradient" | "moving-average" | "linear";
  /** Default 1. A moving average needs none. */
  readonly codebookWeight?: number;
  /** Default 0.25. */
  readonly commitmentWeight?: number;
  /** Of moving averages. Default 0.99. */
  readonly decay?: number;
  /** "cosine" compares directions: vectors and codes are scaled to length 1. Default "euclidean". */
  readonly distance?: "euclidean" | "cosine";
  /** How the gradient passes. Default "straight-through". */
  readonly gradient?: "straight-through" | "rotation";
}

type Settings = Required<VectorQuantizerOptions>;

type TableParams = {
  /** [codes, dimension]: a parameter, a moving average, or fixed. */
  readonly codebook: Value | ModelBuffer;
  readonly usage?: Usage;
  /** Of a moving average: N [codes] and m [codes, dimension]. */
  readonly counts?: ModelBuffer;
  readonly sums?: ModelBuffer;
  /** Of a fixed table: [dimension, dimension]. */
  readonly weight?: Value;
};

/** Throws where codes and dimension are no positive integers, or too large for the memory. */
export function vectorQuantizer(options: VectorQuantizerOptions): Quantizer {
  const settings = complete(options);
  const { dimension, codes } = settings;
  checkTable("vectorQuantizer", codes, dimension);
  return defineQuantizer<TableParams>({
    name: "vectorQuantizer",
    dimension,
    codebooks: [codes],
    init: (key) => initTable(key, settings),
    quantize: (params, z, scope) => quantize(params, z, scope, settings),
    lookup: (params, indices) =>
      gather(compared(tableOf(params), settings), reshape(indices, indices.shape.slice(0, -1)), 0),
  });
}

function complete(options: VectorQuantizerOptions): Settings {
  const settings: Settings = {
    ...{ codebook: "gradient", codebookWeight: 1, commitmentWeight: 0.25, decay: 0.99 },
    ...{ distance: "euclidean", gradient: "straight-through", window: 100, reviveAfter: 0 },
    ...options,
  };
  if (!(settings.decay >= 0 && settings.decay < 1)) {
    throw new ReparamError(
      `vectorQuantizer: decay must be at least 0 and below 1, got ${settings.decay}.`,
    );
  }
  if (settings.codebook === "linear" && settings.reviveAfter > 0) {
    throw new ReparamError(
      "vectorQuantizer: a fixed table times a matrix has no codes to revive. Leave out reviveAfter.",
    );
  }
  return settings;
}

/** Uniform on ±1/codes, as the paper's authors start; a fixed table is normal. */
function initTable(key: Key, { codes, dimension, codebook, ...options }: Settings): TableParams {
  const fans = { fanIn: dimension, fanOut: dimension };
  const start = codebook === "linear" ? normal(dimension ** -0.5) : uniform(1 / codes);
  const table = start(key.at("codebook"), [codes, dimension], fans);
  const counted = initUsage(codes, options);
  const usage = counted === undefined ? {} : { usage: counted };
  if (codebook === "gradient") return { codebook: table, ...usage };
  if (codebook === "linear") {
    const weight = leCunNormal(key.at("weight"), [dimension, dimension], fans);
    return { codebook: buffer(table), weight, ...usage };
  }
  const counts = buffer(full([codes], 1));
  return { codebook: buffer(table), counts, sums: buffer(table), ...usage };
}

/** The codes [codes, dimension]. */
function tableOf({ codebook, weight }: TableParams): Value {
  const table = codebook instanceof ModelBuffer ? codebook.value : codebook;
  return weight === undefined ? table : matmul(table, weight);
}

/** x/‖x‖ over the last axis. */
const unitVectors = (x: Value): Value =>
  x.div(maximum(norm(x.add(1e-12), -1, { keepDims: true }), 1e-6));

const compared = (x: Value, { distance }: Settings): Value =>
  distance === "cosine" ? unitVectors(x) : x;

function quantize(params: TableParams, z: Value, scope: Scope, settings: Settings) {
  const vectors = compared(rowsOf(z), settings); // [N, D]
  const codebook = compared(tableOf(params), settings);
  const indices = nearestCodes(stopGradient(vectors), stopGradient(codebook)); // [N]
  const chosen = gather(codebook, indices, 0); // [N, D]
  const values =
    settings.gradient === "rotation"
      ? rotated(stopGradient(chosen), vectors)
      : straightThrough(chosen, vectors);
  const statistics = trackUsage(params.usage, indices, scope, settings);
  const given = { path: "codebook", vectors: stopGradient(vectors), indices };
  const revival = scope.train ? revivalOf(params, given.vectors, scope, settings) : undefined;
  if (scope.train) moveAverages(params, given, revival, scope, settings);
  const lookup = params.codebook instanceof ModelBuffer || !revival ? given : { ...given, revival };
  return {
    values: reshape(values, z.shape),
    indices: reshape(indices, [...z.shape.slice(0, -1), 1]),
    losses: lossesOf(vectors, chosen, settings),
    statistics,
    lookups: settings.codebook === "linear" ? [] : [lookup],
  };
}

const squaredError = (a: Value, b: Value): Value => mean(a.sub(b).square());

function lossesOf(
  vectors: Value,
  chosen: Value,
  { codebook, codebookWeight, commitmentWeight }: Settings,
): Readonly<Record<string, Value>> {
  const commitment = squaredError(vectors, stopGradient(chosen)).mul(commitmentWeight);
  if (codebook === "moving-average") return { commitment };
  return { codebook: squaredError(chosen, stopGradient(vectors)).mul(codebookWeight), commitment };
}

/**
 * The codes q with the gradient of a rotation and scaling that takes z to q, both held constant: of one angle and
 * one factor, so that directions relative to z are kept. With unit vectors ẑ, q̂ and r = (ẑ + q̂)/‖ẑ + q̂‖,
 *   q = λ·(I − 2rrᵀ + 2q̂ẑᵀ)·z,   λ = ‖q‖/‖z‖
 * Fifty, Junkins, Duan, Iyengar, Liu, Amid, Thrun, Ré, "Restructuring vector quantization with the rotation trick"
 * (2024), section 4.
 */
export function rotated(q: Value, z: Value): Value {
  const length = (x: Value): Value => maximum(norm(x.add(1e-12), -1, { keepDims: true }), 1e-6);
  const dot = (a: Value, b: Value): Value => sum(a.mul(b), -1, { keepDims: true });
  return customGradient(q, [z], (dy) => {
    const from = z.div(length(z));
    const to = q.div(length(q));
    const between = from.add(to);
    const r = between.div(length(between));
    // The transpose of the matrix, times dy.
    const turned = dy.sub(r.mul(dot(r, dy)).mul(2)).add(from.mul(dot(to, dy)).mul(2));
    return [turned.mul(length(q).div(length(z)))];
  });
}

type Revival = NonNullable<Lookup["revival"]>;

function revivalOf(
  { usage }: TableParams,
  vectors: Value,
  scope: Scope,
  { codes, reviveAfter }: Settings,
): Revival | undefined {
  if (reviveAfter === 0 || usage === undefined) return undefined;
  return {
    dead: expandDims(deadCodes(usage, reviveAfter), -1),
    vectors: drawVectors(scope.key.at("revival"), vectors, codes),
  };
}

/** Of Laplace's smoothing of the counts. */
const smoothing = 1e-5;

/** Writes the next moving averages, where there are some. */
function moveAverages(
  { codebook, counts, sums }: TableParams,
  { vectors, indices }: Lookup,
  revival: Revival | undefined,
  scope: Scope,
  { codes, dimension, decay }: Settings,
): void {
  if (counts === undefined || sums === undefined) return;
  const counted = concat([vectors, full([vectors.size(0), 1], 1)], 1); // [N, D + 1]
  const at = broadcastTo(expandDims(indices, -1), counted.shape);
  const added = scatterAlongAxis(counted, at, 0, codes); // [K, D + 1]
  const average = (old: Value, now: Value): Value => old.mul(decay).add(now.mul(1 - decay));
  const number = average(counts.value, reshape(slice(added, 1, dimension, dimension + 1), [codes]));
  const total = average(sums.value, slice(added, 1, 0, dimension));
  const all = sum(number);
  const smooth = number.add(smoothing).mul(all.div(all.add(codes * smoothing)));
  const revived = (now: Value, then: Value, dead: Value): Value => where(dead, then, now);
  const next = total.div(expandDims(smooth, -1));
  const [table, ns, ms] =
    revival === undefined
      ? [next, number, total]
      : [
          revived(next, revival.vectors, revival.dead),
          revived(number, full([codes], 1), reshape(revival.dead, [codes])),
          revived(total, revival.vectors, revival.dead),
        ];
  scope.update(codebook as ModelBuffer, table);
  scope.update(counts, ns);
  scope.update(sums, ms);
}
