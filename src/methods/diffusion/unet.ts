import {
  chainSkips,
  freeU,
  initUNet,
  type JoinNorm,
  joinNorms,
  joinsOf,
  type SkipHook,
  scaleSkips,
  type UNetOptions,
  type UNetParams,
  unet,
  unetPlan,
} from "../../nn/index.ts";
import { reshape, slice } from "../../ops/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Network, NetworkCall, NetworkSizes } from "./network.ts";
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
    apply: (model, x, conditioning, { label, scope, ...tuning }) => {
      const skips = hookOf(o, tuning, multipliers.length);
      const call = { label, scope, skips };
      return unet(model as unknown as UNetParams, x, conditioning, options, call);
    },
    tunable: { parts: "skips", count: joinsOf(plan).length },
    note: normNote(joinNorms(plan, o.groups), o),
  };
}

function hookOf(
  { skipPlacement }: Options,
  { rho, freeU: factors }: Pick<NetworkCall, "rho" | "freeU">,
  levels: number,
): SkipHook | undefined {
  const each = (both: Value): Value[] => [0, 1].map((i) => reshape(slice(both, 0, i, i + 1), []));
  const hooks = [
    ...(factors === undefined
      ? []
      : [freeU({ backbone: each(factors.backbone), skip: each(factors.skip), levels })]),
    ...(rho === undefined ? [] : [scaleSkips(rho, skipPlacement)]),
  ];
  return hooks.length === 0 ? undefined : chainSkips(...hooks);
}

/** What the group norm behind each join does to a factor of the skip. */
function normNote(norms: readonly JoinNorm[], { skipPlacement, projection }: Options): string {
  const parts = norms.map(
    ({ index, channels, cancelled }) => `skip ${index}: ${cancelled} of ${channels}`,
  );
  const cancelled = norms.reduce((sum, norm) => sum + norm.cancelled, 0);
  if (skipPlacement === "after-norm") {
    return "Factors of skips act behind the group norm that follows the concatenation, which would cancel them, and on the projection.";
  }
  if (cancelled === 0) {
    return "Factors of skips act before the concatenation; every group of the norm behind it holds channels of the backbone too, so none cancels.";
  }
  const rest = projection
    ? "acts through the projection around the block alone"
    : "has no effect at all, for there is no projection around the block";
  return `Factors of skips act before the concatenation, and the group norm behind it divides them out again in groups without channels of the backbone (${parts.join(", ")} channels): there a factor ${rest}. --skip-placement after-norm moves them behind the norm.`;
}
