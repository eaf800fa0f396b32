/**
 * Factors of skip connections, or of residual branches of a transformer, after the training: Ma, Xue, Li, Yang, Zhang, Chen, "The surprising effectiveness of
 * skip-tuning in diffusion sampling" (2024), section 4. Of k + 1 skips, 0 the innermost and k the one nearest to the
 * image, number i is multiplied by
 *
 *   ρ_i = ρ_bottom + i·(ρ_top − ρ_bottom)/k,   ρ_0 = ρ_bottom where there is one skip.
 *
 * With a schedule over time ρ_bottom goes to another value as the noise falls, linearly in log(α/σ).
 */
import { and, greaterOrEqual, lessOrEqual, reshape, slice, where } from "../../ops/index.ts";
import type { FunctionInput } from "../../step/index.ts";
import type { Value } from "../../trace/index.ts";
import type { NetworkCall, Tunable } from "./network.ts";
import type { NoiseProcess } from "./process.ts";

const factor = (description: string, least = 0): FunctionInput => ({
  ...{ dtype: "float32", shape: [], default: 1, range: [least, 1000], description },
});

/** The knobs of a network that can be tuned. */
export const skipKnobs = ({ parts, count }: Tunable): Record<string, FunctionInput> => {
  const [first, last] =
    parts === "skips"
      ? ["the innermost skip connection", "the outermost"]
      : ["the residual branches of the first block", "those of the last"];
  return {
    rhoBottom: factor(`factor of ${first} (Ma et al. 2024)`),
    rhoTop: factor(`factor of ${last}; those between lie on a line`),
    rho: {
      ...factor("factor of each by its number; a negative one is that of the line", -1),
      ...{ shape: [count], default: -1 },
    },
    rhoBottomEnd: {
      ...factor(
        "rhoBottom at the least noise, on a line in log(α/σ); negative: the same at all",
        -1,
      ),
      default: -1,
    },
    rhoFrom: {
      ...factor("noise σ/α from which on the factors act"),
      ...{ default: 0, range: [0, 1e9] },
    },
    rhoTo: {
      ...factor("noise σ/α up to which they act"),
      ...{ default: 1e9, range: [0, 1e9] },
    },
  };
};

/** The knobs of FreeU (Si et al. 2024): of the innermost level, and of the one before it. */
export const freeUKnobs: Readonly<Record<string, FunctionInput>> = {
  freeUBackbone: {
    ...factor("FreeU: b, most that half of the backbone's channels is multiplied by"),
    shape: [2],
  },
  freeUSkip: { ...factor("FreeU: s, factor of the skips' low frequencies"), shape: [2] },
};

type Knobs = Readonly<Record<string, Value>>;

/** The factor [B] of every part that these knobs make at times [B]. */
export function factorsOf(
  knobs: Knobs,
  process: NoiseProcess,
  time: Value,
): NonNullable<NetworkCall["rho"]> {
  const { rhoBottom, rhoTop, rho, rhoBottomEnd, rhoFrom, rhoTo } = knobs as Record<string, Value>;
  const { alpha, sigma } = process.traced.level(time);
  const noise = sigma.div(alpha);
  const acts = and(greaterOrEqual(noise, rhoFrom as Value), lessOrEqual(noise, rhoTo as Value));
  const bottom = scheduled(process, time, rhoBottom as Value, rhoBottomEnd as Value); // (B)
  return ({ index, count }) => {
    const along = count === 1 ? 0 : index / (count - 1);
    const onLine = bottom.mul(1 - along).add((rhoTop as Value).mul(along));
    const own = reshape(slice(rho as Value, 0, index, index + 1), []);
    const chosen = where(greaterOrEqual(own, 0), own.add(onLine.mul(0)), onLine);
    return where(acts, chosen, chosen.mul(0).add(1));
  };
}

/** ρ_bottom at times [B]: from its value at the most noise to that at the least. */
function scheduled(process: NoiseProcess, time: Value, start: Value, end: Value): Value {
  const [least, most] = process.interval.map(process.host.halfLogSnr) as [number, number];
  const along = process.traced
    .halfLogSnr(time)
    .sub(most)
    .mul(1 / (least - most));
  const other = where(greaterOrEqual(end, 0), end, start);
  return along.mul(other.sub(start)).add(start);
}
