import type { Tensor } from "../tensor/index.ts";

interface Described {
  readonly title: string;
  readonly caption: string;
}

/** Components over two features of the rows of a table, the rows coloured by what `encode` calls likeliest. */
export interface EllipsesDrawing extends Described {
  readonly kind: "ellipses";
  /** Which two features of `x`, and their names. */
  readonly features: readonly [number, number];
  readonly labels: readonly [string, string];
  /** Centres [K, 2] in these features. */
  readonly means: Tensor;
  /** Covariances [K, 2, 2] in these features; without them centres alone are drawn. */
  readonly covariances?: Tensor;
}

/** Groups of named numbers, each a plot of bars of its own. */
export interface BarsDrawing extends Described {
  readonly kind: "bars";
  /** What the numbers are. */
  readonly label: string;
  readonly groups: readonly {
    readonly name: string;
    readonly bars: readonly { readonly name: string; readonly value: number }[];
  }[];
}

/** Images [N, C, H, W] between 0 and 1. */
export interface ImagesDrawing extends Described {
  readonly kind: "images";
  readonly images: Tensor;
}

export type Drawing = EllipsesDrawing | BarsDrawing | ImagesDrawing;

/**
 * What a person wants to see of a trained model whose parameters mean something by themselves. The run writes
 * it into its folder and its report.
 */
export interface Portrait {
  /** Parameters by their names in the field: `parameters.json` and `parameters.safetensors`. */
  readonly parameters: Readonly<Record<string, Tensor>>;
  readonly drawings: readonly Drawing[];
  /** Sentences. */
  readonly notes: readonly string[];
  /** Name of a CSV file of what `encode` finds for every row, such as "responsibilities". */
  readonly rows?: string;
}
