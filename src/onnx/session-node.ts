import { createReadStream, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ReparamError } from "../tensor/index.ts";
import type { Runtime, TraceFile } from "./session.ts";

/**
 * ONNX Runtime's native binding for Node. Its telemetry (since 1.29 on Linux and macOS too: what sessions are made,
 * sent to its maker) is off, unless the environment says otherwise: ORT_DISABLE_TELEMETRY=0.
 */
export async function loadRuntime(): Promise<Runtime> {
  process.env.ORT_DISABLE_TELEMETRY ??= "1";
  try {
    return (await import("onnxruntime-node")) as unknown as Runtime;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new ReparamError(
      `onnxruntime-node does not load (${reason}). Install it: npm install onnxruntime-node@1.30.0 --ignore-scripts`,
      { cause },
    );
  }
}

/** The backends that the installed runtime was built with, for example `cpu` and `webgpu`. */
export async function listBackends(): Promise<readonly { name: string; bundled: boolean }[]> {
  await loadRuntime();
  const { listSupportedBackends } = await import("onnxruntime-node");
  return listSupportedBackends();
}

/** A place for the runtime's trace in a temporary folder, gone when it is closed or the process ends. */
export function openTraceFile(): TraceFile {
  const folder = mkdtempSync(join(tmpdir(), "reparam-trace-"));
  const close = (): void => {
    process.off("exit", close);
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", close);
  return {
    prefix: join(folder, "trace"),
    async *lines() {
      for (const name of readdirSync(folder)) {
        yield* createInterface({ input: createReadStream(join(folder, name)) });
      }
    },
    close,
  };
}
