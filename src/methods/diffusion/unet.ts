import {
  initUNet,
  joinsOf,
  type UNetOptions,
  type UNetParams,
  unet,
  unetPlan,
} from "../../nn/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import type { Network, NetworkSizes } from "./network.ts";
import { multipliersOf, type Options } from "./options.ts";

/** A U-Net for images [C, H, W]. Throws where they cannot be halved as often as there are levels. */
export function unetNetwork(o: Options, { row, classes }: NetworkSizes): Network {
  const [channels, height, width] = row as [number, number, number];
  const multipliers = multipliersOf(o);
  const unit = o.patch * 2 ** (multipliers.length - 1);
  if (height % unit !== 0 || width % unit !== 0) {
    throw new ReparamError(
      `diffusion: images of ${height}×${width} cannot be divided by ${unit}, which --patch ${o.patch} and ${multipliers.length} levels need. Use another --patch or other --multipliers.`,
    );
  }
  const edge = (level: number): number => Math.max(height, width) / (o.patch * 2 ** level);
  const attention = multipliers.flatMap((_, level) =>
    edge(level) <= o.attentionBelow ? [level] : [],
  );
  const plan = unetPlan({
    ...{ width: o.width, multipliers, blocks: o.blocks, attention },
    middleAttention: attention.length > 0,
  });
  const options: UNetOptions = {
    ...{ plan, inputs: channels, outputs: channels, groups: o.groups, heads: o.heads },
    ...{ classes, patch: o.patch, dropout: o.dropout, timeEmbedding: o.timeEmbedding },
    projection: o.projection,
  };
  return {
    init: (key) => initUNet(key, options),
    apply: (model, x, conditioning, call) =>
      unet(model as unknown as UNetParams, x, conditioning, options, call),
    skips: joinsOf(plan).length,
  };
}
