import { leaves, type Tree } from "../tensor/index.ts";
import { type Node, reachable, type TracedProgram, type Value } from "../trace/index.ts";

/** Which part of a training step a node belongs to. */
export type Pass = "forward" | "backward" | "update";

/** The layer and the pass that a node of a program belongs to. */
export interface Place {
  /** Path of the layer's parameters, such as `encoder.0`; or `input`, `loss`, `output`, `optimizer`. */
  readonly layer: string;
  readonly pass: Pass;
  /** Grows in the order in which the code of the model makes its values. */
  readonly position: number;
}

/**
 * Where every node of a program belongs, told from the paths of the parameters that it reads, so that model
 * code need not name its layers:
 *
 * - A node that reads a parameter or buffer belongs to the layer whose parameter it is: `encoder.0` for
 *   `state.params.encoder.0.weight`. What only prepares parameters belongs there too.
 *   So does all between the arguments and the result of a `customGradient` that is given parameters of one layer.
 * - A node between layers (an activation) belongs to the last layer before it; before the first, to `input`,
 *   as do random numbers.
 * - A node that no layer reads any more is `loss`, or `output` in a program without gradients.
 * - A node of a gradient belongs to the layer of the node that it is the gradient of, in the backward pass.
 * - What is computed from gradients or the optimizer's state, or for such only, is `optimizer`.
 * - `inLayer` names a layer in the code itself, and comes before all of these.
 */
export function placesOf(program: TracedProgram<unknown>): ReadonlyMap<Node, Place> {
  // A gradient may be wanted where its function's value is not: those nodes are looked at as well.
  const values = [...program.nodes, ...program.nodes.map(rootOf)].flatMap((node) => node.outputs);
  const nodes = reachable(values);
  const updates = updateNodes(nodes, program);
  const forward = nodes.filter((node) => !isGradient(node) && !updates.has(node));
  const layers = forwardLayers(forward, weightLayers(program, forward), nodes.some(isGradient));
  const places = new Map<Node, Place>();
  for (const node of program.nodes) {
    const found = updates.has(node) ? undefined : layers.get(rootOf(node));
    const layer = found ?? node.provenance.layer ?? "optimizer";
    const pass = isGradient(node) ? "backward" : updates.has(node) ? "update" : "forward";
    places.set(node, { layer, pass, position: node.id });
  }
  return places;
}

const isGradient = ({ provenance }: Node): boolean => provenance.gradientOf !== undefined;

/** The node of the forward pass that this is the gradient, or the gradient's gradient, of; else itself. */
function rootOf(node: Node): Node {
  let root = node;
  while (root.provenance.gradientOf !== undefined) root = root.provenance.gradientOf;
  return root;
}

/** Components of a path of the state: `state.params.encoder.0.weight` → params, encoder, 0, weight. */
const statePath = (path: string): readonly string[] | undefined =>
  path.startsWith("state.") ? path.split(".").slice(1) : undefined;

const isOptimizer = (component: string): boolean => /optimizer/i.test(component);
const isModel = (component: string): boolean => component === "params" || component === "buffers";

/** Nodes outside of gradients that are computed from gradients or the optimizer's state, or only for such. */
function updateNodes(nodes: readonly Node[], program: TracedProgram<unknown>): Set<Node> {
  // What a gradient was taken through is no update, although a gradient penalty is computed from gradients.
  const differentiated = new Set(nodes.map(({ provenance }) => provenance.gradientOf));
  const updates = new Set<Node>();
  for (const [path, { node }] of program.inputs) {
    if (statePath(path)?.some(isOptimizer) === true) updates.add(node);
  }
  const own = (node: Node): boolean => !isGradient(node) && !differentiated.has(node);
  for (const node of nodes) {
    const moved = node.inputs.some((x) => isGradient(x.node) || updates.has(x.node));
    if (own(node) && moved) updates.add(node);
  }
  const results = new Set(leaves<Value>(program.outputs as Tree<Value>).map(({ node }) => node));
  const readers = readersOf(nodes);
  for (const node of [...nodes].reverse()) {
    const read = readers.get(node) ?? [];
    const serves = read.length > 0 && read.every((reader) => updates.has(reader));
    if (own(node) && serves && !results.has(node)) updates.add(node);
  }
  return updates;
}

function readersOf(nodes: readonly Node[]): Map<Node, Node[]> {
  const readers = new Map<Node, Node[]>();
  for (const node of nodes) {
    for (const { node: read } of node.inputs) {
      const known = readers.get(read);
      if (known === undefined) readers.set(read, [node]);
      else known.push(node);
    }
  }
  return readers;
}

/** The layer of every parameter and buffer, and of what is computed from nothing else. */
function weightLayers(
  program: TracedProgram<unknown>,
  forward: readonly Node[],
): ReadonlyMap<Node, string> {
  const paths = [...program.inputs.keys()].map(statePath);
  // Where nothing is called params, as in k-means, all of the state is the model.
  const marked = paths.some((path) => path?.some(isModel) === true);
  const layers = new Map<Node, string>();
  for (const [path, { node }] of program.inputs) {
    const parts = statePath(path);
    if (parts === undefined || parts.some(isOptimizer)) continue;
    if (marked && !parts.some(isModel)) continue;
    const names = parts.filter((part) => !isModel(part));
    layers.set(node, (names.length > 1 ? names.slice(0, -1) : names).join("."));
  }
  for (const node of forward) {
    const sources = node.inputs.map((x) => x.node).filter(({ op }) => op.name !== "constant");
    const [first] = sources;
    if (first === undefined || !sources.every((source) => layers.has(source))) continue;
    layers.set(node, layers.get(first) as string);
  }
  return layers;
}

function forwardLayers(
  forward: readonly Node[],
  weights: ReadonlyMap<Node, string>,
  trains: boolean,
): ReadonlyMap<Node, string> {
  const reads = new Map(forward.map((node) => [node, layerRead(node, weights)]));
  for (const node of forward) joinWhole(node, weights, reads);
  const layers = new Map<Node, string>();
  for (const node of forward) {
    const [latest] = node.inputs
      .map((x) => x.node)
      .filter((source) => !weights.has(source) && (layers.get(source) ?? "input") !== "input")
      .sort((a, b) => b.id - a.id);
    const { layer: named } = node.provenance;
    const own = named ?? weights.get(node) ?? reads.get(node);
    layers.set(node, own ?? (latest && layers.get(latest)) ?? "input");
  }
  const leads = new Set<Node>();
  for (const node of [...forward].reverse()) {
    if (reads.get(node) === undefined && !leads.has(node)) {
      const isLayer = weights.has(node) || node.provenance.layer !== undefined;
      if (!isLayer) layers.set(node, trains ? "loss" : "output");
      continue;
    }
    for (const x of node.inputs) leads.add(x.node);
  }
  return layers;
}

/** The layer whose parameters a node reads. A number made of parameters is a term of the loss, not a layer. */
function layerRead(node: Node, weights: ReadonlyMap<Node, string>): string | undefined {
  if (weights.has(node)) return undefined;
  const read = node.inputs.find(
    (x) => weights.has(x.node) && (x.rank > 0 || x.node.op.name === "input"),
  );
  return read === undefined ? undefined : weights.get(read.node);
}

/**
 * What a gradient of its own was given to, with the parameters of one layer, is that layer as a whole: the
 * statistics of a normalization, which come before its parameters are read.
 */
function joinWhole(
  { op, inputs }: Node,
  weights: ReadonlyMap<Node, string>,
  reads: Map<Node, string | undefined>,
): void {
  if (op.name !== "customGradient") return;
  const [y, ...sources] = inputs as [Value, ...Value[]];
  const found = new Set(sources.flatMap(({ node }) => weights.get(node) ?? []));
  const [layer] = found;
  if (layer === undefined || found.size > 1) return;
  const inside = new Set(sources.map(({ node }) => node).filter((node) => !weights.has(node)));
  // From the sources towards y: nodes that depend on them and that y depends on.
  for (const node of reachable([y])) {
    if (inside.has(node) || !node.inputs.some((x) => inside.has(x.node))) continue;
    inside.add(node);
    if (!weights.has(node)) reads.set(node, layer);
  }
}
