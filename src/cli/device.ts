import type { Device } from "../onnx/index.ts";
import type { Context } from "./terminal.ts";

/** The wanted device, or the cpu where the wanted one does not work here, which is said. */
export async function usableDevice(wanted: Device, { note }: Context): Promise<Device> {
  if (wanted !== "webgpu") return wanted;
  const { probeDevice } = await import("../onnx/session-devices.ts");
  const { works, reason } = await probeDevice("webgpu");
  if (works) return wanted;
  note(`reparam: device webgpu does not work here (${reason}). Training on the cpu.`);
  return "cpu";
}
