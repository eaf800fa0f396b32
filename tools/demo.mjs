import { runSource } from "./run-source.mjs";

runSource("src/cli/demo.ts");
