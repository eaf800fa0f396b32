import type { CompileTimings } from "../src/onnx/index.ts";
import {
  adamUpdate,
  convolution,
  convolutionTraining,
  matrixProduct,
  rowSoftmax,
} from "./operations.ts";
import { trainingStep } from "./training.ts";

/** A compiled workload. */
export interface Running {
  readonly timings: CompileTimings;
  /** Does step `index`, counted from 0, with all that a training does on the host for it. */
  readonly step: (index: number) => Promise<unknown>;
}

export interface Workload {
  readonly name: string;
  readonly title: string;
  /** Steps of a training make up the training ratio; operations show where time goes. */
  readonly kind: "training" | "operation";
  readonly batch?: number;
  /** Steps of one round. */
  readonly steps: number;
  readonly start: (threads: number) => Promise<Running>;
  /** The same in PyTorch: a file of bench/peer and its arguments. */
  readonly peer: readonly string[];
}

const operation = (
  name: string,
  title: string,
  steps: number,
  start: (threads: number) => Promise<Running>,
): Workload => ({ name, title, kind: "operation", steps, start, peer: ["operations.py", name] });

export const workloads: readonly Workload[] = [
  {
    name: "gaussian-vae",
    title: "Gaussian VAE, MLP 784-400-20",
    kind: "training",
    batch: 128,
    steps: 50,
    start: (threads) => trainingStep("gaussian-vae", 128, threads),
    peer: ["vae.py", "--batch", "128"],
  },
  {
    name: "categorical-vae",
    title: "categorical VAE 32×10, convolutional",
    kind: "training",
    batch: 100,
    steps: 20,
    start: (threads) => trainingStep("categorical-vae", 100, threads),
    peer: ["conv_vae.py", "--batch", "100"],
  },
  operation("matmul", "matrix product 1024³", 30, matrixProduct),
  operation("conv", "3×3 convolution 64×32×28×28 → 64", 30, convolution),
  operation("conv-training", "3×3 convolution and both its gradients", 20, convolutionTraining),
  operation("adam", "Adam, 2M parameters in 60 tensors", 30, adamUpdate),
  operation("softmax", "softmax 64×1000", 200, rowSoftmax),
];
