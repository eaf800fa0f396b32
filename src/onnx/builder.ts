import {
  type Dim,
  elementsText,
  ReparamError,
  type Shape,
  type Size,
  symbolOf,
  type Tensor,
} from "../tensor/index.ts";
import type { Lowering, Node, OnnxAttributes, ScanBody, Target, Value } from "../trace/index.ts";
import { nameOutputs, type OnnxInput, type OnnxNode, withoutDeadNodes } from "./graph.ts";
import { countUses, lowerNodes } from "./lower-nodes.ts";

export interface BuilderOptions {
  readonly target: Target;
  /** Names of forms and passes that are not to be used. */
  readonly without?: ReadonlySet<string>;
  /** Channels in a block of the processor's blocked convolution; 0 (default) for none. */
  readonly block?: number;
}

/** Collects ONNX nodes; equal nodes (same operator, inputs and attributes) are made once. */
export class GraphBuilder implements Lowering {
  readonly target: Target;
  readonly nodes: OnnxNode[] = [];
  readonly initializers = new Map<string, Tensor>();
  readonly domains = new Set<string>([""]);
  /** The traced node that is being lowered. */
  source: Node | undefined;
  readonly #made = new Map<string, readonly string[]>();
  readonly #constants = new Map<string, string>();
  readonly #identities = new WeakMap<object, Map<string, string>>();
  /** Where each symbol of a dimension can be read: an input's name and axis. */
  readonly #symbols: ReadonlyMap<string, { readonly input: string; readonly axis: number }>;
  readonly #uses: ReadonlyMap<Value, number>;
  readonly without: ReadonlySet<string>;
  readonly block: number;
  /** Of the body of a loop: the builder of the graph around it, which has the constants and counts the names. */
  readonly #around: GraphBuilder | undefined;
  #names = 0;

  constructor(
    { target, without = new Set(), block = 0 }: BuilderOptions,
    symbols: ReadonlyMap<string, { readonly input: string; readonly axis: number }>,
    uses: ReadonlyMap<Value, number>,
    around?: GraphBuilder,
  ) {
    this.#around = around;
    this.target = target;
    this.without = without;
    this.block = block;
    this.#symbols = symbols;
    this.#uses = uses;
  }

  emit(
    op: string,
    inputs: readonly string[],
    attributes: OnnxAttributes = {},
    domain = "",
  ): string {
    return this.emitAll(op, inputs, 1, attributes, domain)[0] as string;
  }

  emitAll(
    op: string,
    inputs: readonly string[],
    outputs: number,
    attributes: OnnxAttributes = {},
    domain = "",
  ): readonly string[] {
    const key = `${domain}:${op}(${inputs.join()})${JSON.stringify(attributes)}/${outputs}`;
    const known = this.#made.get(key);
    if (known !== undefined && !this.without.has("sharing")) return known;
    const names = Array.from({ length: outputs }, () => this.#newName("t"));
    this.nodes.push({ op, inputs, outputs: names, attributes, domain, source: this.source });
    this.#addDomain(domain);
    this.#made.set(key, names);
    return names;
  }

  scan(body: ScanBody, operands: readonly string[]): readonly string[] {
    const { target, without, block } = this;
    const inputs = [...body.carried, ...body.elements];
    const results = [...body.next, ...body.collected];
    const uses = countUses(body.nodes, results);
    const inner = new GraphBuilder({ target, without, block }, this.#symbols, uses, this);
    const given = inputs.map(({ dtype, shape }): OnnxInput => {
      return { name: this.#newName("s"), dtype, shape };
    });
    const names = new Map<Value, string>(
      body.captured.map((value, i) => [value, operands[inputs.length + i] as string]),
    );
    for (const [i, value] of inputs.entries()) names.set(value, (given[i] as OnnxInput).name);
    lowerNodes(body.nodes, inner, names);
    const named = results.map((value): [string, Value, string] => {
      return [this.#newName("r"), value, names.get(value) as string];
    });
    const { nodes, outputs } = nameOutputs(inner.nodes, named);
    const made = results.map(() => this.#newName("t"));
    this.nodes.push({
      ...{ op: "Scan", inputs: operands.slice(0, inputs.length), outputs: made, domain: "" },
      attributes: { num_scan_inputs: body.elements.length },
      source: this.source,
      body: {
        ...{ name: "step", inputs: given, outputs, nodes: withoutDeadNodes(nodes, outputs) },
        ...{ initializers: new Map(), opsets: new Map(), metadata: new Map() },
      },
    });
    return made;
  }

  #newName(kind: string): string {
    return this.#around === undefined ? `${kind}${this.#names++}` : this.#around.#newName(kind);
  }

  #addDomain(domain: string): void {
    this.domains.add(domain);
    if (this.#around !== undefined) this.#around.#addDomain(domain);
  }

  constant(value: Tensor): string {
    if (this.#around !== undefined) return this.#around.constant(value);
    // Content decides for small constants, identity for large ones.
    const small = value.data.length <= 64;
    const content = `${value.dtype}[${value.shape.join()}]${small ? elementsText(value.data) : ""}`;
    const names = small ? this.#constants : this.#namesOf(value.data);
    const known = names.get(content);
    if (known !== undefined) return known;
    const name = this.#newName("c");
    this.initializers.set(name, value);
    names.set(content, name);
    return name;
  }

  /** Constants over the same numbers, by dtype and shape: a tensor and its reshaped form share them. */
  #namesOf(data: Tensor["data"]): Map<string, string> {
    const names = this.#identities.get(data) ?? new Map<string, string>();
    this.#identities.set(data, names);
    return names;
  }

  integers(values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.constant({ dtype: "int64", shape: [values.length], data });
  }

  shape(shape: Shape): string {
    const parts: string[] = [];
    let run: number[] = [];
    const flush = (): void => {
      if (run.length > 0) parts.push(this.integers(run));
      run = [];
    };
    for (const size of shape) {
      if (typeof size === "number") {
        run.push(size);
      } else {
        flush();
        parts.push(this.#dimension(size));
      }
    }
    flush();
    if (parts.length === 0) return this.integers([]);
    return parts.length === 1 ? (parts[0] as string) : this.emit("Concat", parts, { axis: 0 });
  }

  reshape(x: string, shape: Shape): string {
    const symbolic = shape.filter((size) => typeof size !== "number");
    // −1 cannot be told apart from an empty axis when another one is 0.
    if (symbolic.length > 1 || (symbolic.length === 1 && shape.includes(0))) {
      return this.emit("Reshape", [x, this.shape(shape)], { allowzero: 1 });
    }
    const target = this.integers(shape.map((size) => (typeof size === "number" ? size : -1)));
    return this.emit("Reshape", [x, target]);
  }

  uses(value: Value): number {
    return this.#uses.get(value) ?? 0;
  }

  /** The value of a size as an int64 tensor of one element. */
  #size(size: Size): string {
    return typeof size === "number" ? this.integers([size]) : this.#dimension(size);
  }

  #dimension(size: Dim): string {
    const symbol = symbolOf(size);
    if (symbol !== undefined) return this.#symbol(symbol);
    const terms = size.terms.map(({ coefficient, atoms }) => {
      const factors = atoms.map((atom) => {
        if ("symbol" in atom) return this.#symbol(atom.symbol);
        return this.emit("Div", [this.#size(atom.numerator), this.integers([atom.denominator])]);
      });
      if (coefficient !== 1 || factors.length === 0) factors.push(this.integers([coefficient]));
      return factors.reduce((a, b) => this.emit("Mul", [a, b]));
    });
    return terms.reduce((a, b) => this.emit("Add", [a, b]));
  }

  #symbol(name: string): string {
    const source = this.#symbols.get(name);
    if (source === undefined) {
      throw new ReparamError(
        `dimension ${name} cannot be computed in this graph: no input has an axis of that size.`,
      );
    }
    return this.emit("Shape", [source.input], { start: source.axis, end: source.axis + 1 });
  }
}
