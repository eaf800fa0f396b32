import { existsSync } from "node:fs";
import { kept } from "./cells.ts";
import { late } from "./command-line.ts";

/** What `kept` gives; undefined where it is not there yet and --minutes are over. */
export const keptInTime = <T>(file: string, make: () => Promise<T>): Promise<T | undefined> =>
  late() && !existsSync(file) ? Promise.resolve(undefined) : kept(file, make);
