// Removes the build output, so that a file deleted from src/ is not published from dist/.
import { rmSync } from "node:fs";
import { root } from "./ensure-installed.mjs";

rmSync(`${root}dist`, { recursive: true, force: true });
