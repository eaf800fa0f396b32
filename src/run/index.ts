export { fileError, makeFolder, readBytes, writeAtomic } from "./atomic.ts";
export { type Checkpoint, newestCheckpoint, type Position, readCheckpoint } from "./checkpoint.ts";
export {
  type CompiledFunction,
  type CompileFunctionOptions,
  compileDefinition,
  compileFunction,
} from "./compile-function.ts";
export {
  describeIssues,
  machine,
  type RunConfig,
  readConfig,
  runConfigSchema,
  versions,
  writeConfig,
} from "./config.ts";
export { dataShape } from "./data-shape.ts";
export {
  autoencoderFolder,
  type EncodedDataset,
  type EncodingOptions,
  encodeDataset,
  readEncoded,
  writeEncoded,
} from "./encoded-dataset.ts";
export { type ExportFunctionsOptions, exportFunctions } from "./export.ts";
export {
  exportMetadata,
  type Finished,
  type FinishOptions,
  finishRun,
  writeReport,
} from "./finish.ts";
export {
  type FitOptions,
  type FitResult,
  fit,
  type Progress,
  type Snapshot,
  type Snapshots,
} from "./fit.ts";
export {
  type Evaluation,
  evaluateSplit,
  type FillOptions,
  mapSplit,
  type NamedTensors,
  type RowInputs,
  rowsOf,
  sampleRows,
} from "./functions.ts";
export { type GenerationOptions, type Generator, openGenerator } from "./generation.ts";
export { type WrittenFile, writeHuggingFace } from "./hugging-face.ts";
export { keepModel, openKeptModel, openModel } from "./imported-model.ts";
export {
  classGrid,
  directions,
  interpolation,
  type LatentGrid,
  layerGroups,
  mixing,
  projectionStarts,
  truncationGrid,
} from "./latent-grids.ts";
export {
  type LatentSpace,
  openLatentSpace,
  type Projection,
  type SpaceOptions,
  stackRows,
} from "./latent-space.ts";
export {
  type EvaluationLine,
  type MetricsLine,
  readMetrics,
  type TrainLine,
} from "./metrics-log.ts";
export { drawPairs, type PairOptions, readPairs, writePairs } from "./pairs.ts";
export { openPartialFit, type PartialFit, type PartialFitOptions } from "./partial-fit.ts";
export { addProfilePictures, writeProfiles } from "./profile-files.ts";
export { encodeRowsCsv } from "./rows-csv.ts";
export {
  createRunFolder,
  type ExportEntry,
  freeRunFolder,
  type PictureEntry,
  readRun,
  readSummary,
  type Summary,
  updateSummary,
} from "./run-folder.ts";
export { decodeSafetensors, encodeSafetensors, type SafetensorsFile } from "./safetensors.ts";
export { type SamplingOptions, sampleToken } from "./sampling.ts";
export { drawSnapshots } from "./snapshots.ts";
export {
  createStepProfiler,
  type KernelTime,
  type LayerTime,
  type OperatorTime,
  type StepProfile,
  type StepProfiler,
  type StepProfilerOptions,
} from "./step-profile.ts";
export { readTokenizer, textShape, writeTokenizer } from "./text-run.ts";
export {
  type KnobPoint,
  type KnobTuning,
  type SeedMean,
  type TuneKnobOptions,
  tuneKnob,
} from "./tune-knob.ts";
