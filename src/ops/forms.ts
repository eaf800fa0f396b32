import type { Lowering, Target } from "../trace/index.ts";

/**
 * Forms of an operation that beat the plain ONNX operator somewhere, in one table: where each one is taken,
 * and the command that measures it against what it replaces. Every form can be left out of a compilation
 * (`without`), and changes results in the last digits only.
 */
export interface Form {
  readonly operation: string;
  /** Where it is taken, for people. The thresholds are beside the code. */
  readonly when: string;
  readonly instead: string;
  readonly targets: readonly Target[];
  readonly measure: string;
}

const measure = (form: string): string => `npm run bench -- --forms ${form}`;

export const forms = {
  columns: {
    operation: "conv2d, its two gradients, convTranspose2d",
    when: "16 channels or more; up to 16×16 pixels with a stride, 12×12 without; weight gradients at any size; transposed from 16×16 with 64; kernels that cover the image",
    instead: "Conv, ConvTranspose",
    targets: ["cpu", "wasm"],
    measure: measure("columns"),
  },
  planes: {
    operation: "conv2d to few filters, weight gradients from few channels",
    when: "8 channels or fewer on one side",
    instead: "Conv",
    targets: ["cpu", "wasm"],
    measure: measure("planes"),
  },
  blocked: {
    operation: "conv2d and the input gradient at stride 1",
    when: "channels and filters are multiples of the processor's block, found by a probe, on larger images than columns take",
    instead: "Conv",
    targets: ["cpu"],
    measure: measure("blocked"),
  },
  turned: {
    operation: "input gradient of conv2d at stride 1",
    when: "kernels without dilation, 16 channels or more or fewer filters than channels",
    instead: "ConvTranspose",
    targets: ["cpu", "wasm"],
    measure: measure("turned"),
  },
  crossed: {
    operation: "weight gradient of conv2d at stride 1",
    when: "more than 256 pixels, 16 channels or more, up to 64 filters",
    instead: "columns",
    targets: ["cpu", "wasm"],
    measure: measure("crossed"),
  },
  pointwise: {
    operation: "conv2d with a 1×1 kernel and its input gradient",
    when: "stride 1",
    instead: "Conv, ConvTranspose",
    targets: ["cpu", "wasm"],
    measure: measure("pointwise"),
  },
  "fused-transpose": {
    operation: "matmul of stacks of matrices, an operand transposed",
    when: "float32",
    instead: "Transpose and MatMul",
    targets: ["cpu"],
    measure: measure("fused-transpose"),
  },
  "turned-operand": {
    operation: "matmul of two matrices, the first transposed",
    when: "float32, rows a multiple of 64, 64 columns or more of each",
    instead: "Gemm",
    targets: ["cpu", "wasm"],
    measure: measure("turned-operand"),
  },
  "fused-gelu": {
    operation: "gelu",
    when: "always",
    instead: "Erf and products",
    targets: ["cpu"],
    measure: measure("fused-gelu"),
  },
  "one-hot-sums": {
    operation: "gradient of gather (embedding)",
    when: "up to 256 rows",
    instead: "ScatterElements",
    targets: ["cpu", "wasm", "webgpu", "export"],
    measure: measure("one-hot-sums"),
  },
  staged: {
    operation: "sum, mean, max, min over the first axis and others",
    when: "other axes are left; a matrix's rows are a multiple of 64",
    instead: "one reduction",
    targets: ["cpu", "wasm"],
    measure: measure("staged"),
  },
  unpooling: {
    operation: "gradient of maxPool2d",
    when: "float32, windows that tile the image",
    instead: "ScatterElements",
    targets: ["cpu", "wasm", "export"],
    measure: measure("unpooling"),
  },
} as const satisfies Record<string, Form>;

export type FormName = keyof typeof forms;

/** Whether a graph under construction may take a form. */
export const takes = (to: Lowering, form: FormName): boolean =>
  (forms[form].targets as readonly Target[]).includes(to.target) && !to.without.has(form);
