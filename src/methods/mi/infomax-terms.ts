// The terms of Deep InfoMax: what takes part in each, and the networks that it wants.
import { kl, Normal } from "../../distributions/index.ts";
import {
  type ConvolutionParams,
  initLinear,
  type LinearParams,
  type Scope,
} from "../../nn/index.ts";
import { concat, exp, mean, softplus, squeeze, stopGradient } from "../../ops/index.ts";
import { mapTree, type Size } from "../../tensor/index.ts";
import { type Key, normal, uniform, type Value } from "../../trace/index.ts";
import {
  coordinateTerm,
  dotScores,
  everywhere,
  globalScores,
  informationTerm,
  localScores,
  type Negatives,
  otherPlaces,
  type Scores,
} from "./infomax-loss.ts";
import {
  type Code,
  type DotCritic,
  denseLayers,
  type Encoder,
  encode,
  type ImageShape,
  initDotCritic,
  initEncoder,
  initGlobalCritic,
  initLocalCritic,
  localScore,
  mapChannels,
} from "./infomax-network.ts";
import type { InfomaxOptions } from "./infomax-options.ts";

type MapCritic = readonly ConvolutionParams[] | DotCritic;

export type InfomaxModel = {
  readonly encoder: Encoder;
  readonly global?: readonly LinearParams[] | DotCritic;
  readonly local?: MapCritic;
  /** Of the finer maps of several scales. */
  readonly finer?: readonly MapCritic[];
  /** Between two places of the map. */
  readonly localLocal?: MapCritic;
  /** Predicts a place of the map. */
  readonly coordinates?: readonly ConvolutionParams[];
  /** Discriminator of the adversarial prior. */
  readonly prior?: readonly LinearParams[];
};

/** Numbers, in `Code.maps`, of the maps whose local features take part: the coarsest first. */
const mapsOf = ({ mapHalvings, scales }: InfomaxOptions): readonly number[] =>
  Array.from({ length: scales }, (_, i) => mapHalvings - 1 - i);

/** Of x with `sizes` elements each. */
function initMapCritic(
  key: Key,
  { critic, latents }: InfomaxOptions,
  sizes: readonly [number, number],
): MapCritic {
  return critic === "dot"
    ? initDotCritic(key, latents, sizes)
    : initLocalCritic(key, latents, sizes[0] + sizes[1]);
}

export function initInfomax(key: Key, image: ImageShape, o: InfomaxOptions): InfomaxModel {
  const { latents } = o;
  const [, height, width] = image;
  const channels = mapsOf(o).map((at) => mapChannels(latents)[at] as number);
  const [own = latents, ...fine] = channels;
  const places = Math.floor(height / 2 ** o.mapHalvings) * Math.floor(width / 2 ** o.mapHalvings);
  const between = (name: Key, sizes: readonly [number, number]): MapCritic =>
    initMapCritic(name, o, sizes);
  return {
    encoder: initEncoder(key.at("encoder"), image, latents),
    ...(o.globalWeight > 0 && {
      global:
        o.critic === "dot"
          ? initDotCritic(key.at("global"), latents)
          : initGlobalCritic(key.at("global"), latents),
    }),
    ...(o.localWeight > 0 && {
      local: between(key.at("local"), [latents, own]),
      ...(fine.length > 0 && {
        finer: fine.map((size, i) => between(key.at("finer").at(i), [latents, size])),
      }),
    }),
    ...(o.localLocalWeight > 0 && { localLocal: between(key.at("localLocal"), [own, own]) }),
    ...(o.coordinateWeight > 0 && {
      coordinates: initLocalCritic(key.at("coordinates"), latents, latents + own, places),
    }),
    ...(o.prior === "adversarial" && {
      prior: [
        initLinear(key.at("prior").at(0), latents, latents),
        initLinear(key.at("prior").at(1), latents, 1),
      ],
    }),
  };
}

/** What is minimised, [B] each; absent where its weight is 0. */
export type InfomaxTerms = Readonly<
  Record<
    "global" | "local" | "localLocal" | "coordinates" | "prior" | "discriminator",
    Value | undefined
  >
>;

/** Random numbers of a batch, beside those of shuffled negatives. */
export interface Drawn {
  /** Normal, [B, latents]. */
  readonly latent: Value;
  /** Normal, [B, latents], for the discriminator of an adversarial prior. */
  readonly prior: Value | undefined;
  /** Uniform, [1]: how far the places of a map are moved on. */
  readonly place: Value | undefined;
}

export function drawNumbers(key: Key, o: InfomaxOptions, rows: Size): Drawn {
  return {
    latent: normal(key.at("latent"), [rows, o.latents]),
    prior: o.prior === "adversarial" ? normal(key.at("prior"), [rows, o.latents]) : undefined,
    place: o.localLocalWeight > 0 ? uniform(key.at("place"), [1]) : undefined,
  };
}

interface Given {
  /** Images [B, C, H, W] in [0, 1]. */
  readonly x: Value;
  readonly drawn: Drawn;
  readonly scope: Scope;
}

/** Terms of every image. */
export function infomaxTerms(
  model: InfomaxModel,
  o: InfomaxOptions,
  { x, drawn, scope }: Given,
): InfomaxTerms {
  const code = encode(model.encoder, x, scope);
  const z = code.mean.add(exp(code.logVariance.mul(0.5)).mul(drawn.latent));
  const maps = mapsOf(o).map((at) => code.maps[at] as Value);
  const [map] = maps as [Value];
  const negatives = (key: Key): Negatives => ({ kind: o.negatives, count: o.negativeCount, key });
  const between = (critic: MapCritic, here: Value, there: Value, key: Key): Value => {
    const scores: Scores =
      o.critic === "dot"
        ? dotScores(critic as DotCritic, here, there)
        : localScores(
            critic as readonly ConvolutionParams[],
            here.rank === 2 ? everywhere(here, there) : here,
            there,
            negatives(key),
          );
    return informationTerm(o.objective, scores);
  };
  const { global, local, finer = [], localLocal, coordinates, prior } = model;
  return {
    global: global && globalTerm(global, o, z, negatives(scope.key.at("global"))),
    local:
      local &&
      [local, ...finer]
        .map((critic, i) => {
          const key = i === 0 ? scope.key.at("local") : scope.key.at("finer").at(i);
          return between(critic, z, maps[i] as Value, key);
        })
        .reduce((sum, term) => sum.add(term))
        .div(o.scales),
    localLocal:
      localLocal &&
      between(localLocal, otherPlaces(map, drawn.place as Value), map, scope.key.at("localLocal")),
    coordinates:
      coordinates && coordinateTerm(localScore(coordinates, concat([everywhere(z, map), map], 1))),
    ...priorTerms(code, z, prior, drawn),
  };
}

function globalTerm(
  critic: NonNullable<InfomaxModel["global"]>,
  { critic: kind, objective }: InfomaxOptions,
  z: Value,
  negatives: Negatives,
): Value {
  const scores =
    kind === "dot"
      ? dotScores(critic as DotCritic, z, z)
      : globalScores(critic as readonly LinearParams[], z, negatives);
  return informationTerm(objective, scores);
}

/** The divergence from N(0, I), or a discriminator's view of it and the discriminator's own loss. */
function priorTerms(
  { mean: centre, logVariance }: Code,
  z: Value,
  discriminator: readonly LinearParams[] | undefined,
  drawn: Drawn,
): { readonly prior: Value; readonly discriminator: Value | undefined } {
  if (discriminator === undefined) {
    const q = Normal({ mean: centre, logVariance });
    return { prior: mean(kl(q, Normal({ mean: 0, std: 1 })), 1), discriminator: undefined };
  }
  // The encoder is led by the discriminator as it is; the discriminator learns from latents as they are.
  const fixed = mapTree<Value, Value, readonly LinearParams[]>(discriminator, (p) =>
    stopGradient(p),
  ) as readonly LinearParams[];
  const score = (layers: readonly LinearParams[], x: Value): Value =>
    squeeze(denseLayers(layers, x), 1);
  const real = softplus(score(discriminator, drawn.prior as Value).neg());
  const made = softplus(score(discriminator, stopGradient(z)));
  return { prior: softplus(score(fixed, z).neg()), discriminator: real.add(made) };
}
