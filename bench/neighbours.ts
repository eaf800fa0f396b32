// Time of an exact search for the 10 nearest of many vectors, by their count and size.
// npx tsx bench/neighbours.ts [--threads N]
import { vectorIndex } from "reparam/metrics";
import { fillNormal, type Tensor } from "reparam/tensor";

const threadsFlag = process.argv.indexOf("--threads");
const threads = threadsFlag < 0 ? 2 : Number(process.argv[threadsFlag + 1]);
const repeats = 12;

/** Milliseconds of a search for one vector, the fastest first. */
async function searchTimes(rows: number, size: number): Promise<number[]> {
  const data = new Float32Array(rows * size);
  fillNormal(data, { seed: 0, step: 0, path: "vectors" });
  const vectors: Tensor = { dtype: "float32", shape: [rows, size], data };
  const index = await vectorIndex(vectors, { neighbours: 10, threads });
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const asked: Tensor = {
      ...vectors,
      shape: [1, size],
      data: data.slice(i * size, (i + 1) * size),
    };
    const start = performance.now();
    await index.search(asked);
    times.push(performance.now() - start);
  }
  await index.release();
  return times.sort((a, b) => a - b);
}

for (const [rows, size] of [
  [60_000, 64],
  [60_000, 256],
  [100_000, 64],
  [1_000_000, 64],
] as const) {
  const times = await searchTimes(rows, size);
  const middle = times[Math.floor(repeats / 2)] as number;
  console.log(
    `${rows} vectors of ${size}: fastest ${(times[0] as number).toFixed(1)} ms, median ${middle.toFixed(1)} ms of ${repeats} searches, ${threads} threads`,
  );
}
