// The contract of the operations on WebGPU: every graph and its gradient against plain evaluation, in headless Chromium
// with its software adapter. Skipped where there is no Chromium, or where it offers no adapter.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serve } from "../../examples/browser/serve.ts";
import { opCases } from "../ops/cases.ts";
import { chromium, reportOf } from "./chromium.ts";

const here = import.meta.dirname;
const entries = {
  page: join(here, "operations-page.ts"),
  worker: join(here, "operations-worker.ts"),
};

describe.skipIf(chromium === undefined)("operations in Chromium", { timeout: 240_000 }, () => {
  it("compute on WebGPU what they promise", async ({ skip }) => {
    const served = await serve(new Uint8Array(0), { entries });
    const result = await reportOf(served, { device: "webgpu" });
    if (result.kind === "no adapter") {
      console.log("Chromium offers no WebGPU adapter here: operations are not tested on it.");
      skip();
    }
    // Said in one line when the graph is made, and the only operation that cannot be trained there.
    const faults = { maxPool2d: expect.stringContaining("WebGPU's kernel gives no positions") };
    expect(result).toEqual({ kind: "done", checked: opCases.length, faults });
  });
});
