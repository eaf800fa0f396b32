// Checks every operation of the contract on a device, inside of a Web Worker. Posts { faults: name → what is wrong }.
import { configureWebRuntime, type Device } from "../../src/onnx/index.ts";
import { opCases } from "../ops/cases.ts";
import { graphFault } from "../ops/graph-contract.ts";

interface Asked {
  readonly device: Device;
  readonly wasmPaths: string;
}

const scope = globalThis as unknown as {
  postMessage(message: unknown): void;
  onmessage: ((event: { data: Asked }) => void) | null;
};

async function check({ device, wasmPaths }: Asked): Promise<void> {
  configureWebRuntime({ wasmPaths });
  const faults: Record<string, string> = {};
  for (const c of opCases) {
    const fault = await graphFault(c, { target: device, device, rows: [2], tolerance: 1e-5 }).catch(
      (error: unknown) => String(error),
    );
    if (fault !== "") faults[c.name] = fault;
  }
  scope.postMessage({ kind: "done", checked: opCases.length, faults });
}

scope.onmessage = ({ data }) => {
  check(data).catch((error: unknown) =>
    scope.postMessage({ kind: "error", message: String(error) }),
  );
};
