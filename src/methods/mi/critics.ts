import { initLinear, type LinearParams, linear, type Model } from "../../nn/index.ts";
import { expandDims, matmul, relu, reshape, slice } from "../../ops/index.ts";
import { ReparamError, ShapeError } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";

/**
 * separable: g(x)·h(y) of two networks (van den Oord, Li, Vinyals 2018); bilinear: xᵀWy;
 * concatenated: one network of the pair (Belghazi et al. 2018), which costs a pass for each pair of the batch.
 */
export const criticKinds = ["separable", "bilinear", "concatenated"] as const;
export type CriticKind = (typeof criticKinds)[number];

/** A function of pairs, T(x, y), for every pair of a batch. */
export interface Critic {
  readonly init: (key: Key) => Model;
  /** x [B, X] and y [B', Y] to T(xᵢ, yⱼ), [B, B']. */
  readonly scores: (params: Model, x: Value, y: Value) => Value;
}

export interface CriticOptions {
  /** Features of x, and of y. */
  readonly sizes: readonly [x: number, y: number];
  /** Features of the hidden layers; 256 by default. */
  readonly hidden?: number;
  /** Hidden layers, ReLU after each; 2 by default. */
  readonly layers?: number;
  /** Size of the vectors whose product a separable critic is; 32 by default. */
  readonly embedding?: number;
}

type Layers = readonly LinearParams[];

const initLayers = (key: Key, widths: readonly number[]): Layers =>
  widths.slice(1).map((width, i) => initLinear(key.at(i), widths[i] as number, width));

const perceptron = (layers: Layers, x: Value): Value =>
  layers.reduce((h, layer, i) => linear(layer, i === 0 ? h : relu(h)), x);

const critic = <P extends Model>(
  init: (key: Key) => P,
  scores: (params: P, x: Value, y: Value) => Value,
): Critic => ({ init, scores: scores as Critic["scores"] });

/** The critic of that kind. */
export function criticOf(kind: CriticKind, options: CriticOptions): Critic {
  const { sizes, hidden = 256, layers = 2, embedding = 32 } = options;
  const [xSize, ySize] = sizes;
  const middle = Array<number>(layers).fill(hidden);
  if (kind === "bilinear") {
    return critic(
      (key) => ({ weight: initLinear(key, xSize, ySize, { bias: false }).weight }),
      ({ weight }, x, y) => matmul(matmul(x, weight), y, { transposeB: true }),
    );
  }
  if (kind === "separable") {
    return critic(
      (key) => ({
        x: initLayers(key.at("x"), [xSize, ...middle, embedding]),
        y: initLayers(key.at("y"), [ySize, ...middle, embedding]),
      }),
      (p, x, y) => matmul(perceptron(p.x, x), perceptron(p.y, y), { transposeB: true }),
    );
  }
  if (layers < 1) throw new ReparamError("a concatenated critic wants at least one hidden layer.");
  return critic(
    (key) => ({
      // The first layer of a concatenation is the sum of a layer of each: B passes in place of B².
      x: initLinear(key.at("x"), xSize, hidden),
      y: initLinear(key.at("y"), ySize, hidden, { bias: false }),
      rest: initLayers(key.at("rest"), [...middle, 1]),
    }),
    (p, x, y) => {
      const pairs = expandDims(linear(p.x, x), 1).add(expandDims(linear(p.y, y), 0)); // (B, B', hidden)
      const rows = reshape(pairs, [-1, hidden]);
      return reshape(perceptron(p.rest, relu(rows)), [-1, y.size(0)]);
    },
  );
}

/** The elements of a square matrix [B, B] beside its diagonal, [B − 1, B] in the order of memory. */
export function offDiagonal(scores: Value): Value {
  const [rows, columns] = scores.shape;
  if (typeof rows !== "number" || rows !== columns || rows < 2) {
    throw new ShapeError(
      "offDiagonal",
      `wants the scores [B, B] of a batch of a fixed size above 1, got ${scores}.`,
    );
  }
  // After its first element a diagonal element comes every B + 1 places: the last column of these rows.
  const rest = slice(reshape(scores, [rows * rows]), 0, 1);
  return slice(reshape(rest, [rows - 1, rows + 1]), 1, 0, rows);
}
