// The page around the worker: buttons, the loss, and the digits as they get better.
import type { Message, Start } from "./worker.ts";

const settings = new URLSearchParams(location.search);
const number = (name: string, preset: number): number => Number(settings.get(name) ?? preset);
const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

/** 64 digits on a canvas of 8 by 8. */
function paint(pixels: Float32Array, side: number, count: number): void {
  const canvas = element<HTMLCanvasElement>("samples");
  const columns = Math.ceil(Math.sqrt(count));
  canvas.width = canvas.height = columns * side;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const image = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < pixels.length; i++) {
    const [sample, inside] = [Math.floor(i / side ** 2), i % side ** 2];
    const x = (sample % columns) * side + (inside % side);
    const y = Math.floor(sample / columns) * side + Math.floor(inside / side);
    const value = 255 * (pixels[i] as number);
    image.data.set([value, value, value, 255], 4 * (y * canvas.width + x));
  }
  context.putImageData(image, 0, 0);
}

/** Tells whoever opened the page with `report=1` how it went. */
const report = (result: object): void => {
  if (settings.get("report") === null) return;
  const body = JSON.stringify({ ...result, isolated: crossOriginIsolated });
  void fetch("/report", { method: "POST", body });
};

/** Whether the browser offers a graphics adapter. */
async function hasAdapter(): Promise<boolean> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<object | null> } };
  return ((await gpu?.requestAdapter()) ?? null) !== null;
}

async function main(): Promise<void> {
  if (settings.get("device") === "webgpu" && !(await hasAdapter())) {
    element("status").textContent = "This browser offers no WebGPU adapter. Try ?device=wasm.";
    report({ kind: "no adapter" });
    return;
  }
  const images = new Uint8Array(await (await fetch("/digits")).arrayBuffer());
  const worker = new Worker("/worker.js", { type: "module" });
  const say = (text: string): void => {
    element("status").textContent = text;
  };
  worker.onmessage = ({ data }: MessageEvent<Message>) => {
    if (data.kind === "step") {
      say(
        `step ${data.step + 1}: loss ${data.loss.toFixed(1)}, ${data.stepsPerSecond.toFixed(1)} steps a second`,
      );
    } else if (data.kind === "samples") paint(data.pixels, data.side, data.count);
    else {
      if (data.kind === "error") say(data.message);
      report(data);
      // The runtime's memory goes with its worker.
      worker.terminate();
    }
  };
  worker.onerror = ({ message }) => report({ kind: "error", message });
  element("stop").onclick = () => worker.postMessage({ kind: "stop" });
  const start: Start = {
    kind: "start",
    device: (settings.get("device") ?? "wasm") as Start["device"],
    threads: number("threads", 2),
    steps: number("steps", 2000),
    batchSize: number("batch", 128),
    latents: number("latents", 20),
    sampleEvery: number("sample", 20),
    wasmPaths: `${location.origin}/runtime/`,
    images,
  };
  worker.postMessage(start, [images.buffer]);
}

main().catch((error: unknown) => report({ kind: "error", message: String(error) }));
