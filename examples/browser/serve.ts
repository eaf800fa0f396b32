// Bundles the page with esbuild and serves it: npx tsx examples/browser/serve.ts [--port 8000] [--data mnist]
// The two headers make the page cross-origin isolated, which threads of WebAssembly need.
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));

export interface Served {
  readonly server: Server;
  readonly url: string;
  /** Bytes of the page's and the worker's script. */
  readonly bundle: number;
  /** What the page posts when it is opened with ?report=1. */
  readonly report: Promise<Record<string, unknown>>;
}

/** A page's script and its worker's. */
export interface Scripts {
  readonly page: string;
  readonly worker: string;
}
const example: Scripts = { page: join(here, "page.ts"), worker: join(here, "worker.ts") };

/** Both scripts as modules, minified: `/page.js`, `/worker.js` and what they share. */
async function bundle(entryPoints: Scripts): Promise<Map<string, Uint8Array>> {
  const { outputFiles } = await build({
    entryPoints: { ...entryPoints },
    ...{ bundle: true, format: "esm", splitting: true, minify: true, write: false },
    outdir: "/",
    tsconfig: join(here, "../../tsconfig.json"),
    // Node's half of the library is never loaded in a page, and the runtime's web half brings its own.
    external: ["node:*", "onnxruntime-node", "module", "fs", "path", "worker_threads"],
    logLevel: "error",
  });
  return new Map(outputFiles.map(({ path, contents }) => [path, contents]));
}

export interface ServeOptions {
  /** Default: any free one. */
  readonly port?: number;
  readonly isolated?: boolean;
  readonly entries?: Scripts;
}

/** Serves the page with these images of 28×28 bytes. `isolated` sends the two headers. */
export async function serve(
  digits: Uint8Array,
  { port = 0, isolated = true, entries = example }: ServeOptions = {},
): Promise<Served> {
  const scripts = await bundle(entries);
  const runtime = dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
  let reported: (result: Record<string, unknown>) => void = () => undefined;
  const report = new Promise<Record<string, unknown>>((resolve) => {
    reported = resolve;
  });
  const contentOf = async (path: string): Promise<[string, Uint8Array] | undefined> => {
    if (path === "/") return ["text/html", await readFile(join(here, "index.html"))];
    if (path === "/digits") return ["application/octet-stream", digits.subarray(0, 10_000 * 784)];
    const name = /^\/runtime\/([\w.-]+)$/.exec(path)?.[1];
    if (name !== undefined) {
      const type = name.endsWith(".wasm") ? "application/wasm" : "text/javascript";
      return [type, await readFile(join(runtime, name))];
    }
    const script = scripts.get(path);
    return script === undefined ? undefined : ["text/javascript", script];
  };
  const headers = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname === "/report") {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        response.end();
        reported(JSON.parse(Buffer.concat(parts).toString()));
      });
      return;
    }
    contentOf(pathname)
      .catch(() => undefined)
      .then((found) => {
        const [type, content] = found ?? ["text/plain", new TextEncoder().encode("not here")];
        const status = found === undefined ? 404 : 200;
        response.writeHead(status, { "content-type": type, ...(isolated ? headers : {}) });
        response.end(content);
      });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const size = [...scripts.values()].reduce((sum, { length }) => sum + length, 0);
  return { server, url, bundle: size, report };
}

const flag = (name: string): string | undefined => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { loadDataset } = await import("reparam/data");
  const { train } = await loadDataset(flag("--data") ?? "mnist");
  const digits = train.columns.image?.data as Uint8Array;
  const { url, bundle: bytes } = await serve(digits, { port: Number(flag("--port") ?? 8000) });
  console.log(`${url}  (scripts of ${(bytes / 1000).toFixed(0)} kB)`);
}
