// The command line of every experiment. Its flags are those in brackets in the comment at the top of its script:
// --help prints that comment, and other flags are refused.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { markdownTable, textTable } from "reparam/report";

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** The comment at the top of a script, without its slashes. */
function commentOf(script: string): string {
  const lines = readFileSync(script, "utf8").split("\n");
  const end = lines.findIndex((line) => !line.startsWith("//"));
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^\/\/ ?/, ""))
    .join("\n");
}

/** `[--quick | --full] [--threads N]` says that quick and full are switches, and threads takes a value. */
function readFlags(script: string, args: readonly string[]): Values {
  const comment = commentOf(script);
  const groups = [...comment.matchAll(/\[(--[^\]]+)\]/g)].flatMap(([, inside = ""]) =>
    inside.split("|"),
  );
  const known = groups.map((text) => text.trim().slice(2).split(" ") as [string, string?]);
  if (args.includes("--help")) {
    console.log(comment);
    process.exit(0);
  }
  const options = Object.fromEntries(
    known.map(([name, value]) => [
      name,
      { type: value === undefined ? "boolean" : "string" } as const,
    ]),
  );
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    const flags = known.map(([name]) => `--${name}`).join(", ");
    console.error(
      `${basename(script)}: ${(error as Error).message.split(". ")[0]}. It takes ${flags}; see --help.`,
    );
    process.exit(2);
  }
}

const given = readFlags(process.argv[1] ?? "", process.argv.slice(2));

/** Whether a switch was given. */
export const has = (name: string): boolean => given[name] === true;

/** The value that was given with a flag. */
export const flag = (name: string): string | undefined => {
  const value = given[name];
  return typeof value === "string" ? value : undefined;
};

/** The same, as a number. */
export function numberOf(name: string, preset: number): number {
  const text = flag(name);
  if (text === undefined) return preset;
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  console.error(`--${name} takes a number, not "${text}".`);
  process.exit(2);
}

export const [quick, full] = [has("quick"), has("full")];
export const threads = numberOf("threads", 2);
export const seeds: readonly number[] = quick
  ? [0]
  : (flag("seeds") ?? "0,1,2").split(",").map(Number);

/** The size of something: tiny with --quick, for larger machines with --full. */
export const sized = <T>(small: T, core: T, large: T): T => (quick ? small : full ? large : core);

/** The folder of an experiment's cells and pictures; `fullAdds` where --full has the cells of the core grid, and more. */
export const rootOf = (experiment: string, { fullAdds = false } = {}): string =>
  `runs/experiments/${experiment}${sized("-quick", "", fullAdds ? "" : "-full")}`;

const deadline = performance.now() + 60_000 * numberOf("minutes", Number.MAX_SAFE_INTEGER);

/** Whether --minutes are over. */
export const late = (): boolean => performance.now() > deadline;

/** A table for the terminal, or for a page with --markdown. */
export const table = (columns: readonly string[], rows: readonly (readonly string[])[]): string =>
  (has("markdown") ? markdownTable : textTable)(columns, rows);

/** The last line of the output, with --json. */
export function printJson(figures: Readonly<Record<string, unknown>>): void {
  if (has("json")) console.log(JSON.stringify(figures));
}
