import { ReparamError } from "../tensor/index.ts";
import type { Runtime } from "./session.ts";

/** Settings of the web runtime. They hold from the first session on, for all of them. */
export interface WebSettings {
  /** Folder or URL where the runtime's .wasm and .mjs files are served; beside the page's script if absent. */
  readonly wasmPaths?: string;
}

let settings: WebSettings = {};

/** Says where the web runtime finds its files; to be called before the first session is made. */
export function configureWebRuntime(given: WebSettings): void {
  settings = given;
}

/**
 * ONNX Runtime for browsers: WebAssembly and WebGPU. Several threads need a page that is cross-origin isolated (headers
 * COOP and COEP); without, a session with two threads would hang, so that one is used.
 */
export async function loadRuntime({ threads }: { readonly threads: number }): Promise<Runtime> {
  const { env, ...ort } = await import("onnxruntime-web/webgpu").catch((cause: unknown) => {
    throw new ReparamError(
      "onnxruntime-web does not load. Install it: npm install onnxruntime-web@1.30.0",
      { cause },
    );
  });
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;
  env.wasm.numThreads = isolated ? threads : 1;
  if (settings.wasmPaths !== undefined) env.wasm.wasmPaths = settings.wasmPaths;
  env.logLevel = "error";
  return ort as unknown as Runtime;
}
