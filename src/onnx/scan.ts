import { dim } from "../tensor/index.ts";
import { type OnnxGraph, type OnnxInput, renameTensors } from "./graph.ts";

/** The free leading axis of what a scan reads and returns step by step. */
const steps = dim("steps");

const stacked = ({ name, dtype, shape }: OnnxInput): OnnxInput => ({
  name,
  dtype,
  shape: [steps, ...shape],
});

/**
 * A graph that does the steps of `body` one after the other in one run (ONNX operator Scan). `carried` maps
 * an input of the body to the output that takes its place in the next step; inputs in `fixed` are the
 * same in every step; all other inputs, and all other outputs, get a leading axis of steps. Names stay
 * those of the body. State that is carried is neither fetched nor fed between the steps, which for small
 * models with many parameters is most of the time of a step.
 */
export function scanGraph(
  body: OnnxGraph,
  carried: ReadonlyMap<string, string>,
  fixed: ReadonlySet<string>,
): OnnxGraph {
  const sequences = body.inputs.filter(({ name }) => !carried.has(name) && !fixed.has(name));
  const states = body.inputs.filter(({ name }) => carried.has(name));
  const next = states.map(({ name }) => carried.get(name) as string);
  const isNext = new Set(next);
  const outputs = new Map(body.outputs.map((output) => [output.name, output]));
  const collected = body.outputs.filter(({ name }) => !isNext.has(name));
  const results = [...next.map((name) => outputs.get(name) as OnnxInput), ...collected];
  // Names must be unique across a graph and its bodies; what is fixed is read from outside.
  const local = new Map(
    [...states, ...sequences, ...results].map(({ name }) => [name, `step:${name}`]),
  );
  const inside = (name: string): string => local.get(name) ?? name;
  const renamed = (list: readonly OnnxInput[]): OnnxInput[] =>
    list.map((entry) => ({ ...entry, name: inside(entry.name) }));
  return {
    ...body,
    initializers: new Map(),
    inputs: body.inputs.map((input) =>
      carried.has(input.name) || fixed.has(input.name) ? input : stacked(input),
    ),
    outputs: [
      ...next.map((name) => outputs.get(name) as OnnxInput),
      ...collected.map((output) => stacked(output)),
    ],
    nodes: [
      {
        op: "Scan",
        inputs: [...states, ...sequences].map(({ name }) => name),
        outputs: results.map(({ name }) => name),
        attributes: { num_scan_inputs: sequences.length },
        domain: "",
        body: {
          ...body,
          name: "step",
          inputs: renamed([...states, ...sequences]),
          outputs: renamed(results),
          nodes: body.nodes.map((node) => renameTensors(node, inside)),
        },
      },
    ],
  };
}
