import { mulSize, type Size } from "../tensor/index.ts";
import type { Lowering, Node, Value } from "../trace/index.ts";
import { type Image, imageOf, lacksConv, needFloat32 } from "./columns.ts";
import { convolveColumns, plainTransposed, weightsFromColumns } from "./convolution-lowering.ts";
import { takes } from "./forms.ts";
import { weightsFromPlanes } from "./planes.ts";
import { subPixel } from "./transposed-lowering.ts";
import { type Window, windowAttributes } from "./window.ts";

/** Up to so many groups their weight gradients one by one are faster than one convolution in groups. */
const fewGroups = 8;

type Sides = readonly [Image, Image];

/** Both sides, where they are images of fixed size on the CPU. */
const onCpu = (
  to: Lowering,
  first: Image | undefined,
  second: Image | undefined,
): Sides | undefined =>
  first === undefined || second === undefined || !takes(to, "columns")
    ? undefined
    : [first, second];

/** The same in float64 only, for which the runtime has no convolutions. */
const doubles = (
  to: Lowering,
  node: Node,
  first: Image | undefined,
  second: Image | undefined,
): Sides | undefined =>
  lacksConv(to, node) && first !== undefined && second !== undefined ? [first, second] : undefined;

/** Part g of the groups along an axis of the given size. */
function part(to: Lowering, x: string, g: number, size: number, axis: number): string {
  const bounds = [[g * size], [(g + 1) * size], [axis]].map((n) => to.integers(n));
  return to.emit("Slice", [x, ...bounds]);
}

const imagePart = (to: Lowering, image: Image, g: number, groups: number): Image => {
  const channels = image.channels / groups;
  const name = image.name === "" ? "" : part(to, image.name, g, channels, 1);
  return { ...image, name, channels };
};

/** The groups' results one after the other. */
const joined = (to: Lowering, groups: number, axis: number, build: (g: number) => string): string =>
  to.emit(
    "Concat",
    Array.from({ length: groups }, (_, g) => build(g)),
    { axis },
  );

/** x [B, Ci, H, W], w [Co, Ci / groups, kh, kw] (and bias [Co]) → [B, Co, Ho, Wo]. */
export function lowerGrouped(
  to: Lowering,
  names: readonly string[],
  node: Node,
  window: Window,
): string {
  const [x, w, bias] = names as [string, string, string | undefined];
  const { groups } = window;
  const images = [imageOf(x, node.inputs[0] as Value), imageOf("", node.outputs[0] as Value)];
  const pair = doubles(to, node, images[0], images[1]);
  if (pair === undefined) {
    needFloat32("conv2d", node);
    return to.emit("Conv", bias === undefined ? [x, w] : [x, w, bias], windowAttributes(window));
  }
  return joined(to, groups, 1, (g) => {
    const [image, response] = pair.map((side) => imagePart(to, side, g, groups)) as [Image, Image];
    const filters = response.channels;
    const own = bias === undefined ? undefined : part(to, bias, g, filters, 0);
    return convolveColumns(to, image, response, part(to, w, g, filters, 0), own, window);
  });
}

/** dy [B, Co, Ho, Wo], w [Co, Ci / groups, kh, kw] → [B, Ci, H, W]. */
export function lowerGroupedInput(
  to: Lowering,
  names: readonly string[],
  node: Node,
  window: Window,
): string {
  const [dy, w] = names as [string, string];
  const { groups } = window;
  const images = [imageOf(dy, node.inputs[0] as Value), imageOf("", node.outputs[0] as Value)];
  const pair = doubles(to, node, images[0], images[1]);
  if (pair === undefined) {
    needFloat32("convTranspose2d", node);
    return plainTransposed(to, dy, w, node, window);
  }
  return joined(to, groups, 1, (g) => {
    const [response, image] = pair.map((side) => imagePart(to, side, g, groups)) as [Image, Image];
    return subPixel(to, response, part(to, w, g, response.channels, 0), image, window);
  });
}

/** x [B, Ci, H, W], dy [B, Co, Ho, Wo] → [Co, Ci / groups, kh, kw]. */
export function lowerGroupedWeight(
  to: Lowering,
  names: readonly string[],
  node: Node,
  window: Window,
): string {
  const [x, dy] = names as [string, string];
  const { groups } = window;
  const [image, response] = node.inputs as unknown as [Value, Value];
  const sides = [imageOf(x, image), imageOf(dy, response)] as const;
  const double = lacksConv(to, node);
  const few = groups <= fewGroups ? onCpu(to, ...sides) : undefined;
  const pair = doubles(to, node, ...sides) ?? few;
  if (pair === undefined) {
    needFloat32("conv2dWeightGradient", node);
    return weightsFromGroupedConv(to, [x, dy], image, window);
  }
  return joined(to, groups, 0, (g) => {
    const [from, by] = pair.map((side) => imagePart(to, side, g, groups)) as [Image, Image];
    const planes = weightsFromPlanes(to, from, by, window, double);
    return planes ?? weightsFromColumns(to, from, by, window);
  });
}

/**
 * A convolution of the image by the response, stride and dilation exchanged: members of a group are the
 * batch, and each group's samples are the channels that meet, [Ci/G, G·B, H, W] by [Co, B, Ho, Wo].
 */
function weightsFromGroupedConv(
  to: Lowering,
  [x, dy]: readonly [string, string],
  image: Value,
  { kernel, stride, padding, dilation, groups }: Window,
): string {
  const [batch, channels, height, width] = image.shape as readonly [Size, number, Size, Size];
  const members = channels / groups;
  const apart = to.reshape(x, [batch, groups, members, mulSize(height, width)]);
  const turned = to.emit("Transpose", [apart], { perm: [2, 1, 0, 3] });
  const samples = to.reshape(turned, [members, mulSize(batch, groups), height, width]);
  const filters = to.emit("Transpose", [dy], { perm: [1, 0, 2, 3] });
  const product = to.emit("Conv", [samples, filters], {
    strides: dilation,
    dilations: stride,
    pads: padding,
    group: groups,
  }); // (Ci/G, Co, ≥ kh, ≥ kw): a stride leaves rows at the end that no output reads
  const bounds = [[0, 0], [...kernel], [2, 3]].map((n) => to.integers(n));
  const taps = stride.every((n) => n === 1) ? product : to.emit("Slice", [product, ...bounds]);
  return to.emit("Transpose", [taps], { perm: [1, 0, 2, 3] });
}
