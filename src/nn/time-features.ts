import { concat, cos, expandDims, sin } from "../ops/index.ts";
import type { Key, Value } from "../trace/index.ts";
import { normal } from "./initializers.ts";
import { sinusoidal } from "./positions.ts";
import { buffer, type ModelBuffer } from "./scope.ts";

/** How a time becomes features: fixed wavelengths, or random ones that are not trained. */
export type TimeFeatures = "sinusoidal" | "fourier";

/** Frequencies [features/2] ~ N(0, (16·2π/1000)²) per unit of a time of 0 to 1000 (Song et al. 2021, appendix C). */
export const initTimeFeatures = (key: Key, features: number): ModelBuffer =>
  buffer(normal((16 * 2 * Math.PI) / 1000)(key, [features / 2], { fanIn: 1, fanOut: 1 }));

/**
 * Times [B] on the scale of 0 to 1000 → [B, features]: sines and cosines of wavelengths from 2π to 20000π (Ho et al.
 * 2020), or of the given frequencies (Tancik et al., "Fourier features", 2020; Song et al. 2021).
 */
export function timeFeatures(times: Value, features: number, frequencies?: ModelBuffer): Value {
  if (frequencies === undefined) return sinusoidal(times, features);
  const angles = expandDims(times, 1).mul(frequencies.value);
  return concat([sin(angles), cos(angles)], 1);
}
