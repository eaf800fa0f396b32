import { type Command, Option } from "commander";
import { type Size, symbolOf, type TensorSpec } from "../tensor/index.ts";
import type { Context } from "./terminal.ts";
import { addVerb, integerOption } from "./verb.ts";

export const addInspectVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "inspect <file>",
    description: "What an ONNX file takes and gives, and its layers with their weights and cost.",
    examples: ["inspect model.onnx", "inspect model.onnx --size 224 --listing"],
    options: [
      integerOption("--size <n>", "free dimensions count as this in the cost").default(1),
      new Option("--listing", "print every operation as well"),
    ],
    action: async ([file = ""], flags, { say }) => {
      const { openModel } = await import("../run/index.ts");
      const { layerCosts } = await import("../onnx-import/index.ts");
      const { formatBytes, formatNumber, textTable } = await import("../report/table.ts");
      const model = await openModel(file);
      const size = flags.size as number;
      const free = Object.values(model.inputs).flatMap(({ shape }) => shape.flatMap(nameOf));
      const sizes = Object.fromEntries(free.map((name) => [name, size]));
      const layers = layerCosts(model, sizes);
      const parameters = layers.reduce((sum, layer) => sum + layer.parameters, 0);
      const operations = layers.reduce((sum, layer) => sum + layer.operations, 0);
      const { irVersion, opsets, producer } = model.file;
      const sets = [...opsets].map(([domain, version]) => `${domain || "ai.onnx"} ${version}`);
      say(`${model.name || file}: ${sets.join(", ")}, IR ${irVersion}, by ${producer || "?"}`);
      for (const [name, spec] of Object.entries(model.inputs)) say(`input   ${line(name, spec)}`);
      for (const [name, spec] of Object.entries(model.outputs)) say(`output  ${line(name, spec)}`);
      for (const [key, value] of Object.entries(model.metadata)) say(`${key}: ${value}`);
      const rows = layers.map((layer) => [
        layer.layer,
        `[${layer.output.join(", ")}]`,
        layer.parameters === 0 ? "" : layer.parameters,
        layer.operations === 0 ? "" : formatNumber(layer.operations / 1e6, 3),
      ]);
      const at =
        free.length === 0 ? "" : ` at ${free.map((name) => `${name} = ${size}`).join(", ")}`;
      say("");
      say(textTable(["layer", "output", "weights", "million operations"], rows));
      say(
        `\n${parameters} weights (${formatBytes(4 * parameters)} in float32), ${formatNumber(operations / 1e6, 4)} million operations${at}`,
      );
      if (flags.listing === true) say(await listing(model));
      const { inputs, outputs, metadata } = model;
      return { file, inputs, outputs, metadata, layers, parameters, operations };
    },
  });

const nameOf = (size: Size): string[] => {
  const name = symbolOf(size);
  return name === undefined ? [] : [name];
};

const line = (name: string, { dtype, shape }: TensorSpec): string =>
  `${name} : ${dtype}[${shape.join(", ")}]`;

/** The traced program, one operation a line. */
async function listing(
  model: Awaited<ReturnType<typeof import("../run/index.ts").openModel>>,
): Promise<string> {
  const { print, trace } = await import("../trace/index.ts");
  const { weights, inputs } = model;
  return print(trace(({ weights: w, inputs: x }) => model.apply(w, x), { weights, inputs }));
}
