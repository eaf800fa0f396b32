import { constant, full } from "../ops/index.ts";
import { isFloat, leaves, mapTree, ReparamError, type Tree } from "../tensor/index.ts";
import { type Node, reachable, Value, withTrace } from "../trace/index.ts";

/**
 * Vector-Jacobian product, graph to graph: Σ cotangent·∂output/∂x for every x, in reverse mode.
 * The result is made of ordinary operations, so it can be differentiated again.
 * Values that the outputs do not depend on get zeros.
 * @throws ReparamError naming the operation, where one on the way has no gradient.
 */
export function vjp(
  outputs: readonly Value[],
  xs: readonly Value[],
  cotangents: readonly Value[],
): Value[] {
  const [first] = outputs;
  if (first === undefined) return [];
  return withTrace(first.trace, () => {
    const nodes = reachable(outputs);
    const needed = dependents(nodes, xs);
    const gathered = new Map<Value, Value>();
    for (const [i, y] of outputs.entries()) accumulate(gathered, y, cotangents[i] as Value);
    for (let i = nodes.length - 1; i >= 0; i--) {
      const node = nodes[i] as Node;
      if (!needed.has(node)) continue;
      first.trace.from({ gradientOf: node }, () => propagate(node, needed, gathered, xs));
    }
    return xs.map((x) => gathered.get(x) ?? full(x.shape, 0, x.dtype));
  });
}

/** Nodes that depend on one of the values, through floating-point numbers; includes their own nodes. */
function dependents(nodes: readonly Node[], xs: readonly Value[]): Set<Node> {
  const sources = new Set(xs.map((x) => x.node));
  const found = new Set<Node>();
  for (const node of nodes) {
    const carries = node.inputs.some((input) => isFloat(input.dtype) && found.has(input.node));
    if (sources.has(node) || carries) found.add(node);
  }
  return found;
}

function accumulate(gathered: Map<Value, Value>, x: Value, dx: Value): void {
  const sum = gathered.get(x);
  gathered.set(x, sum === undefined ? dx : sum.add(dx));
}

/** Sends the cotangents of a node's outputs on to its inputs. */
function propagate(
  node: Node,
  needed: Set<Node>,
  gathered: Map<Value, Value>,
  xs: readonly Value[],
): void {
  const dys = node.outputs.map((y) => gathered.get(y));
  if (dys.every((dy) => dy === undefined)) return;
  const wanted = node.inputs.map((input) => isFloat(input.dtype) && needed.has(input.node));
  if (!wanted.includes(true)) return;
  const { grad, name } = node.op;
  if (grad === null) {
    const floats = node.outputs.some((y) => isFloat(y.dtype));
    if (!floats || xs.some((x) => x.node === node)) return;
    throw new ReparamError(
      `grad: ${name} has no gradient. Wrap it in stopGradient, or use straightThrough or customGradient.`,
    );
  }
  const [y, dy] = [node.outputs[0] as Value, dys[0] as Value];
  const { attributes, inputs, outputs } = node;
  const dxs = grad({ dy, dys, y, ys: outputs, xs: inputs, attributes, wanted });
  for (const [i, input] of inputs.entries()) {
    const dx = dxs[i];
    if (wanted[i] && dx !== undefined) accumulate(gathered, input, dx);
  }
}

/** Gradients of a scalar with respect to values, which may be intermediate results. */
export function gradients(loss: Value, xs: readonly Value[]): Value[] {
  if (loss.rank !== 0 || !isFloat(loss.dtype)) {
    throw new ReparamError(
      `grad: the loss must be a floating-point scalar, got ${loss}. Take sum() or mean() of it first.`,
    );
  }
  return withTrace(loss.trace, () => vjp([loss], xs, [constant(1, loss.dtype)]));
}

/** The same for a tree of values; the result has the tree's structure. */
export function gradientTree<T>(loss: Value, tree: T): T {
  const xs = leaves<Value>(tree as Tree<Value>);
  const dxs = gradients(loss, xs);
  const byValue = new Map(xs.map((x, i) => [x, dxs[i] as Value]));
  return mapTree<Value, Value, T>(tree, (x) => byValue.get(x) as Value) as T;
}

/** What `valueAndGrad` returns: the function's result and the gradient of its loss. */
export interface ValueAndGrad<R, P> {
  readonly value: R;
  readonly gradient: P;
}

/** A function that also gives the gradient of its scalar result towards its first argument, a tree. */
export const valueAndGrad =
  <P, Rest extends readonly unknown[], R extends Value | { readonly loss: Value }>(
    f: (params: P, ...rest: Rest) => R,
  ) =>
  (params: P, ...rest: Rest): ValueAndGrad<R, P> => {
    const value = f(params, ...rest);
    const loss = value instanceof Value ? value : value.loss;
    return { value, gradient: gradientTree(loss, params) };
  };

/** The gradient of a scalar function towards its first argument, a tree. */
export const grad =
  <P, Rest extends readonly unknown[]>(f: (params: P, ...rest: Rest) => Value) =>
  (params: P, ...rest: Rest): P =>
    valueAndGrad(f)(params, ...rest).gradient;

/**
 * Jacobian-vector product: the change of the outputs when xs move along the tangents. Made of two
 * reverse passes: the vjp is linear in its cotangent, and its derivative there is the jvp.
 */
export function jvp(
  outputs: readonly Value[],
  xs: readonly Value[],
  tangents: readonly Value[],
): Value[] {
  const [first] = outputs;
  if (first === undefined) return [];
  return withTrace(first.trace, () => {
    // The vjp is linear in its cotangents, so their values do not matter; they only must be nodes of
    // their own. A factor of zero times the output keeps them distinct and of the right shape.
    const cotangents = outputs.map((y, i) => y.mul(0).add(i + 1));
    return vjp(vjp(outputs, xs, cotangents), cotangents, tangents);
  });
}
