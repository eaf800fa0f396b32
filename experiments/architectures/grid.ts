// A grid of trainings over seeds, its table and its pictures.
import { mkdir, writeFile } from "node:fs/promises";
import { encodePng, imageGrid, type Tensor } from "reparam";
import { seeds } from "../figures/command-line.ts";
import { keptInTime } from "../figures/in-time.ts";
import { spreadOfSeveral } from "../figures/spread.ts";

/** A cell's figures: read from its folder where it is done, else made; undefined when the time is over. */
export const cell = <Figures>(
  folder: string,
  make: () => Promise<Figures>,
): Promise<Figures | undefined> => keptInTime(`${folder}/figures.json`, make);

/** Writes a grid of images [N, C, H, W] as NAME.png into the folder. */
export async function drawGrid(
  folder: string,
  name: string,
  images: Tensor,
  columns: number,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const png = await encodePng(imageGrid(images, { columns, scale: 2 }));
  await writeFile(`${folder}/${name}.png`, png);
}

/** Rows of a table, a cell each: mean ± deviation of some figures over the seeds that are there. */
export function rowsOf<Figures>(
  cells: Readonly<Record<string, readonly Figures[]>>,
  columns: readonly (readonly [head: string, digits: number, of: (figures: Figures) => number])[],
): { readonly head: string[]; readonly rows: string[][] } {
  return {
    head: ["", ...columns.map(([head]) => head), "seeds"],
    rows: Object.entries(cells).map(([name, figures]) => [
      name,
      ...columns.map(([, digits, of]) => spreadOfSeveral(figures.map(of), digits)),
      String(figures.length),
    ]),
  };
}

/** All cells of some settings over the seeds; what is missing is counted. */
export async function grid<Setting extends { readonly name: string }, Figures>(
  settings: readonly Setting[],
  make: (setting: Setting, seed: number) => Promise<Figures | undefined>,
): Promise<{ readonly cells: Record<string, Figures[]>; readonly missing: number }> {
  const cells: Record<string, Figures[]> = {};
  let missing = 0;
  // Seeds outside: a part of the grid is whole seeds.
  for (const seed of seeds) {
    for (const setting of settings) {
      const figures = await make(setting, seed);
      if (figures === undefined) missing += 1;
      else cells[setting.name] = [...(cells[setting.name] ?? []), figures];
    }
  }
  return { cells, missing };
}
