import { linear } from "../../nn/index.ts";
import { sigmoid } from "../../ops/index.ts";
import type { Method, ModelFunction } from "../../step/index.ts";
import type { Tree } from "../../tensor/index.ts";
import { uniform, type Value } from "../../trace/index.ts";
import { B, type HalvedImage } from "./halves.ts";
import { drawUnits, type Network, repeatRows } from "./network.ts";

/** Completions of one image that are shown side by side. */
const [shownRows, shownColumns] = [4, 10];

/** Pictures whose lower half the network made: the mean pixels given one draw of the units. */
export function completionFunctions(
  halves: HalvedImage,
  { layers, hidden }: { readonly layers: number; readonly hidden: number },
  networkOf: (weights: Tree<Value>) => Network,
): Pick<Method["functions"], "reconstruct" | "traverse"> {
  const complete = (network: Network, x: Value, noise: Value): Value =>
    halves.join({ x, y: sigmoid(linear(network.output, drawUnits(network, x, noise))) });
  const image = { dtype: "uint8", description: "bytes" } as const;
  const reconstruct: ModelFunction = {
    summary: "upper halves as they are, with lower halves drawn for them",
    inputs: {
      image: { ...image, shape: [B, ...halves.image] },
      noise: {
        ...{ dtype: "float32", shape: [B, layers, hidden], noise: "uniform" },
        description: "U(0, 1), of the units",
      },
    },
    exported: true,
    build: (weights, inputs, scope) => {
      const { x } = halves.split(inputs.image as Value, false, scope);
      return { image: complete(networkOf(weights), x, inputs.noise as Value) };
    },
  };
  const traverse: ModelFunction = {
    summary: "draws of the lower half for one upper half",
    columns: shownColumns,
    inputs: { image: { ...image, shape: [1, ...halves.image] } },
    exported: false,
    build: (weights, inputs, scope) => {
      const { x } = halves.split(inputs.image as Value, false, scope);
      const count = shownRows * shownColumns;
      const noise = uniform(scope.key.at("units"), [count, layers, hidden]);
      return { image: complete(networkOf(weights), repeatRows(x, count), noise) };
    },
  };
  return { reconstruct, traverse };
}
