import { parseArgs } from "node:util";
import { ReparamError } from "../src/tensor/index.ts";
import { type Workload, workloads } from "./workloads.ts";

export const help = `Usage: npm run bench -- [options]

Times training steps, inference and single operations of reparam, in turns with the same in PyTorch.

  --only NAMES    these workloads alone, separated by commas; may be given more than once:
                  ${workloads.map(({ name }) => name).join(", ")}
  --rounds N      pairs of rounds of each workload (default 9)
  --threads N     threads of either side (default 2)
  --quick         two short rounds: a check that everything runs, not a measurement
  --torch-compile time PyTorch under torch.compile too, beside the ratio to plain PyTorch
  --javascript-peers, --no-javascript-peers
                  one step each of jax-js and TensorFlow.js; by default where they are found in bench/peer
                  (npm install --prefix bench/peer --no-save @jax-js/jax@0.1.25 @tensorflow/tfjs@4.22.0
                  @tensorflow/tfjs-backend-wasm@4.22.0) or in the folder that REPARAM_JS_PEERS names
  --forms NAME    a form of src/ops/forms.ts against what it replaces (or "all"), in place of times
  --verify        compare the losses of both sides from the same weights and data, in place of times
  --json          the last line of output is one JSON object with every figure
  --help          this text

The environment variable REPARAM_PYTHON names the Python to ask for torch; python3 otherwise.`;

export interface Options {
  readonly selection: readonly Workload[];
  readonly rounds: number;
  readonly threads: number;
  readonly quick: boolean;
  readonly torchCompile: boolean;
  /** Undefined: where they are found. */
  readonly javascriptPeers: boolean | undefined;
  readonly verify: boolean;
  /** A form of an operation, or all of them. */
  readonly forms: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

function flags() {
  const yes = { type: "boolean", default: false } as const;
  try {
    const { values } = parseArgs({
      allowNegative: true,
      options: {
        only: { type: "string", multiple: true },
        rounds: { type: "string" },
        threads: { type: "string" },
        quick: yes,
        "torch-compile": yes,
        "javascript-peers": { type: "boolean" },
        verify: yes,
        forms: { type: "string" },
        json: yes,
        help: yes,
      },
    });
    return values;
  } catch (error) {
    const [line] = (error as Error).message.split(/\.\s|\n/);
    throw new ReparamError(`${line}. See npm run bench -- --help`, { cause: error });
  }
}

function count(flag: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new ReparamError(`--${flag} must be a positive integer, got "${text}".`);
}

function chosen(only: readonly string[] | undefined): readonly Workload[] {
  const names = only?.flatMap((text) => text.split(","));
  const unknown = names?.find((name) => !workloads.some((w) => w.name === name));
  if (unknown !== undefined) {
    const known = workloads.map(({ name }) => name).join(", ");
    throw new ReparamError(`there is no workload "${unknown}". Use one of ${known}.`);
  }
  return workloads.filter(({ name }) => names === undefined || names.includes(name));
}

/** The command line. Throws a ReparamError where it is wrong. */
export function readOptions(): Options {
  const given = flags();
  return {
    selection: chosen(given.only),
    rounds: count("rounds", given.rounds, given.quick ? 2 : 9),
    threads: count("threads", given.threads, 2),
    quick: given.quick,
    torchCompile: given["torch-compile"],
    javascriptPeers: given["javascript-peers"],
    verify: given.verify,
    forms: given.forms,
    json: given.json,
    help: given.help,
  };
}
