// Time of an iteration of EM for a Gaussian mixture with full covariances, against scikit-learn from the
// same start, and memory and time where the rows stay on disk.
//   npx tsx bench/em.ts [--python PATH] [--rows 200000] [--iterations 8] [--stream 10000000] [--json]
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadDataset, makeSplit, type Split } from "../src/data/index.ts";
import { gaussianMixture } from "../src/methods/em/gaussian-mixture.ts";
import { fit } from "../src/run/index.ts";
import { dim, fillNormal } from "../src/tensor/index.ts";
import { median } from "./statistics.ts";

const [features, components, batchSize] = [16, 16, 32_768];

const { values } = parseArgs({
  options: {
    python: { type: "string" },
    rows: { type: "string", default: "200000" },
    iterations: { type: "string", default: "8" },
    stream: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

function normals(count: number, path: string): Float64Array<ArrayBuffer> {
  const data = new Float64Array(count);
  fillNormal(data, { seed: 0, step: 0, path });
  return data;
}

const centres = normals(components * features, "centres").map((v) => 1.5 * v);

/** Rows around the centres, in blocks that are the same however many are asked for. */
function block(rows: number, index: number): Float64Array<ArrayBuffer> {
  return normals(rows * features, `rows.${index}`).map((e, i) => {
    const centre = Math.floor(i / features) % components;
    return e + (centres[centre * features + (i % features)] as number);
  });
}

interface Timed {
  readonly seconds: readonly number[];
  readonly logLikelihood: readonly number[];
}

/** Iterations of reparam by `fit`, from the centres, unit covariances and equal weights. */
async function ours(train: Split, iterations: number): Promise<Timed> {
  const parameters = {
    weights: Array(components).fill(1 / components),
    means: [...start],
    covariances: Array.from({ length: components }, () =>
      Array.from({ length: features ** 2 }, (_, i) => Number(i % (features + 1) === 0)),
    ),
  };
  const options = gaussianMixture.options.parse({
    ...{ components, tolerance: 0, startRows: 1 },
    parameters: JSON.stringify(parameters),
  });
  const method = gaussianMixture.create(options, {
    columns: { x: { dtype: "float64", shape: [dim("B"), features] } },
    ...{ trainSize: train.length, batchSize, classes: undefined },
  });
  const seconds: number[] = [];
  let before = performance.now();
  const result = await fit({
    ...{ method, train, batchSize, seed: 0, steps: iterations, threads: 2, logEvery: 1 },
    onProgress: () => {
      seconds.push((performance.now() - before) / 1000);
      before = performance.now();
    },
  });
  const logLikelihood = result.lines.flatMap((line) =>
    line.kind === "train" ? [-(line.metrics.loss as number)] : [],
  );
  return { seconds, logLikelihood };
}

const start = centres.map((v, i) => v + 0.3 * Math.sin(i));

/** In memory, against scikit-learn, which reads the same numbers from a file. */
async function compare(folder: string, rows: number, iterations: number) {
  const data = block(rows, 0);
  const train = makeSplit({ x: { dtype: "float64", shape: [features], data } });
  const own = await ours(train, iterations);
  // The first iteration compiles.
  const ownMedian = median(own.seconds.slice(1));
  const figures = { rows, features, components, seconds: ownMedian };
  console.log(`reparam       ${ownMedian.toFixed(3)} s an iteration (median of ${iterations - 1})`);
  if (values.python === undefined) return figures;
  const file = join(folder, "rows.bin");
  const out = openSync(file, "w");
  for (const part of [data, new Float64Array(components).fill(1 / components), start]) {
    writeSync(out, new Uint8Array(part.buffer));
  }
  closeSync(out);
  const script = new URL("./peer/em.py", import.meta.url).pathname;
  const args = [script, file, ...[rows, features, components, iterations].map(String)];
  const text = execFileSync(values.python, args, { encoding: "utf8" });
  const peer = JSON.parse(text.trim().split("\n").at(-1) as string) as Timed & { version: string };
  const peerMedian = median(peer.seconds.slice(1));
  const gap = Math.max(
    ...peer.logLikelihood.map((l, i) => Math.abs(1 - (own.logLikelihood[i] as number) / l)),
  );
  console.log(`scikit-learn  ${peerMedian.toFixed(3)} s an iteration (${peer.version})`);
  console.log(
    `ratio         ${(peerMedian / ownMedian).toFixed(1)}; log-likelihoods differ by at most ${gap.toExponential(1)} of them`,
  );
  return { ...figures, peerSeconds: peerMedian, ratio: peerMedian / ownMedian, gap };
}

/** From a .npy file that does not fit into the memory that it is allowed. */
async function stream(folder: string, rows: number) {
  const file = join(folder, "rows.npy");
  // A twelfth of a table is kept for the test.
  writeNpy(file, Math.ceil((rows * 12) / 11));
  const dataset = await loadDataset(file, { validation: 0 });
  const { seconds, logLikelihood } = await ours(dataset.train, 2);
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  console.log(
    `${dataset.train.length} rows from disk: ${(seconds[1] as number).toFixed(1)} s an iteration, ` +
      `peak ${(peakBytes / 1e6).toFixed(0)} MB, log-likelihood ${(logLikelihood[1] as number).toFixed(4)}`,
  );
  return { rows: dataset.train.length, seconds: seconds[1], peakBytes };
}

function writeNpy(file: string, rows: number): void {
  const head = `{'descr': '<f8', 'fortran_order': False, 'shape': (${rows}, ${features}), }`;
  const text = `${head.padEnd(117)}\n`;
  const out = openSync(file, "w");
  writeSync(
    out,
    Buffer.concat([Buffer.from("\x93NUMPY\x01\x00v\x00", "latin1"), Buffer.from(text)]),
  );
  const size = 100_000;
  const noise = block(size, 0);
  for (let at = 0; at < rows; at += size) {
    writeSync(out, new Uint8Array(noise.buffer, 0, 8 * features * Math.min(size, rows - at)));
  }
  closeSync(out);
}

const folder = mkdtempSync(join(tmpdir(), "reparam-em-"));
try {
  const figures =
    values.stream === undefined
      ? await compare(folder, Number(values.rows), Number(values.iterations))
      : await stream(folder, Number(values.stream));
  if (values.json) console.log(JSON.stringify(figures));
} finally {
  rmSync(folder, { recursive: true });
}
