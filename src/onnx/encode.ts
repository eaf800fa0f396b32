import { PbfWriter } from "pbf";
import type { DType, Shape, Tensor } from "../tensor/index.ts";
import { elementTypes, type OnnxAttribute } from "../trace/index.ts";
import type { OnnxGraph, OnnxInput, OnnxNode } from "./graph.ts";

/*
 * ONNX models in protocol-buffer form. The numbers are field numbers of onnx.proto3 (ONNX IR
 * specification): ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto, ValueInfoProto.
 */

/** IR 8 is the version of opset 18, which every current runtime reads. */
const irVersion = 8;

/** The bytes of an ONNX file. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  const out = new PbfWriter();
  out.writeVarintField(1, irVersion);
  out.writeStringField(2, "reparam");
  out.writeMessage(7, writeGraph, graph);
  for (const [domain, version] of graph.opsets) {
    out.writeMessage(8, writeOpset, { domain, version });
  }
  for (const [key, value] of graph.metadata) out.writeMessage(14, writeEntry, { key, value });
  return out.finish();
}

function writeOpset(opset: { domain: string; version: number }, out: PbfWriter): void {
  out.writeStringField(1, opset.domain);
  out.writeVarintField(2, opset.version);
}

function writeEntry(entry: { key: string; value: string }, out: PbfWriter): void {
  out.writeStringField(1, entry.key);
  out.writeStringField(2, entry.value);
}

function writeGraph(graph: OnnxGraph, out: PbfWriter): void {
  for (const node of graph.nodes) out.writeMessage(1, writeNode, node);
  out.writeStringField(2, graph.name);
  for (const [name, tensor] of graph.initializers)
    out.writeMessage(5, writeTensor, { name, tensor });
  for (const input of graph.inputs) out.writeMessage(11, writeValueInfo, input);
  for (const output of graph.outputs) out.writeMessage(12, writeValueInfo, output);
}

/** The name of a node in the file; unique, since names of tensors are. */
export const nodeName = ({ op, outputs }: OnnxNode): string => `${op}_${outputs[0]}`;

function writeNode(node: OnnxNode, out: PbfWriter): void {
  for (const name of node.inputs) out.writeStringField(1, name);
  for (const name of node.outputs) out.writeStringField(2, name);
  out.writeStringField(3, nodeName(node));
  out.writeStringField(4, node.op);
  for (const [name, value] of Object.entries(node.attributes)) {
    out.writeMessage(5, writeAttribute, { name, value });
  }
  if (node.body !== undefined) out.writeMessage(5, writeGraphAttribute, node.body);
  if (node.domain !== "") out.writeStringField(7, node.domain);
}

function writeGraphAttribute(body: OnnxGraph, out: PbfWriter): void {
  out.writeStringField(1, "body");
  out.writeMessage(6, writeGraph, body);
  out.writeVarintField(20, 5);
}

function writeAttribute(
  { name, value }: { name: string; value: OnnxAttribute },
  out: PbfWriter,
): void {
  out.writeStringField(1, name);
  if (typeof value === "number") {
    out.writeVarintField(3, value);
    out.writeVarintField(20, 2);
  } else if (typeof value === "string") {
    out.writeBytesField(4, new TextEncoder().encode(value));
    out.writeVarintField(20, 3);
  } else if ("float" in value) {
    out.writeFloatField(2, value.float);
    out.writeVarintField(20, 1);
  } else {
    for (const integer of value) out.writeVarintField(8, integer);
    out.writeVarintField(20, 7);
  }
}

function writeTensor({ name, tensor }: { name: string; tensor: Tensor }, out: PbfWriter): void {
  for (const size of tensor.shape) out.writeVarintField(1, size);
  out.writeVarintField(2, elementTypes[tensor.dtype]);
  out.writeStringField(8, name);
  const { buffer, byteOffset, byteLength } = tensor.data;
  out.writeBytesField(9, new Uint8Array(buffer, byteOffset, byteLength));
}

function writeValueInfo({ name, dtype, shape }: OnnxInput, out: PbfWriter): void {
  out.writeStringField(1, name);
  out.writeMessage(2, writeType, { dtype, shape });
}

function writeType({ dtype, shape }: { dtype: DType; shape: Shape }, out: PbfWriter): void {
  out.writeMessage(
    1,
    (_type, tensorType) => {
      tensorType.writeVarintField(1, elementTypes[dtype]);
      tensorType.writeMessage(2, writeShape, shape);
    },
    undefined,
  );
}

function writeShape(shape: Shape, out: PbfWriter): void {
  for (const size of shape) {
    out.writeMessage(
      1,
      (value, dimension) => {
        if (typeof value === "number") dimension.writeVarintField(1, value);
        else dimension.writeStringField(2, String(value));
      },
      size,
    );
  }
}
