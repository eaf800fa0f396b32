/** Largest absolute values of z. */
export const truncations = [0.25, 0.5, 1, 1.5, 2, 4];

interface Part {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Whether the truncation curve is measured. */
  readonly last?: boolean;
}

const steps: readonly (readonly [name: string, options: Readonly<Record<string, unknown>>])[] = [
  ["spectral norm, non-saturating", { penalty: "none", normalization: "spectral" }],
  ["+ hinge", { loss: "hinge" }],
  ["+ class vector", { classEmbedding: 16 }],
  ["+ hierarchical z", { hierarchical: true }],
  ["+ self-attention", { selfAttention: true }],
  ["+ orthogonal initialisation", { initializer: "orthogonal" }],
  ["+ orthogonal regularisation", { orthogonal: 1e-4 }],
  ["+ standing statistics", { standingStatistics: 60 }],
];

/** Each has what those before it have. */
export const parts: readonly Part[] = steps.map(([name], i) => ({
  name,
  options: Object.assign({}, ...steps.slice(0, i + 1).map(([, options]) => options)),
  ...(i === steps.length - 1 ? { last: true } : {}),
}));
