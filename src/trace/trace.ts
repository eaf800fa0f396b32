import {
  type DType,
  elementsText,
  ReparamError,
  type Shape,
  scalar,
  type Tensor,
  type TypedArray,
} from "../tensor/index.ts";
import { type Attributes, type Op, operation } from "./op.ts";
import { Node, type Operand, type Provenance, Value } from "./value.ts";

/** Where the numbers of an input come from: the caller, or the host's generator. */
export type Source =
  | { readonly kind: "argument" }
  | { readonly kind: "uniform" | "normal"; readonly path: string }
  | { readonly kind: "mask"; readonly path: string; readonly keep: number };

/**
 * The nodes of one program under construction. Nodes are hash-consed: the same operation on the same
 * inputs with the same attributes is one node, however often it is written.
 */
export class Trace {
  readonly #table = new Map<string, Node>();
  readonly #identities = new WeakMap<object, number>();
  readonly #drawn = new Set<string>();
  #objects = 0;
  #provenance: Provenance = {};

  /** The node of an application, made or found. */
  node(op: Op, xs: readonly Value[], attributes: Attributes): Node {
    const ids = xs.map((x) => (x.index === 0 ? x.node.id : `${x.node.id}.${x.index}`));
    const key = `${op.name}(${ids.join()})${this.#describe(attributes)}`;
    const found = this.#table.get(key);
    if (found !== undefined) return found;
    const specs = op.infer(xs, attributes);
    const made = new Node(this.#table.size, this, op, xs, attributes, specs, this.#provenance);
    this.#table.set(key, made);
    return made;
  }

  /** Numbers become constants of the dtype of the first value among the operands. */
  lift(operands: readonly Operand[]): readonly Value[] {
    const first = operands.find((x): x is Value => x instanceof Value);
    return operands.map((x) => {
      if (x instanceof Value) {
        if (x.trace !== this) {
          throw new ReparamError(
            "a value of another trace was used here. Pass it as an input of this program instead.",
          );
        }
        return x;
      }
      return this.constant(scalar(x, first?.dtype ?? "float32"));
    });
  }

  /** A constant. Small tensors are equal by content, large ones by identity. */
  constant(value: Tensor): Value {
    return this.node(operation("constant"), [], { value }).outputs[0] as Value;
  }

  /** An input of the program, named by its path. */
  input(path: string, dtype: DType, shape: Shape, source: Source = { kind: "argument" }): Value {
    return this.node(operation("input"), [], { path, dtype, shape, source }).outputs[0] as Value;
  }

  /** A draw of random numbers from a key. A second draw from the same key would repeat the numbers. */
  draw(source: Exclude<Source, { kind: "argument" }>, dtype: DType, shape: Shape): Value {
    const { path } = source;
    if (this.#drawn.has(path)) {
      throw new ReparamError(
        `key "${path}" is drawn from twice, which would give the same numbers. Use key.at("name") for each draw.`,
      );
    }
    this.#drawn.add(path);
    return this.input(`noise:${path}`, dtype, shape, source);
  }

  /** Runs `build`; nodes that are made for the first time meanwhile carry the provenance. */
  from<R>(provenance: Provenance, build: () => R): R {
    const before = this.#provenance;
    this.#provenance = provenance;
    try {
      return build();
    } finally {
      this.#provenance = before;
    }
  }

  /** Runs `build`; what it makes belongs to the layer of that name, inside of the layer it is called in. */
  inLayer<R>(name: string, build: () => R): R {
    const { layer, gradientOf } = this.#provenance;
    return this.from({ gradientOf, layer: layer === undefined ? name : `${layer}.${name}` }, build);
  }

  #describe(attributes: Attributes): string {
    return JSON.stringify(attributes, (_key, value: unknown) => {
      if (typeof value === "function") return `#${this.#identity(value)}`;
      if (typeof value === "number" && !Number.isFinite(value)) return `<${value}>`;
      if (Object.is(value, -0)) return "<-0>";
      if (ArrayBuffer.isView(value)) {
        const array = value as TypedArray;
        const small = array.length <= 64;
        return small
          ? `${array.constructor.name}:${elementsText(array)}`
          : `#${this.#identity(value)}`;
      }
      return value;
    });
  }

  #identity(object: object): number {
    const known = this.#identities.get(object);
    if (known !== undefined) return known;
    this.#identities.set(object, this.#objects);
    return this.#objects++;
  }
}

const active: Trace[] = [];

/** Runs `build` with a trace as the current one, where constants and draws go. */
export function withTrace<R>(trace: Trace, build: () => R): R {
  active.push(trace);
  try {
    return build();
  } finally {
    active.pop();
  }
}

/** The trace under construction. Throws outside of one. */
export function currentTrace(): Trace {
  const trace = active.at(-1);
  if (trace === undefined) {
    throw new ReparamError(
      "there is no trace here: operations on symbolic values belong inside trace() or compile().",
    );
  }
  return trace;
}

/** The trace of the first value among the operands, else the current one. */
export function traceOf(operands: readonly Operand[]): Trace {
  for (const x of operands) if (x instanceof Value) return x.trace;
  return currentTrace();
}

/**
 * Runs `build`, and names what it computes as a layer of the model, for profiles. Layers that read
 * parameters have the names of those anyway; this is for what has none, or begins before it reads them.
 */
export const inLayer = <R>(name: string, build: () => R): R => currentTrace().inLayer(name, build);
