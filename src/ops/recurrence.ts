import {
  allocate,
  elementCount,
  formatShape,
  leafMap,
  leaves,
  mapTree,
  ShapeError,
  type Size,
  type Tensor,
  type Tree,
} from "../tensor/index.ts";
import {
  defineOp,
  type EvaluatedSpec,
  evaluateStep,
  type Op,
  ScanBody,
  type Trace,
  type Value,
  withTrace,
} from "../trace/index.ts";

interface ScanAttributes extends Readonly<Record<string, unknown>> {
  readonly body: ScanBody;
  readonly length: Size;
}

/** Inputs: the first state, sequences, and what the step reads of the program; outputs: the last state, and rows. */
const scanOp: Op<ScanAttributes> = defineOp<ScanAttributes>({
  name: "scan",
  infer: (_xs, { body, length }) => [
    ...body.next.map(({ dtype, shape }) => ({ dtype, shape })),
    ...body.collected.map(({ dtype, shape }) => ({ dtype, shape: [length, ...shape] })),
  ],
  grad: null,
  lower: (to, xs, _node, { body }) => to.scan(body, xs),
  evaluate: (xs, { body }, outputs, size) => {
    const sequences = xs.slice(body.carried.length);
    let state = xs.slice(0, body.carried.length);
    const results = outputs.slice(body.next.length).map(emptyOf);
    const captured = sequences.splice(body.elements.length);
    for (let i = 0; i < (sequences[0]?.shape[0] ?? 0); i++) {
      const elements = sequences.map((sequence) => row(sequence, i));
      const made = evaluateStep(body, { state, elements, captured }, size);
      state = made.state;
      for (const [k, { data }] of made.collected.entries()) {
        results[k]?.data.set(data as never, i * data.length);
      }
    }
    return [...state, ...results];
  },
});

const emptyOf = ({ dtype, shape }: EvaluatedSpec): Tensor => ({
  dtype,
  shape,
  data: allocate(dtype, elementCount(shape)),
});

function row({ dtype, shape: [, ...shape], data }: Tensor, i: number): Tensor {
  const count = elementCount(shape);
  return { dtype, shape, data: data.slice(i * count, (i + 1) * count) } as Tensor;
}

/** The values of a tree, in the order of its structure. */
const valuesOf = (tree: unknown): Value[] => leaves(tree as Tree<Value>);

const scans = new WeakMap<Trace, number>();

/**
 * A step again and again, in one node of the graph (ONNX operator Scan): each takes what the one before gave as
 * `carry`, and the next elements of the sequences, trees of values [length, ...]. Returns the last carry, and the
 * outputs of all steps as [length, ...]. Shapes of the carry stay the same. The step may read values of the program
 * around it, which are computed once; so are random draws inside of it: give noise as a sequence. It has no gradient.
 */
export function scan<Carry, Element, Output>(
  step: (carry: Carry, element: Element) => { readonly carry: Carry; readonly output: Output },
  carry: Carry,
  sequences: Element,
): { readonly carry: Carry; readonly outputs: Output } {
  const elements = valuesOf(sequences);
  const [first] = elements;
  if (first === undefined) throw new ShapeError("scan", "wants a sequence, got none.");
  const { trace } = first;
  const length = first.size(0);
  const number = scans.get(trace) ?? 0;
  scans.set(trace, number + 1);
  const inputOf = (name: string, { dtype }: Value, shape: Value["shape"]): Value =>
    trace.input(`scan${number}.${name}`, dtype, shape);
  const state = mapTree<Value, Value, Carry>(carry, (x, path) =>
    inputOf(`carry.${path}`, x, x.shape),
  ) as Carry;
  const element = mapTree<Value, Value, Element>(sequences, (x, path) => {
    if (formatShape([x.size(0)]) !== formatShape([length])) {
      throw new ShapeError("scan", `sequences must be of one length, got ${first} and ${x}.`);
    }
    return inputOf(`element.${path}`, x, x.shape.slice(1));
  }) as Element;
  const made = withTrace(trace, () => step(state, element));
  checkCarry(carry, made.carry);
  const body = new ScanBody(
    { carried: valuesOf(state), elements: valuesOf(element) },
    { next: valuesOf(made.carry), collected: valuesOf(made.output) },
  );
  const operands = [...valuesOf(carry), ...elements, ...body.captured];
  const ys = [...scanOp.apply(operands, { body, length })];
  const named = <T>(tree: T): T => mapTree<Value, Value, T>(tree, () => ys.shift() as Value) as T;
  return { carry: named(made.carry), outputs: named(made.output) };
}

function checkCarry(before: unknown, after: unknown): void {
  const [old, next] = [before, after].map((tree) =>
    [...leafMap(tree as Tree<Value>)].map(([path, x]) => `${path || "carry"} ${x}`).join(", "),
  );
  if (old !== next) {
    throw new ShapeError(
      "scan",
      `the carry must stay of one structure: it was ${old}, and the step gives ${next}.`,
    );
  }
}
