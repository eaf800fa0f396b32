export {
  addSize,
  type Bindings,
  bindShape,
  Dim,
  dim,
  divideExactly,
  evaluateShape,
  evaluateSize,
  floorDivSize,
  formatShape,
  mulSize,
  type Shape,
  type Size,
  sizeOf,
  staticShape,
  subSize,
  symbolOf,
} from "./dim.ts";
export {
  allocate,
  bytesPerElement,
  type DType,
  isFloat,
  type NumberArray,
  type TypedArray,
} from "./dtype.ts";
export { ReparamError, ShapeError } from "./error.ts";
export {
  fillBits,
  fillMask,
  fillNormal,
  fillUniform,
  permutation,
  philoxBlock,
  type Stream,
} from "./philox.ts";
export {
  elementCount,
  elementsText,
  item,
  scalar,
  spec,
  type Tensor,
  type TensorSpec,
  tensor,
  tensorOf,
  zeros,
} from "./tensor.ts";
export {
  eachLeaf,
  isLeaf,
  leafMap,
  leaves,
  type MapLeaves,
  mapTree,
  type Tree,
  zipTrees,
} from "./tree.ts";
