import { eachLeaf, formatShape, isLeaf, type Tensor, type Tree } from "../tensor/index.ts";
import type { TracedProgram } from "./program.ts";
import type { Source } from "./trace.ts";
import type { Node, Value } from "./value.ts";

/**
 * A program as text, one line an operation with dtypes and shapes:
 * ```
 * in  image            : uint8[B, 784]
 * %3 = matmul(%1, encoder.weight) : float32[B, 400]
 * out loss             = %17
 * ```
 */
export function print(program: TracedProgram<unknown>): string {
  const lines: string[] = [];
  for (const [path, value] of program.inputs) lines.push(`in  ${path} : ${value}`);
  for (const noise of program.noise) lines.push(`rnd ${noise.name} : ${noise.kind} ${noise.value}`);
  for (const node of program.nodes) {
    if (node.op.name === "input" || inlineConstant(node) !== undefined) continue;
    const operands = [...node.inputs.map(nameOf), ...formatAttributes(node)];
    const outputs = node.outputs.map(nameOf).join(", ");
    const types = node.outputs.map(String).join(", ");
    lines.push(`${outputs} = ${node.op.name}(${operands.join(", ")}) : ${types}`);
  }
  eachLeaf(program.outputs as Tree<Value>, (value, path) => {
    lines.push(`out ${path === "" ? "result" : path} = ${nameOf(value)}`);
  });
  return lines.join("\n");
}

/** How a value is called in the text: an input's path, a small constant's number, or %id. */
function nameOf(value: Value): string {
  const { node } = value;
  if (node.op.name === "input") {
    const { path } = node.attributes as { path: string; source: Source };
    return path;
  }
  return (
    inlineConstant(node) ?? (node.outputs.length > 1 ? `%${node.id}.${value.index}` : `%${node.id}`)
  );
}

function inlineConstant(node: Node): string | undefined {
  if (node.op.name !== "constant") return undefined;
  const { value } = node.attributes as unknown as { value: Tensor };
  if (value.data.length > 4) return undefined;
  return value.shape.length === 0 ? String(value.data[0]) : `[${value.data.join(", ")}]`;
}

function formatAttributes(node: Node): string[] {
  const shown: string[] = [];
  for (const [name, value] of Object.entries(node.attributes)) {
    if (value === undefined || typeof value === "function") continue;
    shown.push(`${name}=${formatAttribute(value)}`);
  }
  return shown;
}

function formatAttribute(value: unknown): string {
  if (Array.isArray(value)) return formatShape(value);
  if (typeof value === "object" && value !== null && "dtype" in value) return "<tensor>";
  return isLeaf(value) ? String(value) : JSON.stringify(value);
}
