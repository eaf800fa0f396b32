export { type LayerCost, layerCosts } from "./cost.ts";
export type { FileNode, OnnxFile } from "./file.ts";
export {
  fromOnnx,
  type ImportedModel,
  type ImportedWeights,
  type ImportOptions,
} from "./from-onnx.ts";
export type { ExternalData } from "./tensors.ts";
