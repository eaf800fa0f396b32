import { runSource } from "./run-source.mjs";

runSource("bench/main.ts");
