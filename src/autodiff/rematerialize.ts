import { barrier, customGradient, stopGradient } from "../ops/index.ts";
import { isFloat } from "../tensor/index.ts";
import { type Node, reachable, type Value } from "../trace/index.ts";
import { vjp } from "./gradients.ts";

/**
 * The value of `block(...xs)`, of which only xs and the result are kept for the backward pass: it computes
 * what it needs of the block again, from xs (Chen, Xu, Zhang, Guestrin, "Training deep nets with sublinear
 * memory cost", 2016). Costs the time of one more forward pass of the block, and saves the memory of all
 * that lies between. The block may read parameters and draw random numbers as usual: they get their
 * gradients, and the second computation reads the same numbers.
 */
export function rematerialize(block: (...xs: Value[]) => Value, ...xs: readonly Value[]): Value {
  const y = block(...xs);
  const sources = [...xs, ...boundary(y, xs)];
  const floats = sources.filter((x) => isFloat(x.dtype));
  return customGradient(y, floats, (dy) => {
    // Sources may depend on each other; behind a stop, each gets the gradient of its own place only.
    const stopped = floats.map(stopGradient);
    const cut = repeat([y], sources, new Map(floats.map((x, i) => [x, stopped[i] as Value])));
    const dxs = vjp(cut, stopped, [dy]);
    // Without a copy equal operations would be the first ones again, and nothing would be freed.
    const copies = new Map<Value, Value>();
    for (const [i, x] of floats.entries()) {
      const copy = xs.includes(x) ? barrier(x, dy) : x;
      copies.set(x, copy);
      copies.set(stopped[i] as Value, copy);
    }
    return repeat(dxs, [...sources, dy], copies);
  });
}

/** Nodes that y depends on and that depend on one of the sources. */
function dependents(y: Value, sources: ReadonlySet<Value>): Set<Node> {
  const found = new Set<Node>();
  for (const node of reachable([y])) {
    const own = node.outputs.some((output) => sources.has(output));
    if (!own && node.inputs.some((x) => sources.has(x) || found.has(x.node))) found.add(node);
  }
  return found;
}

/** What the computation of y from xs reads beside them: parameters, constants, noise. */
function boundary(y: Value, xs: readonly Value[]): Value[] {
  const inside = dependents(y, new Set(xs));
  const around = new Set<Value>();
  for (const node of inside) {
    for (const x of node.inputs) if (!xs.includes(x) && !inside.has(x.node)) around.add(x);
  }
  return [...around];
}

/** The values computed again with some values exchanged, as far as they depend on those; `fixed` ends the walk. */
function repeat(
  values: readonly Value[],
  fixed: readonly Value[],
  exchanged: ReadonlyMap<Value, Value>,
): Value[] {
  const done = new Map<Value, Value>(fixed.map((x) => [x, x]));
  for (const [x, other] of exchanged) done.set(x, other);
  const again = (value: Value): Value => {
    const known = done.get(value);
    if (known !== undefined) return known;
    const { node } = value;
    const inputs = node.inputs.map(again);
    const same = inputs.every((x, i) => x === node.inputs[i]);
    const copy = (): readonly Value[] => node.op.apply(inputs, node.attributes);
    const made = same ? node.outputs : node.trace.from({ gradientOf: node }, copy);
    for (const [i, y] of node.outputs.entries()) if (!done.has(y)) done.set(y, made[i] as Value);
    return done.get(value) as Value;
  };
  return values.map(again);
}
