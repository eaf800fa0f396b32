// Programs of a single operation. Of a large result one row is returned: inside a training program it
// would not leave the runtime either, and PyTorch does not copy its own.
import { vjp } from "../src/autodiff/index.ts";
import { compile, type HeldState, hold, type RunInputs } from "../src/onnx/index.ts";
import { conv2d, matmul, slice, softmax } from "../src/ops/index.ts";
import { adam, applyUpdates } from "../src/optim/index.ts";
import { fillNormal, type Tensor, type Tree } from "../src/tensor/index.ts";
import { evaluate, trace, type Value } from "../src/trace/index.ts";
import type { Running } from "./workloads.ts";

function normalTensor(shape: readonly number[], path: string): Tensor {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  fillNormal(data, { seed: 0, step: 0, path });
  return { dtype: "float32", shape, data };
}

const firstRow = (x: Value): Value => slice(x, 0, 0, 1);

/** The program of a function of normal tensors of these shapes. */
async function operation(
  shapes: readonly (readonly number[])[],
  build: (...xs: Value[]) => Readonly<Record<string, Value>>,
  threads: number,
): Promise<Running> {
  const xs = shapes.map((shape, i) => normalTensor(shape, `x${i}`));
  const program = await compile<{ xs: Tree<Tensor> }, Readonly<Record<string, Value>>>(
    (inputs) => build(...(inputs.xs as unknown as Value[])),
    { xs },
    { threads },
  );
  const inputs: RunInputs = { xs };
  return { timings: program.timings, step: () => program.run(inputs) };
}

export const matrixProduct = (threads: number): Promise<Running> =>
  operation(
    [
      [1024, 1024],
      [1024, 1024],
    ],
    (a, b) => ({ y: firstRow(matmul(a, b)) }),
    threads,
  );

const image = [64, 32, 28, 28];
const response = [64, 64, 28, 28];
const kernel = [64, 32, 3, 3];

export const convolution = (threads: number): Promise<Running> =>
  operation([image, kernel], (x, w) => ({ y: firstRow(conv2d(x, w, { padding: 1 })) }), threads);

/** Forward pass, gradient of the image, gradient of the kernel. */
export const convolutionTraining = (threads: number): Promise<Running> =>
  operation(
    [image, kernel, response],
    (x, w, dy) => {
      const y = conv2d(x, w, { padding: 1 });
      const [dx, dw] = vjp([y], [x, w], [dy]);
      return { y: firstRow(y), dx: firstRow(dx!), dw: dw! };
    },
    threads,
  );

export const rowSoftmax = (threads: number): Promise<Running> =>
  operation([[64, 1000]], (x) => ({ y: firstRow(softmax(x, -1)) }), threads);

/** 30 matrices of 256×256 and 30 vectors of 1024, as weights and biases. */
export async function adamUpdate(threads: number): Promise<Running> {
  const shapes = Array.from({ length: 60 }, (_, i) => (i < 30 ? [256, 256] : [1024]));
  const params = shapes.map((shape, i) => normalTensor(shape, `p${i}`));
  const gradients = shapes.map((shape, i) => normalTensor(shape, `g${i}`));
  const optimizer = adam({ learningRate: 1e-3 });
  const start = evaluate(
    trace((given: { params: Tree<Value> }) => optimizer.init(given.params) as object, { params }),
    { params },
  );
  const initial = { params, moments: start } as unknown as Tree<Tensor>;
  const program = await compile(
    (inputs) => {
      const { state, gradients: g } = inputs as unknown as {
        state: { params: Tree<Value>; moments: Tree<Value> };
        gradients: Tree<Value>;
      };
      const { updates, state: moments } = optimizer.update(g, state.moments, state.params);
      return { state: { params: applyUpdates(state.params, updates), moments } };
    },
    { state: initial, gradients },
    { threads },
  );
  let state: HeldState = hold(initial);
  return {
    timings: program.timings,
    step: async () => {
      state = (await program.run({ state, gradients })).state as HeldState;
    },
  };
}
