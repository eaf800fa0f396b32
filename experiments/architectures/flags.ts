import { markdownTable, textTable } from "reparam/report";

const flag = (name: string): string | undefined => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};
const has = (name: string): boolean => process.argv.includes(name);

/** What the experiments on architectures are told on the command line. */
export const given = {
  quick: has("--quick"),
  full: has("--full"),
  json: has("--json"),
  data: flag("--data") ?? "mnist",
  threads: Number(flag("--threads") ?? 1),
  table: has("--markdown") ? markdownTable : textTable,
  seeds: has("--quick") ? [0] : (flag("--seeds") ?? "0,1,2").split(",").map(Number),
} as const;

const deadline = performance.now() + 60_000 * Number(flag("--minutes") ?? Infinity);

/** Whether --minutes are over. */
export const late = (): boolean => performance.now() > deadline;

/** The size of a training: tiny with --quick, for larger machines with --full. */
export const sized = <T>(quick: T, core: T, full: T): T =>
  given.quick ? quick : given.full ? full : core;

/** Folder of an experiment's cells. */
export const rootOf = (name: string): string =>
  `runs/experiments/${name}${given.quick ? "-quick" : given.full ? "-full" : ""}`;
