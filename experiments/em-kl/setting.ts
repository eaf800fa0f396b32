// Rows around centres, models that are stepped by hand, and results that are kept between runs.
import { findMethod } from "reparam";
import type { BatchSpec, Method } from "reparam/step";
import { dim, fillNormal, spec, type Tensor, tensor } from "reparam/tensor";
import { kept } from "../figures/cells.ts";
import { rootOf } from "../figures/command-line.ts";

export const root = rootOf("em-kl");
export const kinds = ["full", "tied", "diagonal", "spherical"] as const;
export type Kind = (typeof kinds)[number];

/** The result of `work`, or what it was before. */
export const cell = <T>(name: string, work: () => Promise<T>): Promise<T> =>
  kept(`${root}/${name.replaceAll(/[^\w.]+/g, "-")}.json`, work);

/** Rows [count, size] of unit variance around centres that are about `apart` times as far from each other. */
export function blobs(
  count: number,
  { size, clusters, apart, seed }: Record<"size" | "clusters" | "apart" | "seed", number>,
): Tensor {
  const centres = new Float64Array(clusters * size);
  fillNormal(centres, { seed, step: 1, path: "centres" });
  const data = new Float64Array(count * size);
  fillNormal(data, { seed, step: 0, path: "rows" });
  for (let i = 0; i < data.length; i++) {
    const centre = Math.floor(i / size) % clusters;
    data[i] = (data[i] as number) + apart * (centres[centre * size + (i % size)] as number);
  }
  return tensor(data, [count, size]);
}

/** A method of the catalogue for rows of that many features. */
export async function methodFor(
  name: string,
  options: Readonly<Record<string, unknown>>,
  size: number,
): Promise<Method> {
  const definition = await findMethod(name);
  const columns: BatchSpec = { x: spec("float64", [dim("B"), size]) };
  const shape = { columns, trainSize: 1, batchSize: 1, classes: undefined };
  return definition.create(definition.options.parse(options), shape);
}
