// Quantizers made of others: what is left over quantized again, parts of a vector by themselves, and few dimensions
// for the comparison.
import { concat, reshape, split, stopGradient, straightThrough } from "../../ops/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { initLinear, type LinearParams, linear } from "../linear.ts";
import type { Model } from "../scope.ts";
import { defineQuantizer, type Lookup, type Quantized, type Quantizer } from "./quantizer.ts";
import { addLosses, meanStatistics } from "./usage.ts";

type StageParams = { readonly stages: readonly Model[] };

const under = (path: string, lookups: readonly Lookup[]): Lookup[] =>
  lookups.map((lookup) => ({ ...lookup, path: `${path}.${lookup.path}` }));

/** What several quantizers say together, but for the values. */
const together = (parts: readonly Quantized[]): Omit<Quantized, "values"> => ({
  indices: concat(
    parts.map(({ indices }) => indices),
    -1,
  ),
  losses: addLosses(parts.map(({ losses }) => losses)),
  statistics: meanStatistics(parts.map(({ statistics }) => statistics)),
  lookups: parts.flatMap(({ lookups }, i) => under(`stages.${i}`, lookups)),
});

function checkSome(name: string, parts: readonly Quantizer[]): void {
  if (parts.length === 0) throw new ReparamError(`${name}: wants at least one quantizer.`);
}

/** Indices of all parts, cut apart: part i gets as many as it has codebooks. */
const indicesOf = (indices: Value, parts: readonly Quantizer[]): Value[] =>
  split(
    indices,
    -1,
    parts.map(({ codebooks }) => codebooks.length),
  );

/**
 * Residual quantization: each stage quantizes what the ones before it left over, and the values add up. The gradient
 * passes once, straight through the sum. Zeghidour, Luebs, Omran, Skoglund, Tagliasacchi, "SoundStream: an end-to-end
 * neural audio codec" (2021), algorithm 1.
 */
export function residual(stages: readonly Quantizer[]): Quantizer {
  checkSome("residual", stages);
  const dimension = (stages[0] as Quantizer).dimension;
  const other = stages.find((stage) => stage.dimension !== dimension);
  if (other !== undefined) {
    throw new ReparamError(
      `residual: all stages must have one dimension, got ${dimension} and ${other.dimension}.`,
    );
  }
  return defineQuantizer<StageParams>({
    name: "residual",
    dimension,
    codebooks: stages.flatMap(({ codebooks }) => codebooks),
    init: (key) => ({ stages: stages.map((stage, i) => stage.init(key.at(i))) }),
    quantize: (params, z, scope) => {
      const parts: Quantized[] = [];
      let rest = z;
      for (const [i, stage] of stages.entries()) {
        const part = stage.quantize(params.stages[i] as Model, rest, scope.at(`stage${i}`));
        rest = rest.sub(stopGradient(part.values));
        parts.push(part);
      }
      const total = parts.map(({ values }) => values).reduce((a, b) => a.add(b));
      return { values: straightThrough(total, z), ...together(parts) };
    },
    lookup: (params, indices) =>
      indicesOf(indices, stages)
        .map((own, i) => (stages[i] as Quantizer).lookup(params.stages[i] as Model, own))
        .reduce((a, b) => a.add(b)),
  });
}

/** Product quantization: the vector is cut into parts, each with a quantizer of its own. */
export function product(parts: readonly Quantizer[]): Quantizer {
  checkSome("product", parts);
  const sizes = parts.map(({ dimension }) => dimension);
  return defineQuantizer<StageParams>({
    name: "product",
    dimension: sizes.reduce((a, b) => a + b, 0),
    codebooks: parts.flatMap(({ codebooks }) => codebooks),
    init: (key) => ({ stages: parts.map((part, i) => part.init(key.at(i))) }),
    quantize: (params, z, scope) => {
      const found = split(z, -1, sizes).map((own, i) =>
        (parts[i] as Quantizer).quantize(params.stages[i] as Model, own, scope.at(`part${i}`)),
      );
      const values = found.map((part) => part.values);
      return { values: concat(values, -1), ...together(found) };
    },
    lookup: (params, indices) =>
      concat(
        indicesOf(indices, parts).map((own, i) =>
          (parts[i] as Quantizer).lookup(params.stages[i] as Model, own),
        ),
        -1,
      ),
  });
}

/** Several heads with one codebook: the vector is cut into equal parts, all quantized by the same codes. */
export function sharedHeads(inner: Quantizer, heads: number): Quantizer {
  if (!Number.isInteger(heads) || heads < 1) {
    throw new ReparamError(`sharedHeads: heads must be a positive integer, got ${heads}.`);
  }
  const width = inner.codebooks.length;
  return defineQuantizer<{ readonly inner: Model }>({
    name: "sharedHeads",
    dimension: heads * inner.dimension,
    codebooks: Array.from({ length: heads }, () => inner.codebooks).flat(),
    init: (key) => ({ inner: inner.init(key) }),
    quantize: (params, z, scope) => {
      const before = z.shape.slice(0, -1);
      const cut = reshape(z, [...before, heads, inner.dimension]);
      const found = inner.quantize(params.inner, cut, scope);
      return {
        ...found,
        values: reshape(found.values, z.shape),
        indices: reshape(found.indices, [...before, heads * width]),
        lookups: under("inner", found.lookups),
      };
    },
    lookup: (params, indices) => {
      const before = indices.shape.slice(0, -1);
      const values = inner.lookup(params.inner, reshape(indices, [...before, heads, width]));
      return reshape(values, [...before, heads * inner.dimension]);
    },
  });
}

type ProjectedParams = {
  readonly inner: Model;
  readonly down: LinearParams;
  readonly up: LinearParams;
};

/**
 * Codes in few dimensions for vectors of many: a linear layer before the comparison, and one after it. Yu et al.,
 * "Vector-quantized image modeling with improved VQGAN" (2022), section 3.2.
 */
export const projected = (inner: Quantizer, dimension: number): Quantizer =>
  defineQuantizer<ProjectedParams>({
    name: "projected",
    dimension,
    codebooks: inner.codebooks,
    init: (key) => ({
      inner: inner.init(key.at("inner")),
      down: initLinear(key.at("down"), dimension, inner.dimension),
      up: initLinear(key.at("up"), inner.dimension, dimension),
    }),
    quantize: (params, z, scope) => {
      const found = inner.quantize(params.inner, linear(params.down, z), scope);
      const values = linear(params.up, found.values);
      return { ...found, values, lookups: under("inner", found.lookups) };
    },
    lookup: (params, indices) => linear(params.up, inner.lookup(params.inner, indices)),
  });
