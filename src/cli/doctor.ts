import { type Command, Option } from "commander";
import type { Form } from "../ops/index.ts";
import { formatBytes, textTable } from "../report/table.ts";
import { adviceFor, freeSpace, type MachineFacts, machineFacts } from "./machine-facts.ts";
import { measureSpeed } from "./measure-speed.ts";
import type { Context } from "./terminal.ts";
import { defaultThreads } from "./train.ts";
import { addVerb, type Figures, integerOption } from "./verb.ts";

export const addDoctorVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "doctor",
    description:
      "Checks this installation: versions, machine, devices, the runtime's speed, chosen forms of operations, cache and disk, and what to change.",
    examples: ["doctor", "doctor --threads 4 --json", "doctor --forms"],
    options: [
      integerOption("--threads <n>", "threads of one operator").default(defaultThreads()),
      new Option("--forms", "tell where each form of an operation is taken, and what measured it"),
    ],
    action: (_args, flags, { say }) => examine(flags.threads as number, flags.forms === true, say),
  });

type Say = Context["say"];

async function examine(threads: number, forms: boolean, say: Say): Promise<Figures> {
  const { machine, versions } = await import("../run/index.ts");
  const found = versions();
  for (const [part, version] of Object.entries(found)) say(`${part} ${version}`);
  const facts = await machineFacts();
  say(machine());
  sayMachine(facts, threads, say);
  const devices = await examineDevices(say);
  const speed = await measureSpeed(threads);
  const on = `on ${threads} ${threads === 1 ? "thread" : "threads"}`;
  say(`matrix product 1024³: ${speed.matrixProduct.toFixed(1)} GFLOP/s ${on}`);
  say(`3×3 convolution 64×32×28×28: ${speed.convolution.toFixed(1)} GFLOP/s`);
  say(`memory, sum of two vectors of 64 MB: ${speed.memory.toFixed(1)} GB/s`);
  const lowering = await examineForms(forms, say);
  const disk = await examineCache(say);
  const advice = adviceFor(facts, { threads, freeDiskBytes: disk.freeBytes });
  for (const line of advice) say(`note: ${line}`);
  if (advice.length === 0) say("Nothing to change.");
  const { matrixProduct, convolution, memory } = speed;
  return {
    ...{ versions: found, machine: machine(), facts, threads, devices },
    gflops: { matrixProduct, convolution },
    memoryGigabytesPerSecond: memory,
    ...{ lowering, ...disk, advice },
  };
}

function sayMachine(facts: MachineFacts, threads: number, say: Say): void {
  const { usableCores, memoryBytes, freeMemoryBytes, load, instructions } = facts;
  const vector = instructions === undefined ? "not told by this system" : instructions.join(" ");
  say(`cores ${usableCores} usable, ${threads} in use`);
  say(`memory ${formatBytes(memoryBytes)}, ${formatBytes(freeMemoryBytes)} free`);
  say(`load ${load.toFixed(2)}`);
  say(`vector instructions: ${vector}`);
}

async function examineDevices(say: Say): Promise<Figures[]> {
  const { probeDevices } = await import("../onnx/session-devices.ts");
  const { devices: known } = await import("../onnx/index.ts");
  const devices = await probeDevices();
  for (const { name, works, reason } of devices) {
    const trains = (known as readonly string[]).includes(name);
    const use = trains ? `works: train --device ${name}` : "works in the runtime; not for training";
    say(`device ${name}: ${works ? use : reason}`);
  }
  return devices.map((device) => ({ ...device }));
}

/** The forms of operations that are taken on this machine in place of the plain ONNX operators. */
async function examineForms(all: boolean, say: Say): Promise<Figures> {
  const { forms } = await import("../ops/index.ts");
  const { blockedChannels } = await import("../onnx/index.ts");
  const block = await blockedChannels();
  const taken = Object.entries<Form>(forms).filter(
    ([name, { targets }]) => targets.includes("cpu") && (name !== "blocked" || block > 0),
  );
  const blocks = block === 0 ? "" : ` (blocks of ${block} channels)`;
  say(`forms in place of plain operators${blocks}: ${taken.map(([name]) => name).join(", ")}`);
  if (all) {
    const rows = taken.map(([name, { operation, when, instead, measure }]) => [
      ...[name, operation, when, instead, measure],
    ]);
    say(textTable(["form", "of", "where", "in place of", "measured by"], rows));
  }
  return { block, forms: Object.fromEntries(taken) };
}

async function examineCache(
  say: Say,
): Promise<{ cache: string; cached: readonly string[]; freeBytes: number }> {
  const { cacheFolder, listDatasets } = await import("../data/index.ts");
  const cache = cacheFolder();
  const cached = (await listDatasets()).filter((set) => set.cached).map(({ name }) => name);
  say(`cache ${cache}: ${cached.length === 0 ? "empty" : cached.join(", ")}`);
  const freeBytes = await freeSpace(cache);
  say(`free on its disk: ${formatBytes(freeBytes)}`);
  return { cache, cached, freeBytes };
}
