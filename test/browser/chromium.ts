import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Served } from "../../examples/browser/serve.ts";

function findChromium(): string | undefined {
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    try {
      return execFileSync("which", [name], { encoding: "utf8", stdio: "pipe" }).trim();
    } catch {
      // The next name.
    }
  }
  return undefined;
}

/** Where Chromium is; undefined where it is not installed, which is printed. */
export const chromium = findChromium();
if (chromium === undefined) console.log("No Chromium here: nothing is tested in a browser.");

/** Chromium's software implementation of Vulkan (SwiftShader) as WebGPU's adapter. */
const softwareAdapter = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
];

/** A folder for what a browser keeps between visits. */
export const temporaryProfile = (): string => mkdtempSync(join(tmpdir(), "reparam-chromium-"));

/** Opens the served page without a window, waits for its report, and closes the browser and the server. */
export async function reportOf(
  { server, url, report }: Served,
  settings: Readonly<Record<string, string | number>>,
  profile = temporaryProfile(),
): Promise<Record<string, unknown>> {
  const query = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const adapter = settings.device === "webgpu" ? softwareAdapter : ["--disable-gpu"];
  const fixed = ["--headless=new", "--no-sandbox", `--user-data-dir=${profile}`];
  const browser = spawn(chromium as string, [...fixed, ...adapter, `${url}?${query.join("&")}`], {
    stdio: "ignore",
  });
  try {
    return await report;
  } finally {
    const closed = new Promise((resolve) => browser.once("close", resolve));
    browser.kill("SIGKILL");
    await closed;
    server.close();
    server.closeAllConnections();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
