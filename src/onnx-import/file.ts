import { broken, Message } from "./protobuf.ts";

/*
 * The parts of an ONNX file that matter here, as they stand in it; the numbers below are field numbers of onnx.proto3
 * (ONNX IR specification). Tensors stay bytes of the file until one is wanted.
 */

export interface OnnxFile {
  readonly irVersion: number;
  readonly producer: string;
  /** Version of each operator set by its domain; "" is ONNX's own. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly graph: FileGraph;
  /** Operators that the file defines itself, by `domain:name`. */
  readonly functions: ReadonlyMap<string, FileFunction>;
}

export interface FileGraph {
  readonly name: string;
  readonly nodes: readonly FileNode[];
  readonly initializers: ReadonlyMap<string, FileTensor>;
  readonly inputs: readonly FileValue[];
  readonly outputs: readonly FileValue[];
}

export interface FileFunction {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly FileNode[];
  /** Values of attributes that a call may leave out. */
  readonly defaults: ReadonlyMap<string, FileAttribute>;
}

export interface FileNode {
  readonly name: string;
  readonly operator: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, FileAttribute>;
}

export interface FileAttribute {
  readonly number?: number;
  readonly text?: string;
  readonly tensor?: FileTensor;
  readonly graph?: FileGraph;
  readonly numbers: readonly number[];
  readonly texts: readonly string[];
  /** In the body of a function: the attribute of the call that is meant. */
  readonly reference?: string;
}

export interface FileTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Number of the element type (TensorProto.DataType). */
  readonly type: number;
  readonly raw: Uint8Array | undefined;
  /** Elements that are written one by one: floats, doubles, or integers. */
  readonly numbers: readonly number[];
  /** Where the bytes are, if not in this file. */
  readonly external: ReadonlyMap<string, string> | undefined;
}

export interface FileValue {
  readonly name: string;
  /** Number of the element type; 0 for what is no tensor. */
  readonly type: number;
  /** A size, a symbol, or "" for what is not said; undefined where not even the rank is. */
  readonly shape: readonly (number | string)[] | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Reads the structure of an ONNX file. @throws ReparamError where it is none. */
export function readFile(bytes: Uint8Array): OnnxFile {
  const opsets = new Map<string, number>();
  const metadata = new Map<string, string>();
  const functions = new Map<string, FileFunction>();
  let [irVersion, producer] = [0, ""];
  let graph: FileGraph | undefined;
  new Message(bytes).fields((field, message) => {
    if (field === 1) irVersion = message.integer();
    else if (field === 2) producer = message.name();
    else if (field === 7) graph = readGraph(message.message());
    else if (field === 8) opsets.set(...readOpset(message.message()));
    else if (field === 14) metadata.set(...readEntry(message.message()));
    else if (field === 25) functions.set(...readFunction(message.message()));
  });
  if (graph === undefined || irVersion === 0) throw broken("it has no graph");
  return { irVersion, producer, opsets, metadata, graph, functions };
}

function readOpset(message: Message): [string, number] {
  let [domain, version] = ["", 1];
  message.fields((field) => {
    if (field === 1) domain = message.name();
    else if (field === 2) version = message.integer();
  });
  return [domain === "ai.onnx" ? "" : domain, version];
}

function readEntry(message: Message): [string, string] {
  let [key, value] = ["", ""];
  message.fields((field) => {
    if (field === 1) key = message.text();
    else if (field === 2) value = message.text();
  });
  return [key, value];
}

function readFunction(message: Message): [string, FileFunction] {
  let [name, domain] = ["", ""];
  const inputs: string[] = [];
  const outputs: string[] = [];
  const nodes: FileNode[] = [];
  const defaults = new Map<string, FileAttribute>();
  message.fields((field) => {
    if (field === 1) name = message.name();
    else if (field === 4) inputs.push(message.name());
    else if (field === 5) outputs.push(message.name());
    else if (field === 7) nodes.push(readNode(message.message()));
    else if (field === 10) domain = message.name();
    else if (field === 11) defaults.set(...readAttribute(message.message()));
  });
  return [`${domain}:${name}`, { inputs, outputs, nodes, defaults }];
}

function readGraph(message: Message): FileGraph {
  const nodes: FileNode[] = [];
  const initializers = new Map<string, FileTensor>();
  const inputs: FileValue[] = [];
  const outputs: FileValue[] = [];
  let name = "";
  message.fields((field) => {
    if (field === 1) nodes.push(readNode(message.message()));
    else if (field === 2) name = message.name();
    else if (field === 5) {
      const tensor = readTensor(message.message());
      initializers.set(tensor.name, tensor);
    } else if (field === 11) inputs.push(readValue(message.message()));
    else if (field === 12) outputs.push(readValue(message.message()));
    else if (field === 15) throw broken("it has sparse weights, which are not read");
  });
  return { name, nodes, initializers, inputs, outputs };
}

function readNode(message: Message): FileNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, FileAttribute>();
  let [name, operator, domain] = ["", "", ""];
  message.fields((field) => {
    if (field === 1) inputs.push(message.name());
    else if (field === 2) outputs.push(message.name());
    else if (field === 3) name = message.name();
    else if (field === 4) operator = message.name();
    else if (field === 5) attributes.set(...readAttribute(message.message()));
    else if (field === 7) domain = message.name();
  });
  return {
    ...{ name, operator, inputs, outputs, attributes },
    domain: domain === "ai.onnx" ? "" : domain,
  };
}

function readAttribute(message: Message): [string, FileAttribute] {
  let name = "";
  const numbers: number[] = [];
  const texts: string[] = [];
  const attribute: Mutable<FileAttribute> = { numbers, texts };
  message.fields((field) => {
    if (field === 1) name = message.name();
    else if (field === 2) attribute.number = message.float();
    else if (field === 3) attribute.number = message.integer();
    else if (field === 4) attribute.text = message.name();
    else if (field === 5) attribute.tensor = readTensor(message.message());
    else if (field === 6) attribute.graph = readGraph(message.message());
    else if (field === 7) message.floats(numbers);
    else if (field === 8) message.integers(numbers);
    else if (field === 9) texts.push(message.name());
    else if (field === 21) attribute.reference = message.name();
  });
  return [name, attribute];
}

/** A tensor's header and where its elements are. Also reads files that hold one tensor. */
export function readTensor(message: Message): FileTensor {
  const shape: number[] = [];
  const numbers: number[] = [];
  const external = new Map<string, string>();
  let [name, type, elsewhere] = ["", 0, 0];
  let raw: Uint8Array | undefined;
  message.fields((field) => {
    if (field === 1) message.integers(shape);
    else if (field === 2) type = message.integer();
    else if (field === 4) message.floats(numbers);
    else if (field === 5 || field === 7 || field === 11) message.integers(numbers);
    else if (field === 8) name = message.name();
    else if (field === 9) raw = message.bytes();
    else if (field === 10) message.doubles(numbers);
    else if (field === 13) external.set(...readEntry(message.message()));
    else if (field === 14) elsewhere = message.integer();
  });
  return { name, shape, type, raw, numbers, external: elsewhere === 1 ? external : undefined };
}

function readValue(message: Message): FileValue {
  let name = "";
  let found: Omit<FileValue, "name"> = { type: 0, shape: undefined };
  message.fields((field) => {
    if (field === 1) name = message.name();
    else if (field === 2) {
      const type = message.message();
      type.fields((kind) => {
        if (kind === 1) found = readTensorType(type.message());
      });
    }
  });
  return { name, ...found };
}

function readTensorType(message: Message): Omit<FileValue, "name"> {
  let type = 0;
  let shape: (number | string)[] | undefined;
  message.fields((field) => {
    if (field === 1) type = message.integer();
    else if (field === 2) shape = readShape(message.message());
  });
  return { type, shape };
}

function readShape(message: Message): (number | string)[] {
  const shape: (number | string)[] = [];
  message.fields((field) => {
    if (field !== 1) return;
    let size: number | string = "";
    const dimension = message.message();
    dimension.fields((kind) => {
      if (kind === 1) size = dimension.integer();
      else if (kind === 2) size = dimension.name();
    });
    shape.push(size);
  });
  return shape;
}
