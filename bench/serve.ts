// One workload in a process of its own: `serve.ts NAME THREADS`. Prints a line of JSON when it is ready;
// then, for every number of steps that it reads, one with the milliseconds of each step. Between rounds it
// sleeps, so that the peer has the machine to itself.
import { createInterface } from "node:readline";
import { stepsTogether } from "../src/run/iteration.ts";
import { workloads } from "./workloads.ts";

const [name, threads] = process.argv.slice(2);
const workload = workloads.find((w) => w.name === name);
if (workload === undefined) throw new Error(`there is no workload "${name}".`);

const say = (answer: object): void => {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
};

const { timings, parameters, step, together } = await workload.start(Number(threads));
say({ compile: timings, parameters });
let done = 0;
let group = 1;
for await (const line of createInterface({ input: process.stdin })) {
  const times: number[] = [];
  while (times.length < Number(line)) {
    const count = Math.min(group, Number(line) - times.length);
    const start = performance.now();
    await (together === undefined ? step(done) : together(done, count));
    const time = (performance.now() - start) / count;
    // As a training does: several steps in one call where they are short.
    if (together !== undefined) group = stepsTogether(time / 1000);
    for (let i = 0; i < count; i++) times.push(time);
    done += count;
  }
  // maxRSS comes in kilobytes.
  say({ times, peakBytes: process.resourceUsage().maxRSS * 1024 });
}
