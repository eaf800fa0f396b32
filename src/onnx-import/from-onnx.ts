import { constant } from "../ops/index.ts";
import {
  dim,
  ReparamError,
  type Shape,
  type Size,
  type Tensor,
  type TensorSpec,
} from "../tensor/index.ts";
import { trace, type Value } from "../trace/index.ts";
import { type FileGraph, type FileValue, type OnnxFile, readFile } from "./file.ts";
import { Interpreter, unsupported, unsupportedNodes } from "./interpret.ts";
import { tracedValue } from "./known.ts";
import { dtypeOf, type ExternalData, tensorOf } from "./tensors.ts";

export interface ImportOptions {
  /** Reads weights that are kept beside the model. */
  readonly external?: ExternalData;
  /** Shapes of inputs where the file does not say them, or to fix what it leaves free. */
  readonly shapes?: Readonly<Record<string, Shape>>;
  /** Values of inputs that are the same in every call, and may then shape the graph: they stop being inputs. */
  readonly constants?: Readonly<Record<string, Tensor>>;
}

/** Weights of an imported model by their names in the file. */
export interface ImportedWeights<T = Tensor> {
  /** What can be trained. */
  readonly params: Readonly<Record<string, T>>;
  /** Running means and variances of batch normalization. */
  readonly buffers: Readonly<Record<string, T>>;
}

/** An ONNX model as a function of traced values: to be differentiated, trained, and exported again. */
export interface ImportedModel {
  readonly name: string;
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  readonly outputs: Readonly<Record<string, TensorSpec>>;
  readonly weights: ImportedWeights;
  readonly metadata: Readonly<Record<string, string>>;
  readonly file: OnnxFile;
  /**
   * The model's outputs by name, or the tensors of its graph that `names` lists. Batch normalization uses its stored
   * statistics and dropout does nothing, as in the file. Inputs may have other sizes than the file says where its graph allows it.
   */
  apply(
    weights: ImportedWeights<Value>,
    inputs: Readonly<Record<string, Value>>,
    names?: readonly string[],
  ): Readonly<Record<string, Value>>;
}

/**
 * Reads an ONNX model (operator sets 11 and later) as a traced function with its weights beside it. Dimensions that the
 * file leaves free stay free. 16-bit floats are read as float32, small integers as int32.
 * @throws ReparamError for files that are damaged, operators that are not supported (all of them are named, with their
 * nodes), shapes that depend on the data, and control flow that does.
 */
export function fromOnnx(bytes: Uint8Array, options: ImportOptions = {}): ImportedModel {
  const file = readFile(bytes);
  checkOpset(file);
  const missing = unsupportedNodes(file);
  if (missing.length > 0) throw unsupported(missing);
  const { graph } = file;
  const tensors = weightsOf(graph, options.external);
  const { constants = {}, shapes = {}, external } = options;
  const inputs = inputsOf(graph, shapes, constants);
  const apply = (
    all: ReadonlyMap<string, Value>,
    given: Readonly<Record<string, Value>>,
    names: readonly string[] = graph.outputs.map(({ name }) => name),
  ) => applyGraph({ file, tensors, inputs, constants, external }, all, given, names);
  const traced = trace(({ weights, given }) => apply(new Map(Object.entries(weights)), given), {
    weights: Object.fromEntries(tensors),
    given: inputs,
  });
  const outputs = mapRecord(traced.outputs, ({ dtype, shape }) => ({ dtype, shape }));
  // What no traced node reads is a number that shaped the graph, and cannot be trained.
  const reached = new Set(traced.nodes);
  const read = new Set(
    [...traced.inputs].filter(([, value]) => reached.has(value.node)).map(([path]) => path),
  );
  const weights = separate(
    tensors,
    statisticsOf(graph),
    (name, tensor) => read.has(`weights.${name}`) && !isLiteral(file, name, tensor),
  );
  return {
    ...{ name: graph.name, inputs, outputs, weights, file },
    metadata: Object.fromEntries(file.metadata),
    apply: ({ params, buffers }, given, names) =>
      apply(new Map(Object.entries({ ...params, ...buffers })), given, names),
  };
}

function checkOpset({ opsets }: OnnxFile): void {
  const version = opsets.get("");
  if (version !== undefined && (version < 7 || version > 28)) {
    throw new ReparamError(
      `fromOnnx: the file is written for operator set ${version}; 7 to 28 can be read. Convert it with onnx.version_converter.`,
    );
  }
}

/** Floating-point initializers; integers shape the graph and are constants of it. */
function weightsOf(graph: FileGraph, external?: ExternalData): Map<string, Tensor> {
  const weights = new Map<string, Tensor>();
  for (const [name, tensor] of graph.initializers) {
    const float = [1, 10, 11, 16].includes(tensor.type);
    if (float) weights.set(name, tensorOf(tensor, external));
  }
  return weights;
}

function inputsOf(
  graph: FileGraph,
  shapes: Readonly<Record<string, Shape>>,
  constants: Readonly<Record<string, Tensor>>,
): Record<string, TensorSpec> {
  const inputs: Record<string, TensorSpec> = {};
  for (const input of graph.inputs) {
    // Before IR 4 every initializer was an input as well.
    if (graph.initializers.has(input.name) || constants[input.name] !== undefined) continue;
    const dtype = dtypeOf(input.type, `input "${input.name}"`);
    inputs[input.name] = { dtype, shape: shapes[input.name] ?? shapeOf(input) };
  }
  for (const name of [...Object.keys(shapes), ...Object.keys(constants)]) {
    if (!graph.inputs.some((input) => input.name === name)) {
      const known = Object.keys(inputs).join(", ");
      throw new ReparamError(`fromOnnx: there is no input "${name}"; the model has ${known}.`);
    }
  }
  return inputs;
}

/** The largest size that is believed of a file. */
const sizeLimit = 2 ** 31;

function shapeOf({ name, shape }: FileValue): Shape {
  if (shape === undefined) {
    throw new ReparamError(
      `fromOnnx: the file does not say the shape of input "${name}". Give it: shapes: { "${name}": [dim("B"), …] }.`,
    );
  }
  return shape.map((size, axis): Size => {
    if (typeof size === "number") {
      if (size > 0 && size < sizeLimit) return size;
      if (size === 0) return 0;
      throw new ReparamError(`fromOnnx: input "${name}" has the size ${size} on axis ${axis}.`);
    }
    const symbol = size.replace(/\W+/g, "_").replace(/^(?=\d)/, "_");
    return dim(symbol === "" || symbol === "_" ? `${name.replace(/\W+/g, "_")}_${axis}` : symbol);
  });
}

interface Application {
  readonly file: OnnxFile;
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  readonly external: ExternalData | undefined;
  readonly constants: Readonly<Record<string, Tensor>>;
}

function applyGraph(
  { file, tensors, inputs, constants, external }: Application,
  weights: ReadonlyMap<string, Value>,
  given: Readonly<Record<string, Value>>,
  wanted: readonly string[],
): Record<string, Value> {
  const names = new Map<string, Value>();
  const numbers = new Map<Value, Tensor>();
  for (const [name, tensor] of tensors) {
    const value = weights.get(name);
    // Weights that only shape the graph are not among those that are trained.
    if (value === undefined) continue;
    names.set(name, value);
    numbers.set(value, tensor);
  }
  for (const [name, tensor] of Object.entries(constants)) names.set(name, constant(tensor));
  for (const [name, { dtype }] of Object.entries(inputs)) {
    const value = given[name];
    if (value === undefined) throw new ReparamError(`the imported model wants an input "${name}".`);
    if (value.dtype !== dtype) {
      throw new ReparamError(`input "${name}" of the imported model is ${dtype}, got ${value}.`);
    }
    names.set(name, value);
  }
  const results = new Interpreter(file, numbers, external).graph(file.graph, names);
  const outputs: Record<string, Value> = {};
  for (const name of wanted) {
    const known = results.get(name);
    if (known === undefined) throw new ReparamError(`fromOnnx: the graph makes no "${name}".`);
    outputs[name] = tracedValue(known);
  }
  return outputs;
}

/** Names of the running means and variances of batch normalization. */
function statisticsOf(graph: FileGraph): ReadonlySet<string> {
  const norms = graph.nodes.filter(({ operator }) => operator === "BatchNormalization");
  return new Set(norms.flatMap(({ inputs }) => inputs.slice(3, 5)));
}

/**
 * Single numbers without the dotted name of a layer are literals of the program: 1/255, √d, an epsilon. This library
 * numbers its constants, such as the frequencies of positions.
 */
const isLiteral = ({ producer }: OnnxFile, name: string, { data }: Tensor): boolean =>
  producer === "reparam" ? /^c\d+$/.test(name) : data.length === 1 && !name.includes(".");

function separate(
  tensors: ReadonlyMap<string, Tensor>,
  statistics: ReadonlySet<string>,
  isWeight: (name: string, tensor: Tensor) => boolean,
): ImportedWeights {
  const params: Record<string, Tensor> = {};
  const buffers: Record<string, Tensor> = {};
  for (const [name, tensor] of tensors) {
    if (!isWeight(name, tensor)) continue;
    (statistics.has(name) ? buffers : params)[name] = tensor;
  }
  return { params, buffers };
}

const mapRecord = <T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
