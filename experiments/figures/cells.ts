import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";

/** A cell's figures: read from its folder where they are there, else made and kept. */
export async function cellOf<Figures>(
  folder: string,
  make: () => Promise<Figures>,
): Promise<Figures> {
  const file = `${folder}/figures.json`;
  if (existsSync(file)) return JSON.parse(await readFile(file, "utf8")) as Figures;
  await mkdir(folder, { recursive: true });
  const figures = await make();
  await writeFile(file, JSON.stringify(figures));
  return figures;
}

/** Seconds of processor time that some work takes, of all threads. */
export async function processorSeconds<T>(
  work: () => Promise<T>,
): Promise<{ result: T; seconds: number }> {
  const start = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(start);
  return { result, seconds: (user + system) / 1e6 };
}
