/** A way to keep the discriminator smooth, as options of `gan`. */
export interface Regularizer {
  readonly name: string;
  readonly core: boolean;
  readonly options: (steps: number) => Readonly<Record<string, unknown>>;
}

const fixed =
  (options: Readonly<Record<string, unknown>>) => (): Readonly<Record<string, unknown>> =>
    options;

/** Weights are those of the papers. */
export const regularizers: readonly Regularizer[] = [
  { name: "none", core: true, options: fixed({ penalty: "none" }) },
  { name: "GP", core: true, options: fixed({ penalty: "gp" }) },
  {
    name: "CT (with GP)",
    core: true,
    options: fixed({ penalty: "gp", secondPenalty: "ct", dropout: 0.2 }),
  },
  { name: "SN", core: true, options: fixed({ penalty: "none", normalization: "spectral" }) },
  { name: "R1", core: true, options: fixed({ penalty: "r1" }) },
  {
    name: "Roth",
    core: true,
    // Annealed to a hundredth, as in the paper.
    options: (steps) => ({ penalty: "js-regularizer", penaltyDecay: 0.01 ** (1 / steps) }),
  },
  {
    name: "VDB",
    core: true,
    // A larger step of the dual ascent than the paper's 1e-5, whose trainings were a hundred times as long.
    options: fixed({ penalty: "none", bottleneck: 64, informationStep: 1e-4 }),
  },
  { name: "QP", core: true, options: fixed({ penalty: "none", loss: "quadratic-potential" }) },
  {
    name: "clipping, Wasserstein",
    core: false,
    options: fixed({ penalty: "none", loss: "wasserstein", clip: 0.01 }),
  },
  { name: "GP, Wasserstein", core: false, options: fixed({ penalty: "gp", loss: "wasserstein" }) },
  {
    name: "div, Wasserstein",
    core: false,
    options: fixed({ penalty: "div", loss: "wasserstein" }),
  },
  { name: "DRAGAN", core: false, options: fixed({ penalty: "dragan" }) },
  { name: "R2", core: false, options: fixed({ penalty: "r2" }) },
  {
    name: "SN, hinge",
    core: false,
    options: fixed({ penalty: "none", normalization: "spectral", loss: "hinge" }),
  },
];
