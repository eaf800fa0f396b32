// Other libraries for training in JavaScript, a step each: they are no dependencies of this one, and are timed
// where a folder holds them.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ReparamError } from "../src/tensor/index.ts";
import type { Options } from "./options.ts";

const libraries = {
  "jax-js": "@jax-js/jax",
  "tfjs-wasm": "@tensorflow/tfjs-backend-wasm",
} as const;

/** Workloads that the peers have; one file each for either library. */
const written = ["gaussian-vae", "cnn", "dcgan"];

/** A step that takes longer is not waited for. */
const capSeconds = 60;

export interface JavascriptTime {
  readonly library: keyof typeof libraries;
  /** Milliseconds of the faster of the steps after the first; absent where it could not run. */
  readonly ms?: number;
  readonly failure?: string;
  /** The backend's kernel that is missing, where a slower backend took over. */
  readonly missing?: string;
}

/** The folder whose node_modules hold the peers. */
function findFolder(): string | undefined {
  const own = fileURLToPath(new URL("peer", import.meta.url));
  return [process.env.REPARAM_JS_PEERS, own].find(
    (folder) =>
      folder !== undefined &&
      Object.values(libraries).some((name) => existsSync(join(folder, "node_modules", name))),
  );
}

function timeOne(folder: string, library: keyof typeof libraries, name: string): JavascriptTime {
  const script = fileURLToPath(new URL(`peer/${library}.mjs`, import.meta.url));
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script, folder, name], {
    encoding: "utf8",
    timeout: capSeconds * 1000,
    killSignal: "SIGKILL",
  });
  const told = stdout
    .trim()
    .split("\n")
    .filter((line) => line.startsWith("{"));
  const result = JSON.parse(told.at(-1) ?? "{}") as { ms?: number; missing?: string };
  const { missing } = result;
  const known = { library, ...(missing !== undefined && { missing }) };
  if (status === 0 && result.ms !== undefined) return { ...known, ms: result.ms };
  const without = missing === undefined ? "" : `, on the plain backend: no ${missing}`;
  if (signal === "SIGKILL") return { ...known, failure: `> ${capSeconds} s${without}` };
  const lines = stderr.trim().split("\n");
  const reason = lines.find((line) => /Error\b/.test(line)) ?? lines.at(-1) ?? `status ${status}`;
  return { ...known, failure: `cannot run: ${reason.trim().slice(0, 120)}` };
}

/** A step of every chosen workload that the peers have, by name; none where no folder holds them. */
export async function timeJavascriptPeers({
  selection,
  javascriptPeers: wanted,
}: Options): Promise<ReadonlyMap<string, readonly JavascriptTime[]>> {
  const found = wanted === false ? undefined : findFolder();
  if (found === undefined) {
    if (wanted === true) {
      throw new ReparamError(
        "--javascript-peers: neither bench/peer nor REPARAM_JS_PEERS holds them. See --help for the installation.",
      );
    }
    return new Map();
  }
  const times = new Map<string, readonly JavascriptTime[]>();
  for (const { name } of selection.filter((workload) => written.includes(workload.name))) {
    const all = (Object.keys(libraries) as (keyof typeof libraries)[]).map((library) =>
      timeOne(resolve(found), library, name),
    );
    times.set(name, all);
  }
  return times;
}
