// `npm run bench`: times of the engine, and their ratios to PyTorch where a Python with torch is present.
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { machine, versions } from "../src/run/config.ts";
import { ReparamError } from "../src/tensor/index.ts";
import { type Figures, measure } from "./measure.ts";
import { costTable, overallLine, progressLine, timeTable } from "./report.ts";
import { findPeer } from "./side.ts";
import { overall } from "./statistics.ts";
import { workloads } from "./workloads.ts";

const help = `Usage: npm run bench -- [options]

Times training steps and single operations of reparam, in turns with the same in PyTorch.

  --only NAME     this workload alone; may be given more than once:
                  ${workloads.map(({ name }) => name).join(", ")}
  --rounds N      pairs of rounds of each workload (default 9)
  --threads N     threads of either side (default 2)
  --quick         two short rounds: a check that everything runs, not a measurement
  --json          the last line of output is one JSON object with every figure
  --help          this text

The environment variable REPARAM_PYTHON names the Python to ask for torch; python3 otherwise.`;

function flags() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string", multiple: true },
        rounds: { type: "string" },
        threads: { type: "string" },
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
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

function chosen(only: readonly string[] | undefined) {
  const unknown = only?.find((name) => !workloads.some((w) => w.name === name));
  if (unknown !== undefined) {
    const known = workloads.map(({ name }) => name).join(", ");
    throw new ReparamError(`there is no workload "${unknown}". Use one of ${known}.`);
  }
  return workloads.filter(({ name }) => only === undefined || only.includes(name));
}

async function main(): Promise<void> {
  const given = flags();
  if (given.help) {
    console.log(help);
    return;
  }
  const rounds = count("rounds", given.rounds, given.quick ? 2 : 9);
  const threads = count("threads", given.threads, 2);
  const selection = chosen(given.only);
  const peer = findPeer();
  const found = { ...versions(), ...(peer === undefined ? {} : { torch: peer.torch }) };
  console.log(`${machine()}, ${threads} threads`);
  console.log(
    Object.entries(found)
      .map(([part, version]) => `${part} ${version}`)
      .join(", "),
  );
  const [load = 0] = loadavg();
  if (load > 0.5) {
    console.log(
      `Something else keeps this machine busy (load ${load.toFixed(1)}): do not trust the figures.`,
    );
  }
  const figures = new Map<string, Figures>();
  for (const workload of selection) {
    const result = await measure(workload, { threads, rounds, quick: given.quick, peer });
    figures.set(workload.name, result);
    console.log(progressLine(workload.name, result));
  }
  const ratios = [...figures.values()].flatMap(({ kind, ratio }) =>
    kind === "training" && ratio !== undefined ? [ratio] : [],
  );
  const trainingRatio = ratios.length === 0 ? null : overall(ratios);
  console.log(`\n${timeTable(figures)}\n\n${costTable(figures)}\n`);
  if (trainingRatio !== null) console.log(overallLine(trainingRatio));
  if (peer === undefined) {
    console.log(
      "No ratios: no Python with torch was found. Set REPARAM_PYTHON to one, or install python3-torch.",
    );
  }
  if (given.json) {
    const settings = { machine: machine(), versions: found, threads, quick: given.quick, load };
    console.log(
      JSON.stringify({ ...settings, workloads: Object.fromEntries(figures), trainingRatio }),
    );
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof ReparamError ? `bench: ${error.message}` : error);
  process.exit(error instanceof ReparamError ? 2 : 1);
});
