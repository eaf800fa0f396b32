export { type AdamOptions, type AdamWOptions, adam, adamW } from "./adam.ts";
export { clipByGlobalNorm, clipByValue, globalNorm } from "./clipping.ts";
export { chain, onlyPaths, type PathFilter, parallel, pickPaths } from "./combine.ts";
export { type Average, ema } from "./ema.ts";
export { applyUpdates, type Optimizer, type OptimizerStep, type Schedule } from "./optimizer.ts";
export { type RmspropOptions, rmsprop } from "./rmsprop.ts";
export type { CosineOptions, ExponentialOptions, HalfLifeOptions } from "./schedules.ts";
export * as schedules from "./schedules.ts";
export { type SgdOptions, sgd } from "./sgd.ts";
