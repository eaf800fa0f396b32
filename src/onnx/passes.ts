import { forms } from "../ops/index.ts";
import { ReparamError } from "../tensor/index.ts";

/** What is done to a graph as a whole. Each can be left out of a compilation, and changes no result. */
export const passes = {
  sharing: "equal nodes are made once",
  folding: "what depends on constants only is computed while compiling",
  "dead-code": "nodes whose results nobody reads are dropped",
  scan: "several steps of training run in one call, with the state kept in between",
} as const;

/** Names that a compilation may go without: passes, and forms of operations. */
export type Optimization = keyof typeof passes | keyof typeof forms;

/** @throws ReparamError for a name that is neither a pass nor a form. */
export function checkOptimizations(names: Iterable<string>): void {
  for (const name of names) {
    if (Object.hasOwn(passes, name) || Object.hasOwn(forms, name)) continue;
    const known = [...Object.keys(passes), ...Object.keys(forms)].join(", ");
    throw new ReparamError(`there is no optimization "${name}". There are ${known}.`);
  }
}
