import { ReparamError, scalar, type Tensor } from "../tensor/index.ts";
import type { CompiledFunction } from "./compile-function.ts";
import { type NamedTensors, sampleRows } from "./functions.ts";

/** A mean over seeds, with its standard error: 0 of a single seed. */
export interface SeedMean {
  readonly mean: number;
  readonly standardError: number;
}

/** What a value of a knob gives. */
export interface KnobPoint {
  readonly value: number;
  /** Of each seed. */
  readonly distances: readonly number[];
  readonly distance: SeedMean;
  /** Less the distance at the knob's default with the same noise: what is common to both cancels. */
  readonly gain: SeedMean;
}

export interface KnobTuning {
  readonly knob: string;
  /** The knob's default, which every gain is against. */
  readonly reference: number;
  readonly points: readonly KnobPoint[];
  /** Of the least mean distance. */
  readonly best: KnobPoint;
}

export interface TuneKnobOptions {
  readonly knob: string;
  readonly values: readonly number[];
  /** Samples of each value and seed. */
  readonly count: number;
  /** Of the noise: every value of the knob gets the same. */
  readonly seeds: readonly number[];
  /** How far drawn samples are from real ones. */
  readonly distance: (samples: Record<string, Tensor>) => Promise<number>;
  /** Other inputs of the function. */
  readonly inputs?: NamedTensors;
  readonly onProgress?: (done: number, of: number) => void;
}

/**
 * Samples with each of some values of a knob, and measures how far they are from real data. All values get the same
 * noise (common random numbers), so that differences between them are much surer than the distances themselves.
 * Throws where the function has no such knob.
 */
export async function tuneKnob(
  compiled: CompiledFunction,
  { knob, values, count, seeds, distance, inputs = {}, onProgress }: TuneKnobOptions,
): Promise<KnobTuning> {
  const spec = compiled.definition.inputs[knob];
  if (spec?.default === undefined || spec.shape.length > 0) {
    const knobs = Object.entries(compiled.definition.inputs)
      .filter(([, input]) => input.default !== undefined && input.shape.length === 0)
      .map(([name]) => name);
    throw new ReparamError(
      `${compiled.name} has no knob "${knob}". It has ${knobs.join(", ") || "none: its network has no parts with factors"}.`,
    );
  }
  const reference = spec.default;
  const all = [...new Set([reference, ...values])];
  const found = new Map<number, number[]>(all.map((value) => [value, []]));
  let done = 0;
  for (const seed of seeds) {
    for (const value of all) {
      const given = { ...inputs, [knob]: scalar(value, spec.dtype) };
      const samples = await sampleRows(compiled, count, { seed, inputs: given });
      found.get(value)?.push(await distance(samples));
      onProgress?.(++done, all.length * seeds.length);
    }
  }
  const atDefault = found.get(reference) as number[];
  const points = [...found]
    .map(([value, distances]): KnobPoint => {
      const gains = distances.map((each, i) => each - (atDefault[i] as number));
      return { value, distances, distance: seedMean(distances), gain: seedMean(gains) };
    })
    .sort((a, b) => a.value - b.value);
  const best = points.reduce((a, b) => (b.distance.mean < a.distance.mean ? b : a));
  return { knob, reference, points, best };
}

function seedMean(values: readonly number[]): SeedMean {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const { length } = values;
  return { mean, standardError: length > 1 ? Math.sqrt(squares / (length - 1) / length) : 0 };
}
