/** A way to quantize, as the options of a method. */
export interface Quantization {
  readonly name: string;
  readonly method: "vq-vae" | "fsq";
  /** Whether the core grid has it. */
  readonly core: boolean;
  /** For a codebook of the size of these levels' grid. */
  readonly options: (levels: readonly number[]) => Readonly<Record<string, unknown>>;
}

export const sizesOf = (levels: readonly number[]): number => levels.reduce((a, b) => a * b, 1);

const vq =
  (more: Readonly<Record<string, unknown>>) =>
  (levels: readonly number[]): Readonly<Record<string, unknown>> => ({
    ...{ codes: sizesOf(levels), dimension: 16 },
    ...more,
  });

export const quantizations: readonly Quantization[] = [
  { name: "vq gradient", method: "vq-vae", core: true, options: vq({ codebook: "gradient" }) },
  {
    name: "vq moving average",
    method: "vq-vae",
    core: true,
    options: vq({ codebook: "moving-average" }),
  },
  {
    name: "fsq",
    method: "fsq",
    core: true,
    options: (levels) => ({ levels: levels.join(",") }),
  },
  {
    name: "vq k-means and revival",
    method: "vq-vae",
    core: false,
    options: vq({ codebook: "moving-average", start: "k-means", reviveAfter: 100 }),
  },
  { name: "simvq", method: "vq-vae", core: false, options: vq({ quantizer: "simvq" }) },
];

/** 240, 1000, 4375 and 15360 codes. */
export const coreGrid = [
  [8, 6, 5],
  [8, 5, 5, 5],
  [7, 5, 5, 5, 5],
  [8, 8, 8, 6, 5],
];

/** From 15 to 64000 codes: the paper's table 1. */
export const fullGrid = [
  [5, 3],
  [8, 8],
  [8, 6, 5],
  [8, 8, 8],
  [8, 5, 5, 5],
  [8, 8, 6, 5],
  [7, 5, 5, 5, 5],
  [8, 8, 8, 6, 5],
  [8, 8, 8, 5, 5, 5],
];
