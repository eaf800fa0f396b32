import {
  type DiffusionTransformerOptions,
  type DiffusionTransformerParams,
  diffusionTransformer,
  initDiffusionTransformer,
  scaleSkips,
} from "../../nn/index.ts";
import type { Network, NetworkSizes } from "./network.ts";
import type { Options } from "./options.ts";

/** A transformer over patches of images [C, H, W], by adaptive norms (dit) or with long skips (u-vit). */
export const transformerNetwork =
  (kind: "dit" | "u-vit") =>
  (o: Options, { row, classes }: NetworkSizes): Network => {
    const image = row as unknown as DiffusionTransformerOptions["image"];
    // Blocks of u-vit come in pairs around one in the middle.
    const layers = kind === "dit" ? o.layers : 2 * Math.floor(o.layers / 2) + 1;
    const options: DiffusionTransformerOptions = {
      ...{ kind, image, outputs: image[0], features: o.width, layers, heads: o.heads },
      ...{ patch: o.patch, classes, dropout: o.dropout },
    };
    const count = kind === "dit" ? layers : (layers - 1) / 2;
    return {
      init: (key) => initDiffusionTransformer(key, options),
      apply: (model, x, conditioning, { label, rho, scope }) =>
        diffusionTransformer(
          model as unknown as DiffusionTransformerParams,
          x,
          conditioning,
          options,
          {
            ...{ label, scope },
            ...(rho && (kind === "dit" ? { residual: rho } : { skips: scaleSkips(rho) })),
          },
        ),
      ...(count > 0 && {
        tunable: { parts: kind === "dit" ? "residuals" : "skips", count } as const,
      }),
      note:
        kind === "dit"
          ? "Factors act on the residual branches of blocks."
          : "Factors of skips act before the concatenation, which no norm follows.",
    };
  };
