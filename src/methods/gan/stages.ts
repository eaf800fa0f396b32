// Which networks play, by the options' names, and for how long at which size.
import { dcgan } from "./dcgan.ts";
import { type GrowthSizes, sidesOf } from "./growing.ts";
import { mlp } from "./mlp.ts";
import type { NetworkSizes, Networks, Stage } from "./networks.ts";
import type { Options } from "./options.ts";
import { progressive } from "./progressive.ts";
import { resnet } from "./resnet.ts";
import { style } from "./style.ts";

const fixed = { mlp, dcgan, resnet } as const;
const growing = { progressive, style } as const;

type ByGrowth = (sizes: NetworkSizes, growth: GrowthSizes) => Networks;

/** One stage, or one for every size of networks that grow. */
export function stagesOf(o: Options, sizes: NetworkSizes): readonly Stage[] {
  const images = sizes.row.length === 3;
  const name = o.architecture === "auto" ? (images ? "dcgan" : "mlp") : o.architecture;
  if (name !== "progressive" && name !== "style") {
    return [{ name: "game", networks: fixed[name](sizes), fadeSteps: 0 }];
  }
  return growingStages(o, sizes, growing[name]);
}

function growingStages(o: Options, sizes: NetworkSizes, of: ByGrowth): Stage[] {
  const image = sizes.row as GrowthSizes["image"];
  const sides = sidesOf(image);
  const growth = { image, width: o.width };
  if (!o.growing) {
    const networks = of(sizes, { ...growth, sides, fades: false });
    return [{ name: "game", networks, fadeSteps: 0 }];
  }
  return sides.map((side, i) => ({
    name: `size-${side}`,
    networks: of(sizes, { ...growth, sides: sides.slice(0, i + 1), fades: i > 0 }),
    fadeSteps: i === 0 ? 0 : (o.fadeSteps ?? Math.ceil(o.sizeSteps / 2)),
    ...(i < sides.length - 1 ? { iterations: o.sizeSteps } : {}),
  }));
}
