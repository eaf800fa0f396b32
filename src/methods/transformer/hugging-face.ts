/** What the architectures of Hugging Face's libraries that this folder exports to have in common. */
import {
  allocate,
  leafMap,
  ReparamError,
  type Tensor,
  type Tree,
  zeros,
} from "../../tensor/index.ts";
import type { NetworkSizes } from "./options.ts";

/** Parameters by path, for example `attention.0.norm.scale`. */
export interface Parameters {
  /** Throws if there is none. */
  at(path: string): Tensor;
  has(path: string): boolean;
}

/** The parameters of weights, those below `prefix` by the rest of their paths. */
export function parametersOf(weights: Tree<Tensor>, prefix = ""): Parameters {
  const leaves = leafMap(weights);
  const full = (path: string): string => `params.${prefix}${path}`;
  return {
    has: (path) => leaves.has(full(path)),
    at(path) {
      const found = leaves.get(full(path));
      if (found === undefined) throw new ReparamError(`the model has no parameter ${full(path)}.`);
      return found;
    },
  };
}

/** Paths of a layer's parameters where layers may share them. */
export const layerPath = (
  { share }: NetworkSizes,
  part: "attention" | "feedForward",
  layer: number,
): string => {
  const shared = share === "all" || share === (part === "attention" ? "attention" : "feed-forward");
  return `${part}.${shared ? 0 : layer}`;
};

/** Columns `from` … `to` − 1 of a matrix, or entries of a vector. */
export function columns({ dtype, shape, data }: Tensor, from: number, to: number): Tensor {
  const width = shape.at(-1) as number;
  const rows = data.length / width;
  const part = allocate(dtype, rows * (to - from)) as Float32Array;
  for (let row = 0; row < rows; row++) {
    part.set(
      (data as Float32Array).subarray(row * width + from, row * width + to),
      row * (to - from),
    );
  }
  return { dtype, shape: [...shape.slice(0, -1), to - from], data: part as Tensor["data"] };
}

/** A matrix [a, b] as [b, a]: PyTorch's linear layers have their outputs first. */
export function transposed({ dtype, shape, data }: Tensor): Tensor {
  const [rows, width] = shape as [number, number];
  const turned = allocate(dtype, data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < width; j++) turned[j * rows + i] = data[i * width + j] as never;
  }
  return { dtype, shape: [width, rows], data: turned };
}

/** A norm's offset, or zeros where it has none. */
export const offsetOf = (parameters: Parameters, norm: string): Tensor =>
  parameters.has(`${norm}.offset`)
    ? parameters.at(`${norm}.offset`)
    : zeros(parameters.at(`${norm}.scale`).shape, "float32");

/** Throws with the first reason there is, in the words of the options. */
export function requireAll(architecture: string, reasons: Readonly<Record<string, boolean>>): void {
  const broken = Object.entries(reasons).find(([, holds]) => !holds);
  if (broken === undefined) return;
  throw new ReparamError(
    `Hugging Face's ${architecture} wants ${broken[0]}: this model has no folder for their libraries. Use its ONNX files.`,
  );
}

/** Every query head of an equal share of the width, with keys and values of its own. */
export const hasPlainHeads = ({ width, block }: NetworkSizes): boolean =>
  block.talkingHeads === "none" &&
  block.keyValueHeads === block.heads &&
  block.keySize === width / block.heads &&
  block.headSize === block.keySize;
