import { runSource } from "./run-source.mjs";

runSource("src/cli/main.ts");
