// What may become of a U-Net's skip connections after its training. Each is a hook of `unet`; `chainSkips` joins them.
import { concat, constant, div, matmul, max, mean, min, reshape, slice } from "../ops/index.ts";
import { ReparamError, type Tensor, tensorOf } from "../tensor/index.ts";
import { type Operand, Value } from "../trace/index.ts";
import type { SkipHook, SkipJoin } from "./unet.ts";

/**
 * Where a factor of a skip acts: on the skip before it is concatenated, or on its channels after the norm that follows
 * the concatenation, and on their way through the shortcut.
 */
export const skipPlacements = ["before-concatenation", "after-norm"] as const;
export type SkipPlacement = (typeof skipPlacements)[number];

/**
 * Skip-Tuning (Ma et al., "The surprising effectiveness of skip-tuning in diffusion sampling", 2024, section 4): the
 * skip of number i is multiplied by rho(i), a number, a scalar or one number a row [B].
 */
export const scaleSkips =
  (rho: (join: SkipJoin) => Operand, placement: SkipPlacement = "before-concatenation"): SkipHook =>
  (join) => {
    const { backbone, skip } = join;
    const factor = overRows(rho(join), skip);
    return placement === "before-concatenation"
      ? { backbone, skip: skip.mul(factor) }
      : { backbone, skip, afterNorm: factor };
  };

/** One number a row [B] as what broadcasts to x [B, …]. */
const overRows = (factor: Operand, x: Value): Operand =>
  factor instanceof Value && factor.rank === 1
    ? reshape(factor, [x.size(0), ...x.shape.slice(1).map(() => 1)])
    : factor;

/** One hook after the other; a factor after the norm of a later one replaces that of an earlier one. */
export const chainSkips =
  (...hooks: readonly SkipHook[]): SkipHook =>
  (join) => {
    let joined: ReturnType<SkipHook> = { backbone: join.backbone, skip: join.skip };
    for (const hook of hooks) {
      const { backbone, skip } = joined;
      joined = Object.assign({}, joined, hook({ ...join, backbone, skip }));
    }
    return joined;
  };

export interface FreeUOptions {
  /** Most that the first half of the backbone's channels is multiplied by, of the innermost level first. */
  readonly backbone: readonly Operand[];
  /** What the low frequencies of the skip are multiplied by, of the innermost level first. */
  readonly skip: readonly Operand[];
  /** Levels of the network, the innermost's number plus one. */
  readonly levels: number;
}

/**
 * FreeU (Si et al., "FreeU: free lunch in diffusion U-Net", 2024): at the innermost levels the first half of the
 * backbone's channels is multiplied by α = (b − 1)·(x̄ − min x̄)/(max x̄ − min x̄) + 1, where x̄ is the mean of the
 * channels (equations 3, 4), and the lowest frequencies of the skip by s (equations 5 to 7).
 */
export const freeU =
  ({ backbone: factors, skip: scales, levels }: FreeUOptions): SkipHook =>
  ({ backbone, skip, level }) => {
    const stage = levels - 1 - level;
    const [b, s] = [factors[stage], scales[stage]];
    return {
      backbone: b === undefined ? backbone : strengthened(backbone, b),
      skip: s === undefined ? skip : skip.add(lowFrequencies(skip).mul(subOne(s))),
    };
  };

const subOne = (x: Operand): Operand => (typeof x === "number" ? x - 1 : x.sub(1));

function strengthened(x: Value, b: Operand): Value {
  const average = mean(x, 1, { keepDims: true }); // (B,1,H,W)
  const [low, high] = [min, max].map((of) => of(average, [2, 3], { keepDims: true })) as [
    Value,
    Value,
  ];
  const structure = div(average.sub(low), high.sub(low).add(1e-12));
  const half = Math.floor((x.size(1) as number) / 2);
  const factor = structure.mul(subOne(b)).add(1);
  return concat([slice(x, 1, 0, half).mul(factor), slice(x, 1, half)], 1);
}

/**
 * The frequencies 0 and −1 of both axes, real part: the part within radius 1 of the spectrum's middle, as in the
 * authors' code. With P = (1 + e^(−2πi(r − c)/n))/n along an axis it is Re(P_h)·x·Re(P_w)ᵀ − Im(P_h)·x·Im(P_w)ᵀ.
 */
function lowFrequencies(x: Value): Value {
  const [height, width] = [x.size(2), x.size(3)];
  if (typeof height !== "number" || typeof width !== "number") {
    throw new ReparamError("freeU: the size of the images must be known.");
  }
  const part = (of: (angle: number) => number): Value =>
    matmul(
      matmul(constant(circulant(height, of)), x),
      constant(circulant(width, (angle) => of(-angle))),
    );
  return part((angle) => 1 + Math.cos(angle)).sub(part((angle) => -Math.sin(angle)));
}

/** Matrix [n, n] of of(2π(row − column)/n)/n. */
const circulant = (n: number, of: (angle: number) => number): Tensor =>
  tensorOf(
    Array.from(
      { length: n * n },
      (_, i) => of((2 * Math.PI * (Math.floor(i / n) - (i % n))) / n) / n,
    ),
    [n, n],
  );
