export { type BinarizeOptions, binarize } from "./binarize.ts";
export { type CacheOptions, cacheFolder } from "./cache.ts";
export { loadFolder } from "./folder.ts";
export { encodeIdx, parseIdx, readIdx, writeIdx } from "./idx.ts";
export { createLoader, type Loader, type LoaderOptions } from "./loader.ts";
export {
  type DatasetInfo,
  fetchDataset,
  type LoadOptions,
  listDatasets,
  loadDataset,
  verifyDataset,
} from "./registry.ts";
export { makeSplit, takeSamples } from "./split.ts";
export type { ToyOptions } from "./toys.ts";
export type {
  Binarization,
  Card,
  Column,
  Dataset,
  ImageOptions,
  Split,
  SplitName,
  SplitOptions,
} from "./types.ts";
