import type { CompileTimings } from "../src/onnx/index.ts";
import { gptGeneration, unetForward } from "./inference.ts";
import { cnn } from "./models/cnn.ts";
import { dcgan, r1 } from "./models/dcgan.ts";
import { gpt } from "./models/gpt.ts";
import { infomax } from "./models/infomax.ts";
import type { Training } from "./models/samples.ts";
import { unet } from "./models/unet.ts";
import {
  adamUpdate,
  convolution,
  convolutionTraining,
  matrixProduct,
  rowSoftmax,
} from "./operations.ts";
import { methodTraining, startTraining } from "./training.ts";

/** A compiled workload. */
export interface Running {
  readonly timings: CompileTimings;
  /** Count of trained numbers, which must be the peer's. */
  readonly parameters?: number;
  /** Does step `index`, counted from 0, with all that a training does on the host for it. */
  readonly step: (index: number) => Promise<unknown>;
  /** Several steps from `index` on in one call, where a training does them so. */
  readonly together?: (index: number, count: number) => Promise<void>;
}

export interface Workload {
  readonly name: string;
  readonly title: string;
  /** Steps of a training make up the training ratio; operations show where time goes. */
  readonly kind: "training" | "inference" | "operation";
  readonly batch?: number;
  /** Steps of one round. */
  readonly steps: number;
  readonly start: (threads: number) => Promise<Running>;
  /** Whether the peer can start from the numbers of this side, for `--verify`. */
  readonly verifiable?: boolean;
  /** The same in PyTorch: a file of bench/peer and its arguments. */
  readonly peer: readonly string[];
}

const operation = (
  name: string,
  title: string,
  steps: number,
  start: (threads: number) => Promise<Running>,
): Workload => ({ name, title, kind: "operation", steps, start, peer: ["operations.py", name] });

/** Training workloads by name: what `--verify` compares. */
export const trainings: Readonly<Record<string, () => Training | Promise<Training>>> = {
  "gaussian-vae": () => methodTraining("gaussian-vae", 128),
  "categorical-vae": () => methodTraining("categorical-vae", 100),
  cnn: () => cnn(),
  dcgan: () => dcgan(),
  r1: () => r1(),
  unet: () => unet(),
  gpt: () => gpt(),
  "gpt-dropout": () => gpt(0.1),
  infomax: () => infomax(),
  fsq: () => methodTraining("fsq", 64),
};

const training = (
  name: string,
  title: string,
  [batch, steps]: readonly [number, number],
  peer: readonly string[],
): Workload => ({
  ...{ name, title, kind: "training", batch, steps, peer },
  // Those of the autoencoders draw their own, as dropout does.
  verifiable: !peer.some((part) => part.endsWith("vae.py") || part === "--dropout"),
  start: async (threads) => startTraining(await trainings[name]!(), threads),
});

const inference = (
  name: string,
  title: string,
  [batch, steps]: readonly [number, number],
  start: (threads: number) => Promise<Running>,
  peer: readonly string[],
): Workload => ({ name, title, kind: "inference", batch, steps, start, peer });

export const workloads: readonly Workload[] = [
  training("gaussian-vae", "Gaussian VAE, MLP 784-400-20", [128, 50], ["vae.py"]),
  training("categorical-vae", "categorical VAE 32×10, convolutional", [100, 20], ["conv_vae.py"]),
  training("cnn", "CNN classifier 28×28", [64, 20], ["cnn.py"]),
  training("dcgan", "DCGAN 32×32×3, a step of either player", [64, 3], ["dcgan.py"]),
  training("r1", "DCGAN discriminator with R1 penalty", [64, 3], ["dcgan.py", "--gamma", "10"]),
  training("unet", "U-Net noise prediction 32×32×3", [32, 1], ["unet.py"]),
  training("gpt", "GPT, 6 layers of 192, context 128", [32, 2], ["gpt.py"]),
  training("gpt-dropout", "GPT with dropout 0.1", [32, 1], ["gpt.py", "--dropout", "0.1"]),
  training("infomax", "Deep InfoMax, 128 latents, 32×32×3", [64, 5], ["infomax.py"]),
  training("fsq", "FSQ image tokenizer, 28×28, width 64", [64, 5], ["fsq.py"]),
  inference("unet-inference", "U-Net forward pass", [64, 2], (t) => unetForward(64, t), [
    ...["unet.py", "--infer", "--batch", "64"],
  ]),
  inference("gpt-inference", "GPT, 64 tokens after a prompt of 64, cached", [1, 3], gptGeneration, [
    ...["gpt.py", "--generate", "--batch", "1"],
  ]),
  operation("matmul", "matrix product 1024³", 30, matrixProduct),
  operation("conv", "3×3 convolution 64×32×28×28 → 64", 30, convolution),
  operation("conv-training", "3×3 convolution and both its gradients", 20, convolutionTraining),
  operation("adam", "Adam, 2M parameters in 60 tensors", 30, adamUpdate),
  operation("softmax", "softmax 64×1000", 200, rowSoftmax),
];
