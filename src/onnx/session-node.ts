import { ReparamError } from "../tensor/index.ts";
import type { Runtime } from "./session.ts";

/** ONNX Runtime's native binding for Node. */
export async function loadRuntime(): Promise<Runtime> {
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
