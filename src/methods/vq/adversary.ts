/**
 * A discriminator of image patches, that makes a tokenizer's reconstructions sharp: Esser, Rombach, Ommer, "Taming
 * transformers for high-resolution image synthesis" (2021), equation 5 with the hinge of Lim, Ye, "Geometric GAN" (2017)
 * and a fixed weight; the network of Isola, Zhu, Zhou, Efros, "Image-to-image translation with conditional adversarial
 * networks" (2017), section 3.2.2, without norms.
 *
 *   discriminator: E[max(0, 1 − D(x))] + E[max(0, 1 + D(x̂))],   tokenizer: … − adversarial·E[D(x̂)]
 *
 * D gives a number for each patch, which are averaged. Both terms are 0 for the first `adversarialAfter` updates.
 */
import { hinge } from "../../divergences/index.ts";
import {
  assemble,
  type ConvolutionParams,
  convolution,
  initConv2d,
  type Scope,
} from "../../nn/index.ts";
import { cast, greaterOrEqual, leakyRelu, stopGradient } from "../../ops/index.ts";
import { adam } from "../../optim/index.ts";
import { initPlayer, movePlayer, type Player } from "../../step/index.ts";
import type { Key, Value } from "../../trace/index.ts";

export interface AdversaryOptions {
  readonly adversarial: number;
  readonly adversarialAfter: number;
  readonly width: number;
  readonly learningRate: number;
}

export interface Adversary {
  readonly init: (key: Key) => Player;
  /** The tokenizer's term of images [B, C, H, W] and what it made of them, and the discriminator after its own step. */
  readonly play: (
    player: Player,
    images: { readonly real: Value; readonly made: Value },
    at: { readonly step: Value; readonly scope: Scope },
  ) => {
    readonly term: Value;
    readonly losses: Readonly<Record<string, Value>>;
    readonly next: Player;
  };
}

type Discriminator = { readonly layers: readonly ConvolutionParams[] };

/** Convolutions 4×4 of stride 2, twice, and of stride 1 to one channel. */
const initDiscriminator = (key: Key, channels: number, width: number): Discriminator => ({
  layers: [channels, width, 2 * width].map((inputs, i) =>
    initConv2d(key.at("layers").at(i), {
      inputs,
      outputs: [width, 2 * width, 1][i] as number,
      kernel: 4,
    }),
  ),
});

/** A number for each patch of images in [0, 1], [B, 1, H/4 − 1, W/4 − 1]. */
const judge = ({ layers }: Discriminator, images: Value): Value =>
  layers.reduce((x, layer, i) => {
    const last = i === layers.length - 1;
    const y = convolution(layer, x, { stride: last ? 1 : 2, padding: 1 });
    return last ? y : leakyRelu(y, 0.2);
  }, images.sub(0.5));

/** Undefined without an adversarial term. */
export function adversaryOf(o: AdversaryOptions, channels: number): Adversary | undefined {
  if (o.adversarial === 0) return undefined;
  const optimizer = adam({ learningRate: o.learningRate, beta1: 0.5 });
  return {
    init: (key) => initPlayer(initDiscriminator(key, channels, o.width), optimizer),
    play: (player, { real, made }, { step, scope }) => {
      const model = assemble<Discriminator>(player);
      const begun = cast(greaterOrEqual(step, o.adversarialAfter), "float32");
      const outputs = { real: judge(model, real), fake: judge(model, stopGradient(made)) };
      const discriminator = hinge.critic(outputs).mul(begun);
      const adversarial = hinge.generator({ fake: judge(model, made) }).mul(begun);
      return {
        term: adversarial.mul(o.adversarial),
        losses: { adversarial, discriminator },
        next: movePlayer(player, discriminator, { optimizer, scope }),
      };
    },
  };
}
