import { type DType, formatShape, type Shape, ShapeError, type Size } from "../tensor/index.ts";
import { type Attributes, type Op, operation } from "./op.ts";
import type { Trace } from "./trace.ts";

/** A number or a traced value, wherever an operand is wanted. */
export type Operand = Value | number;

/** Where in a program a node was first made. It says nothing of what is computed, only of where it belongs. */
export interface Provenance {
  /** The node whose gradient it is a part of; absent in what the user wrote. */
  readonly gradientOf?: Node | undefined;
  /** Name that the user gave to a part of the model, by `inLayer`. */
  readonly layer?: string | undefined;
}

/** One application of an operation. Immutable; equal applications in a trace are the same node. */
export class Node {
  readonly id: number;
  readonly trace: Trace;
  readonly op: Op;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
  readonly provenance: Provenance;

  constructor(
    id: number,
    trace: Trace,
    op: Op,
    inputs: readonly Value[],
    attributes: Attributes,
    specs: readonly { dtype: DType; shape: Shape }[],
    provenance: Provenance = {},
  ) {
    this.id = id;
    this.trace = trace;
    this.op = op;
    this.inputs = inputs;
    this.attributes = attributes;
    this.provenance = provenance;
    this.outputs = specs.map((s, index) => new Value(this, index, s.dtype, s.shape));
  }
}

/**
 * A symbolic tensor: an output of a node, with dtype and shape but no data. Arithmetic reads as methods,
 * everything else as functions of `ops/`. Numbers take the dtype of the value they meet.
 */
export class Value {
  readonly node: Node;
  readonly index: number;
  readonly dtype: DType;
  readonly shape: Shape;

  constructor(node: Node, index: number, dtype: DType, shape: Shape) {
    this.node = node;
    this.index = index;
    this.dtype = dtype;
    this.shape = shape;
  }

  get trace(): Trace {
    return this.node.trace;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** Size of an axis; negative axes count from the end. */
  size(axis: number): Size {
    const size = this.shape[axis < 0 ? axis + this.rank : axis];
    if (size === undefined) {
      throw new ShapeError("size", `axis ${axis} is outside of ${formatShape(this.shape)}.`);
    }
    return size;
  }

  /** this + other, with broadcasting. */
  add(other: Operand): Value {
    return binary("add", this, other);
  }
  /** this − other, with broadcasting. */
  sub(other: Operand): Value {
    return binary("sub", this, other);
  }
  /** this · other elementwise, with broadcasting. */
  mul(other: Operand): Value {
    return binary("mul", this, other);
  }
  /** this / other elementwise, with broadcasting. */
  div(other: Operand): Value {
    return binary("div", this, other);
  }
  /** −this. */
  neg(): Value {
    return operation("neg").apply([this])[0] as Value;
  }
  /** this², by a product: the runtime's Pow is ten times slower. */
  square(): Value {
    return binary("mul", this, this);
  }

  toString(): string {
    return `${this.dtype}${formatShape(this.shape)}`;
  }
}

const binary = (name: string, a: Value, b: Operand): Value =>
  operation(name).apply([a, b])[0] as Value;
