export { arithmeticEntropy, arithmeticSymbols, isArithmetic } from "./arithmetic.ts";
export { type BinarizeOptions, binarize } from "./binarize.ts";
export { type CacheOptions, cacheFolder } from "./cache.ts";
export { loadFolder } from "./folder.ts";
export { encodeIdx, parseIdx, readIdx, writeIdx } from "./idx.ts";
export { createLoader, type Loader, type LoaderOptions } from "./loader.ts";
export { decodeNpy, encodeNpy } from "./npy.ts";
export {
  type DatasetInfo,
  fetchDataset,
  type LoadOptions,
  listDatasets,
  loadDataset,
  verifyDataset,
} from "./registry.ts";
export { makeSplit, readRows, takeSamples } from "./split.ts";
export { parseColumnList } from "./table-columns.ts";
export { defaultContext } from "./text.ts";
export type { ToyOptions } from "./toys.ts";
export type {
  Binarization,
  Card,
  Column,
  CorpusOptions,
  Dataset,
  ImageOptions,
  Modes,
  Split,
  SplitName,
  SplitOptions,
  StoredRows,
  TableOptions,
  TextOptions,
} from "./types.ts";
