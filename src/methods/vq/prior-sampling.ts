// Images drawn token by token, in one graph: a loop over the places of the grid, in which keys and values of earlier
// places are kept (Pope et al., "Efficiently scaling transformer inference", 2023, section 2.1), and the decoder.
import { type AttentionCache, embedding, type Scope } from "../../nn/index.ts";
import {
  broadcastTo,
  cast,
  cumulativeSum,
  exp,
  expandDims,
  full,
  gather,
  greaterOrEqual,
  lessOrEqual,
  max,
  maximum,
  minimum,
  or,
  range,
  reshape,
  scan,
  slice,
  sum,
  topK,
  transpose,
} from "../../ops/index.ts";
import type { FunctionInput, ModelFunction } from "../../step/index.ts";
import { dim, type Tree } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { type Network, runLayers, tokenLogits } from "../transformer/network.ts";
import type { NetworkSizes } from "../transformer/options.ts";

const B = dim("B");

export interface SamplingParts {
  readonly sizes: NetworkSizes;
  /** Tokens are below this; what begins an image is not. */
  readonly codes: number;
  readonly classes: number | undefined;
  readonly grid: readonly [height: number, width: number];
  readonly networkOf: (weights: Tree<Value>) => Network;
  /** Tokens [B, h, w] as images in [0, 1]. */
  readonly decode: (weights: Tree<Value>, tokens: Value, scope: Scope) => Value;
}

/** More of the likeliest tokens are not put in order, which would take longer than the network. */
const mostOrdered = 256;

/** The token that begins each image, int32 [B, 1]: it stands behind the codes, one a class. */
export const startTokens = (codes: number, rows: Value, label: Value | undefined): Value =>
  label === undefined
    ? broadcastTo(full([1, 1], codes, "int32"), [rows.size(0), 1])
    : expandDims(cast(label, "int32"), 1).add(codes);

/** The function `sample`: noise, and knobs of the choice of tokens, to images and their tokens. */
export function sampleFunction(parts: SamplingParts): ModelFunction {
  const { codes, classes, grid } = parts;
  const [height, width] = grid;
  return {
    summary: "images drawn token by token",
    inputs: samplingInputs(parts),
    exported: true,
    rowsAtOnce: 64,
    build: (weights, { uniform, temperature, topK: most, label }, scope) => {
      const start = startTokens(codes, uniform as Value, classes === undefined ? undefined : label);
      const choose = (logits: Value, at: Value): Value =>
        chooseTokens(logits, at, temperature as Value, most as Value);
      const drawn = drawTokens(parts, parts.networkOf(weights), start, uniform as Value, choose);
      const tokens = reshape(drawn, [-1, height, width]);
      return { image: parts.decode(weights, tokens, scope), tokens };
    },
  };
}

function samplingInputs({ codes, classes, grid }: SamplingParts): ModelFunction["inputs"] {
  const ordered = Math.min(codes, mostOrdered);
  const label: FunctionInput = {
    ...{ dtype: "int32", shape: [B], classes: classes ?? 1 },
    description: "class; all in turn where none is given",
  };
  return {
    uniform: {
      ...{ dtype: "float32", shape: [B, grid[0] * grid[1]], noise: "uniform" },
      description: "where in the cumulated probabilities each token is",
    },
    temperature: {
      ...{ dtype: "float32", shape: [], default: 1 },
      description: "divides the logits: below 1 the likely become likelier; 0 takes the likeliest",
    },
    topK: {
      ...{ dtype: "int32", shape: [], default: 0, below: ordered + 1 },
      description: `choose among this many of the likeliest, ${ordered} at most; 0: among all`,
    },
    ...(classes !== undefined && { label }),
  };
}

interface Drawing {
  /** The last token, int32 [B, 1]. */
  readonly token: Value;
  readonly caches: readonly AttentionCache[];
}

/** Tokens int32 [B, h·w] in raster order, each chosen by the logits [B, codes] that those before it give. */
function drawTokens(
  { sizes, codes }: SamplingParts,
  network: Network,
  start: Value,
  uniform: Value,
  choose: (logits: Value, uniform: Value) => Value,
): Value {
  const { context: places, layers, block } = sizes;
  const { keyValueHeads, keySize, headSize } = block;
  const rows = uniform.size(0);
  const room = (size: number | undefined): Value =>
    full([rows, keyValueHeads as number, places, size as number], 0);
  const caches = Array.from({ length: layers }, () => ({
    keys: room(keySize),
    values: room(headSize),
  }));
  const { outputs } = scan(
    ({ token, caches: before }: Drawing, { place, at }: { place: Value; at: Value }) => {
      const seen = reshape(lessOrEqual(range(places), place), [1, 1, 1, -1]);
      const { y, caches: after } = runLayers(
        network,
        placedAt(network, token, place),
        sizes,
        (i) => ({
          mask: seen,
          cache: { ...(before[i] as AttentionCache), position: place },
          offset: place,
        }),
      );
      const logits = slice(reshape(tokenLogits(network, y), [rows, -1]), 1, 0, codes);
      const next = choose(logits, at);
      return { carry: { token: expandDims(next, 1), caches: after }, output: next };
    },
    { token: start, caches },
    { place: range(places), at: transpose(uniform, [1, 0]) },
  );
  return transpose(outputs, [1, 0]);
}

/** The vector of a token [B, 1] at its place, [B, 1, width]. Other positions than learned ones act in the attention. */
function placedAt({ tokens, positions }: Network, token: Value, place: Value): Value {
  const x = embedding(tokens, token);
  if (positions === undefined) return x;
  return x.add(gather(positions.weight, reshape(cast(place, "int32"), [1]), 0));
}

/**
 * A token of each row by its logits [B, codes]: the first whose cumulated probability is above `uniform` [B], among
 * the `most` likeliest (Fan, Lewis, Dauphin, "Hierarchical neural story generation", 2018) at a temperature. [B]
 */
export function chooseTokens(
  logits: Value,
  uniform: Value,
  temperature: Value,
  most: Value,
): Value {
  const codes = logits.size(1) as number;
  const ordered = Math.min(codes, mostOrdered);
  const [likeliest] = topK(logits, ordered, 1);
  const last = minimum(maximum(most.sub(1), 0), ordered - 1);
  const least = gather(likeliest, reshape(last, [1]), 1); // [B, 1]
  const kept = or(lessOrEqual(most, 0), greaterOrEqual(logits, least));
  const exponents = logits.sub(max(logits, -1, { keepDims: true })).div(maximum(temperature, 1e-5));
  const cumulated = cumulativeSum(exp(exponents).mul(cast(kept, "float32")), 1);
  const threshold = slice(cumulated, 1, -1).mul(expandDims(uniform, 1));
  const passed = sum(cast(lessOrEqual(cumulated, threshold), "int32"), 1);
  return minimum(passed, codes - 1);
}
