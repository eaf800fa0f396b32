import { createLoader } from "../src/data/loader.ts";
import { findMethod } from "../src/methods/catalogue.ts";
import { compile, type HeldState, hold, type Program } from "../src/onnx/index.ts";
import {
  initialState,
  type ProgramInputs,
  type ProgramOutputs,
  phaseProgram,
} from "../src/step/index.ts";
import { dim, fillUniform, spec } from "../src/tensor/index.ts";
import type { Running } from "./workloads.ts";

const imageShape = [1, 28, 28] as const;

/** Bytes about as sparse as MNIST: four fifths background. */
function syntheticImages(count: number): Uint8Array<ArrayBuffer> {
  const uniform = new Float32Array(count * 784);
  fillUniform(uniform, { seed: 0, step: 0, path: "images" });
  return Uint8Array.from(uniform, (u) => (u < 0.2 ? 1 + Math.floor((u / 0.2) * 255) : 0));
}

/**
 * The training step of a method with its default options: a batch taken by the loader, noise, one run of
 * the program, the metrics back on the host.
 */
export async function trainingStep(
  name: string,
  batchSize: number,
  threads: number,
): Promise<Running> {
  const definition = await findMethod(name);
  const length = 32 * batchSize;
  const image = { dtype: "uint8", shape: imageShape, data: syntheticImages(length) } as const;
  const loader = createLoader({ length, columns: { image } }, { batchSize });
  const method = definition.create(definition.options.parse({}), {
    columns: { image: spec("uint8", [dim("B"), ...imageShape]) },
    trainSize: length,
    batchSize,
    classes: undefined,
  });
  const [phase] = method.phases;
  const start = initialState(phase!, 0);
  const { build, example } = phaseProgram(phase!, "step", start);
  const program = (await compile<typeof example, ProgramOutputs>(
    (inputs) => build(inputs as ProgramInputs),
    example,
    { threads },
  )) as unknown as Program<{ state: object }>;
  let state = hold(start);
  return {
    timings: program.timings,
    step: async (index) => {
      const draw = { seed: 0, step: index };
      const result = await program.run({ state, batch: loader.batch(index) }, draw);
      state = result.state as HeldState;
    },
  };
}
