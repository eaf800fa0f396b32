import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { encodeModel } from "./encode.ts";
import { createSession } from "./session.ts";
import { listBackends } from "./session-node.ts";

/** Whether the runtime can compute on a device, and if not, why. */
export interface DeviceProbe {
  readonly name: string;
  readonly works: boolean;
  /** In a few words; empty where it works. */
  readonly reason: string;
}

/** Milliseconds in which a device must have doubled two numbers. */
const patience = 20_000;

/** y = x + x over [2]. */
const model = (): Uint8Array =>
  encodeModel({
    name: "probe",
    nodes: [{ op: "Add", inputs: ["x", "x"], outputs: ["y"], attributes: {}, domain: "" }],
    initializers: new Map(),
    inputs: [{ name: "x", dtype: "float32", shape: [2] }],
    outputs: [{ name: "y", dtype: "float32", shape: [2] }],
    opsets: new Map([["", 18]]),
    metadata: new Map(),
  });

const script = `
const [path, provider, model] = process.argv.slice(1);
const { InferenceSession, Tensor } = require(path);
const say = (text) => process.stdout.write(text);
InferenceSession.create(Buffer.from(model, "base64"), { executionProviders: [provider] })
  .then((session) => session.run({ x: new Tensor("float32", Float32Array.of(3, 4), [2]) }))
  .then(({ y }) => y.getData())
  .then((data) => say(data[1] === 8 ? "works" : "gives wrong numbers"), (error) => say(error.message));
`;

/** Tries one device. */
export async function probeDevice(name: string): Promise<DeviceProbe> {
  const found = (await listBackends()).find((backend) => backend.name === name);
  return found?.bundled === true ? probe(name) : { name, works: false, reason: notInstalled };
}

const notInstalled = "not part of the installed package";

/**
 * Tries every device that the runtime knows on a tiny model, each in a process of its own: a driver that crashes
 * takes only that process with it.
 */
export async function probeDevices(): Promise<readonly DeviceProbe[]> {
  const backends = await listBackends();
  return Promise.all([
    ...backends.map(({ name, bundled }) =>
      bundled ? probe(name) : { name, works: false, reason: notInstalled },
    ),
    probeWebAssembly(),
  ]);
}

/** WebAssembly has no driver that could crash: it is tried in this process. */
async function probeWebAssembly(): Promise<DeviceProbe> {
  const name = "wasm";
  try {
    const session = await createSession(model(), { device: name, threads: 1 });
    const x = { dtype: "float32", shape: [2], data: Float32Array.of(3, 4) } as const;
    const y = (await session.run(new Map([["x", x]]))).get("y");
    await session.release();
    const works = y?.data[1] === 8;
    return { name, works, reason: works ? "" : "gives wrong numbers" };
  } catch (error) {
    return {
      name,
      works: false,
      reason: reasonOf(error instanceof Error ? error.message : "", null),
    };
  }
}

function probe(name: string): Promise<DeviceProbe> {
  const path = createRequire(import.meta.url).resolve("onnxruntime-node");
  const args = ["-e", script, path, name, Buffer.from(model()).toString("base64")];
  const env = { ...process.env, ORT_DISABLE_TELEMETRY: "1" };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env, timeout: patience }, (error, stdout) => {
      const works = error === null && stdout === "works";
      resolve({ name, works, reason: works ? "" : reasonOf(stdout, error) });
    });
  });
}

function reasonOf(
  said: string,
  error: { readonly signal?: unknown; readonly killed?: boolean } | null,
): string {
  if (error?.killed === true) return `no answer in ${patience / 1000} s`;
  if (error?.signal) return `the process ended by ${error.signal}`;
  // Before the reason the runtime puts the line of its source, and the condition that did not hold.
  const reason = (said.split("\n")[0] ?? "").replace(/^.* was false\.\s*/, "").trim();
  return reason === "" ? "the process ended without an answer" : reason;
}
