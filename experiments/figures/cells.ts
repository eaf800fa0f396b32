import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** What a JSON file holds, or where there is none what `make` gives, which is then written there. */
export async function kept<T>(file: string, make: () => Promise<T>): Promise<T> {
  if (existsSync(file)) return JSON.parse(await readFile(file, "utf8")) as T;
  console.error(`${file} …`);
  await mkdir(dirname(file), { recursive: true });
  const made = await make();
  await writeFile(file, JSON.stringify(made));
  return made;
}

/** The file of a cell by its name in words. */
export const fileOf = (root: string, name: string): string =>
  `${root}/${name.replaceAll(/[^\w.+-]+/g, "-")}.json`;

/** Figures of a cell that has a folder of its own, a training's for example. */
export const cellOf = <Figures>(folder: string, make: () => Promise<Figures>): Promise<Figures> =>
  kept(`${folder}/figures.json`, make);

/** Seconds of processor time that some work takes, of all threads. */
export async function processorSeconds<T>(
  work: () => Promise<T>,
): Promise<{ result: T; seconds: number }> {
  const start = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(start);
  return { result, seconds: (user + system) / 1e6 };
}
