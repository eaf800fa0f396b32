// One workload in a process of its own: `serve.ts NAME THREADS`. Prints a line of JSON when it is ready;
// then, for every number of steps that it reads, one with the milliseconds of each step. Between rounds it
// sleeps, so that the peer has the machine to itself.
import { createInterface } from "node:readline";
import { workloads } from "./workloads.ts";

const [name, threads] = process.argv.slice(2);
const workload = workloads.find((w) => w.name === name);
if (workload === undefined) throw new Error(`there is no workload "${name}".`);

const say = (answer: object): void => {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
};

const { timings, step } = await workload.start(Number(threads));
say({ compile: timings });
let done = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const times: number[] = [];
  for (let i = 0; i < Number(line); i++) {
    const start = performance.now();
    await step(done++);
    times.push(performance.now() - start);
  }
  // maxRSS comes in kilobytes.
  say({ times, peakBytes: process.resourceUsage().maxRSS * 1024 });
}
