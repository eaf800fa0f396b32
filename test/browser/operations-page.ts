// Starts the worker and posts what it says; a page without an adapter says so.
const settings = new URLSearchParams(location.search);
const device = settings.get("device") ?? "wasm";
const report = (result: object): void => {
  void fetch("/report", { method: "POST", body: JSON.stringify(result) });
};
interface Adapters {
  requestAdapter(): Promise<object | null>;
}

async function main(): Promise<void> {
  const { gpu } = navigator as { gpu?: Adapters };
  if (device === "webgpu" && !(await gpu?.requestAdapter())) {
    report({ kind: "no adapter" });
    return;
  }
  const worker = new Worker("/worker.js", { type: "module" });
  worker.onmessage = ({ data }) => report(data);
  worker.onerror = ({ message }) => report({ kind: "error", message });
  worker.postMessage({ device, wasmPaths: `${location.origin}/runtime/` });
}

main().catch((error: unknown) => report({ kind: "error", message: String(error) }));
