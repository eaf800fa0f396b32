// `npm run bench`: times of the engine, and their ratios to PyTorch where a Python with torch is present.
import { loadavg } from "node:os";
import { machine, versions } from "../src/run/config.ts";
import { ReparamError } from "../src/tensor/index.ts";
import { compareForms } from "./forms.ts";
import { type JavascriptTime, timeJavascriptPeers } from "./javascript.ts";
import { type Figures, measure } from "./measure.ts";
import { help, type Options, readOptions } from "./options.ts";
import {
  agreementLine,
  costTable,
  javascriptTable,
  overallLine,
  progressLine,
  timeTable,
} from "./report.ts";
import { findPeer, type Peer } from "./side.ts";
import { type Overall, overall } from "./statistics.ts";
import { tolerance, verify } from "./verify.ts";
import { trainings, type Workload } from "./workloads.ts";

const reasonOf = (error: unknown): string =>
  error instanceof Error ? (error.message.split("\n")[0] as string) : String(error);

/** Losses of both sides, workload by workload. Returns whether all agree. */
async function verifyAll({ selection, threads }: Options, peer: Peer | undefined) {
  const verifiable = selection.filter(({ verifiable }) => verifiable === true);
  if (verifiable.length === 0) {
    throw new ReparamError("none of these workloads can be verified. Use --verify without --only.");
  }
  if (peer === undefined) {
    throw new ReparamError("--verify needs a Python with torch. Set REPARAM_PYTHON to one.");
  }
  let fine = true;
  for (const workload of verifiable) {
    const training = await trainings[workload.name]!();
    const agreement = await verify(workload, training, peer, threads);
    console.log(agreementLine(workload.name, agreement));
    fine &&= (agreement.differences[0] as number) <= tolerance;
  }
  return fine;
}

interface Results {
  readonly figures: ReadonlyMap<string, Figures>;
  /** Workloads that could not run, and why. */
  readonly failures: ReadonlyMap<string, string>;
  readonly javascript: ReadonlyMap<string, readonly JavascriptTime[]>;
}

async function measureAll(options: Options, peer: Peer | undefined): Promise<Results> {
  const figures = new Map<string, Figures>();
  const failures = new Map<string, string>();
  for (const workload of options.selection) {
    try {
      const result = await measure(workload, { ...options, peer });
      figures.set(workload.name, result);
      console.log(progressLine(workload.name, result));
    } catch (error) {
      failures.set(workload.name, reasonOf(error));
      console.log(`${workload.name}: cannot run: ${reasonOf(error)}`);
    }
  }
  const javascript = await timeJavascriptPeers(options);
  return { figures, failures, javascript };
}

const overallOf = (
  figures: ReadonlyMap<string, Figures>,
  kinds: readonly Workload["kind"][],
  ratioOf: (figures: Figures) => number | undefined,
): Overall | undefined =>
  overall(
    new Map(
      [...figures].flatMap(([name, found]) => {
        const ratio = ratioOf(found);
        return ratio !== undefined && kinds.includes(found.kind) ? [[name, ratio]] : [];
      }),
    ),
  );

function announce(found: Readonly<Record<string, string>>, threads: number): number {
  console.log(`${machine()}, ${threads} threads`);
  const parts = Object.entries(found).map(([part, version]) => `${part} ${version}`);
  console.log(parts.join(", "));
  const [load = 0] = loadavg();
  if (load > 0.5) {
    console.log(
      `Something else keeps this machine busy (load ${load.toFixed(1)}): do not trust the figures.`,
    );
  }
  return load;
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) {
    console.log(help);
    return;
  }
  if (options.forms !== undefined) {
    const only = options.forms === "all" ? undefined : options.forms;
    await compareForms(only, options.threads, options.rounds);
    return;
  }
  const peer = findPeer();
  if (options.verify) {
    if (!(await verifyAll(options, peer))) process.exitCode = 1;
    return;
  }
  const { threads, quick } = options;
  const found = { ...versions(), ...(peer === undefined ? {} : { torch: peer.torch }) };
  const load = announce(found, threads);
  const { figures, failures, javascript } = await measureAll(options, peer);
  if (failures.size > 0) process.exitCode = 1;
  const time = ({ ratio }: Figures) => ratio?.median;
  const ratios = {
    trainingRatio: overallOf(figures, ["training"], time),
    inferenceRatio: overallOf(figures, ["inference"], time),
    memoryRatio: overallOf(figures, ["training", "inference"], (f) => f.memoryRatio),
  };
  console.log(`\n${timeTable(figures)}\n\n${costTable(figures)}\n`);
  if (javascript.size > 0) console.log(`${javascriptTable(javascript, figures)}\n`);
  const titles = {
    trainingRatio: "training steps, time over PyTorch's",
    inferenceRatio: "inference, time over PyTorch's",
    memoryRatio: "peak memory of both over PyTorch's",
  };
  for (const [name, title] of Object.entries(titles)) {
    const ratio = ratios[name as keyof typeof ratios];
    if (ratio !== undefined) console.log(overallLine(title, ratio));
  }
  if (peer === undefined) {
    console.log(
      "No ratios: no Python with torch was found. Set REPARAM_PYTHON to one, or install python3-torch.",
    );
  }
  if (!options.json) return;
  const failed = [...failures].map(([name, failure]) => [name, { failure }]);
  const result = {
    trainingRatio: ratios.trainingRatio ?? null,
    inferenceRatio: ratios.inferenceRatio ?? null,
    memoryRatio: ratios.memoryRatio ?? null,
    workloads: Object.fromEntries([...figures, ...failed]),
    javascript: Object.fromEntries(javascript),
    machine: { name: machine(), versions: found, threads, quick, load },
  };
  console.log(JSON.stringify(result));
}

main().catch((error: unknown) => {
  console.error(error instanceof ReparamError ? `bench: ${error.message}` : error);
  process.exit(error instanceof ReparamError ? 2 : 1);
});
