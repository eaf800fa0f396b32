/** A way to train, as options of `gan`. */
export interface Way {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Constraints and penalties. */
export const regularizations: readonly Way[] = [
  { name: "none", options: { penalty: "none" } },
  { name: "R1, γ = 1", options: { penalty: "r1", penaltyWeight: 1 } },
  { name: "gradient penalty 1", options: { penalty: "gp", penaltyWeight: 1 } },
  { name: "spectral", options: { penalty: "none", normalization: "spectral" } },
];

/** Those of the full grid besides. */
export const furtherRegularizations: readonly Way[] = [
  { name: "clipping 0.03", options: { penalty: "none", clip: 0.03 } },
  { name: "R2, γ = 1", options: { penalty: "r2", penaltyWeight: 1 } },
  { name: "div", options: { penalty: "div" } },
  { name: "DRAGAN 1", options: { penalty: "dragan", penaltyWeight: 1 } },
  { name: "one-sided gradient penalty 1", options: { penalty: "one-sided-gp", penaltyWeight: 1 } },
];

export const objectives = ["non-saturating", "hinge", "least-squares", "wasserstein"] as const;
export const furtherObjectives = [
  ...["saturating", "relativistic-average", "quadratic-potential", "squared-hellinger"],
] as const;

export interface Cell {
  readonly data: string;
  readonly loss: string;
  readonly way: Way;
}

/** Wasserstein without a bound on slopes is refused by the library. */
const possible = ({ loss, way }: Cell): boolean => loss !== "wasserstein" || way.name !== "none";

/** The ring by every objective and regularization; the others by the first objective. */
export function gridOf(full: boolean): Cell[] {
  const ways = full ? [...regularizations, ...furtherRegularizations] : regularizations;
  const losses = full ? [...objectives, ...furtherObjectives] : objectives;
  const ring = losses.flatMap((loss) =>
    ways.map((way) => ({ data: "eight-gaussians", loss, way })),
  );
  const others = ["grid-25", "spiral"].flatMap((data) =>
    ways.map((way) => ({ data, loss: "non-saturating", way })),
  );
  return [...ring, ...others].filter(possible);
}
