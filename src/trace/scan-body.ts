import type { Size, Tensor } from "../tensor/index.ts";
import { evaluateSized, reachable } from "./program.ts";
import type { Node, Value } from "./value.ts";

/** The step of a loop, traced once beside the program around it, from which it reads what does not change. */
export class ScanBody {
  /** What a step is given of the one before, and its elements of the sequences: inputs of the step alone. */
  readonly carried: readonly Value[];
  readonly elements: readonly Value[];
  /** What it gives to the next step, and what is collected of every step. */
  readonly next: readonly Value[];
  readonly collected: readonly Value[];
  /** What depends on the step's inputs, inputs before users. */
  readonly nodes: readonly Node[];
  /** What the nodes read of the program around. */
  readonly captured: readonly Value[];

  constructor(
    inputs: { readonly carried: readonly Value[]; readonly elements: readonly Value[] },
    outputs: { readonly next: readonly Value[]; readonly collected: readonly Value[] },
  ) {
    this.carried = inputs.carried;
    this.elements = inputs.elements;
    this.next = outputs.next;
    this.collected = outputs.collected;
    const inside = new Set([...this.carried, ...this.elements].map(({ node }) => node));
    const results = [...this.next, ...this.collected];
    this.nodes = reachable(results).filter((node) => {
      const own = !inside.has(node) && node.inputs.some((x) => inside.has(x.node));
      if (own) inside.add(node);
      return own;
    });
    const read = [...this.nodes.flatMap((node) => node.inputs), ...results];
    this.captured = [...new Set(read.filter(({ node }) => !inside.has(node)))];
  }

  /** Two steps are the same only if they are one object; the first input's name tells. */
  toJSON(): string {
    return `step of ${[...this.carried, ...this.elements].map(({ node }) => node.id).join()}`;
  }

  toString(): string {
    return `<${this.nodes.length} operations>`;
  }
}

/** Tensors of one step, in the order of its values. */
interface StepTensors {
  readonly state: readonly Tensor[];
  readonly elements: readonly Tensor[];
  readonly captured: readonly Tensor[];
}

/** One step on the host. */
export function evaluateStep(
  body: ScanBody,
  { state, elements, captured }: StepTensors,
  sizeOf: (size: Size) => number,
): { state: Tensor[]; collected: Tensor[] } {
  const values = [...body.carried, ...body.elements, ...body.captured];
  const given = [...state, ...elements, ...captured];
  const computed = new Map(values.map((value, i) => [value, given[i] as Tensor]));
  for (const node of body.nodes) evaluateSized(node, computed, sizeOf);
  const read = (value: Value): Tensor => computed.get(value) as Tensor;
  return { state: body.next.map(read), collected: body.collected.map(read) };
}
