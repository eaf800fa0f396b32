import {
  dropout,
  type Initializer,
  initializers,
  initLinear,
  initSelfAttention2d,
  type Scope,
  type SelfAttentionParams,
  selfAttention2d,
} from "../../nn/index.ts";
import {
  averagePool2d,
  concat,
  gather,
  oneHot,
  relu,
  reshape,
  slice,
  sum,
  tanh,
  upsampleNearest2d,
} from "../../ops/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import { halvings } from "./dcgan.ts";
import {
  type ConditionSizes,
  type Conv,
  conv,
  type Dense,
  dense,
  initConv,
  initDense,
  initNormalization,
  type Normalization,
  normalize,
} from "./layers.ts";
import type { NetworkSizes, Networks, Told } from "./networks.ts";

const glorot = initializers.glorotUniform;
const same = { padding: 1 };

/** Two convolutions and a way around them, of another size or number of channels where it has to be. */
type Block = {
  readonly norm1: Normalization;
  readonly conv1: Conv;
  readonly norm2: Normalization;
  readonly conv2: Conv;
  readonly around?: Conv;
};

interface BlockSizes {
  readonly inputs: number;
  readonly outputs: number;
  readonly norm: NetworkSizes["normalization"];
  readonly spectral: boolean;
  readonly initializer: Initializer;
  readonly conditionAt?: (key: Key) => ConditionSizes | undefined;
}

function initBlock(key: Key, { inputs, outputs, norm, ...rest }: BlockSizes): Block {
  const { spectral, initializer, conditionAt } = rest;
  const weighting = { spectral, initializer };
  const block = {
    norm1: initNormalization(norm, inputs, conditionAt?.(key.at("norm1"))),
    conv1: initConv(key.at("conv1"), { inputs, outputs, kernel: 3 }, weighting),
    norm2: initNormalization(norm, outputs, conditionAt?.(key.at("norm2"))),
    conv2: initConv(key.at("conv2"), { inputs: outputs, outputs, kernel: 3 }, weighting),
  };
  return inputs === outputs
    ? block
    : { ...block, around: initConv(key.at("around"), { inputs, outputs, kernel: 1 }, weighting) };
}

type Resize = (x: Value) => Value;
const keep: Resize = (x) => x;
const double: Resize = (x) => upsampleNearest2d(x, 2);
const halve: Resize = (x) => averagePool2d(x, { size: 2 });

/** Normalization, ReLU, `up`, convolution, normalization, ReLU, convolution, `down`; the input beside it. */
function residual(
  block: Block,
  x: Value,
  scope: Scope,
  {
    up = keep,
    down = keep,
    told = {},
    first = false,
  }: {
    readonly up?: Resize;
    readonly down?: Resize;
    readonly told?: Told & { readonly vector?: Value | undefined };
    readonly first?: boolean;
  },
): Value {
  const before = first ? x : relu(normalize(block.norm1, x, scope, told));
  const middle = conv(block.conv1, up(before), scope, same);
  const inner = conv(block.conv2, relu(normalize(block.norm2, middle, scope, told)), scope, same);
  const beside = block.around === undefined ? up(x) : conv(block.around, up(x), scope);
  return down(inner.add(beside));
}

type Generator = {
  readonly embedding?: Value;
  readonly dense: Dense;
  readonly blocks: readonly Block[];
  readonly attention?: SelfAttentionParams;
  readonly norm: Normalization;
  readonly out: Conv;
};

type Discriminator = {
  readonly blocks: readonly Block[];
  readonly attention?: SelfAttentionParams;
};

/** How a generator's z is given out: to the first layer, and to every block where z is hierarchical. */
interface Shares {
  readonly first: number;
  readonly block: number;
}

function sharesOf({ latents, hierarchical }: NetworkSizes, stages: number): Shares {
  const block = hierarchical ? Math.floor(latents / (stages + 1)) : 0;
  if (hierarchical && block === 0) {
    throw new ReparamError(
      `--hierarchical gives ${stages + 1} layers a part of z each. Use --latents ${stages + 1} or more.`,
    );
  }
  return { first: latents - stages * block, block };
}

/** The block after which attention comes: where images have half their side. */
const attentionAfter = (stages: number): { up: number; down: number } => ({
  up: Math.max(0, stages - 2),
  down: 0,
});

function generatorOf(sizes: NetworkSizes): Networks["generator"] {
  const { width, classes, classEmbedding, generatorNormalization: norm } = sizes;
  const [channels, height, breadth] = sizes.row as readonly [number, number, number];
  const stages = halvings([channels, height, breadth]);
  const bottom = [height / 2 ** stages, breadth / 2 ** stages] as const;
  const shares = sharesOf(sizes, stages);
  const plain = { spectral: false, initializer: sizes.initializer ?? glorot };
  const { initializer } = plain;
  const embedded = classes !== undefined && classEmbedding > 0;
  const vector = (embedded ? classEmbedding : 0) + shares.block;
  const conditionAt = (key: Key): ConditionSizes | undefined => {
    if (vector > 0) return { vector, key, initializer };
    return classes === undefined ? undefined : { classes };
  };
  // With a class vector in every block, the first layer is not told the class (Brock et al. 2019, figure 15).
  const inputs = shares.first + (embedded ? 0 : (classes ?? 0));
  const after = attentionAfter(stages).up;
  return {
    init: (key): Generator => ({
      ...(embedded
        ? { embedding: initLinear(key.at("embedding"), classes, classEmbedding, plain).weight }
        : {}),
      dense: initDense(key.at("dense"), inputs, width * bottom[0] * bottom[1], plain),
      blocks: Array.from({ length: stages }, (_, i) =>
        initBlock(key.at(`block${i}`), {
          ...{ inputs: width, outputs: width, norm, ...plain, conditionAt },
        }),
      ),
      ...(sizes.attention
        ? { attention: initSelfAttention2d(key.at("attention"), width, plain) }
        : {}),
      // A vector conditions the blocks only.
      norm: initNormalization(norm, width, vector > 0 ? undefined : conditionAt(key)),
      out: initConv(key.at("out"), { inputs: width, outputs: channels, kernel: 3 }, plain),
    }),
    rows: (model, z, scope, told) => {
      const { embedding, dense: start, blocks, attention, norm: last, out } = model as Generator;
      const { label } = told;
      const row = embedded && label !== undefined ? [gather(embedding as Value, label)] : [];
      const vectorAt = (i: number): Value | undefined => {
        const from = shares.first + i * shares.block;
        const part = shares.block === 0 ? [] : [slice(z, 1, from, from + shares.block)];
        return vector === 0 ? undefined : concat([...row, ...part], -1);
      };
      const own = shares.block === 0 ? z : slice(z, 1, 0, shares.first);
      const named = label !== undefined && !embedded;
      const given = named ? concat([own, oneHot(label, classes as number, "float32")], -1) : own;
      const seed = reshape(dense(start, given, scope), [-1, width, ...bottom]);
      const top = blocks.reduce((h, block, i) => {
        const y = residual(block, h, scope, { up: double, told: { ...told, vector: vectorAt(i) } });
        return attention !== undefined && i === after ? selfAttention2d(attention, y) : y;
      }, seed);
      return tanh(conv(out, relu(normalize(last, top, scope, told)), scope, same));
    },
  };
}

function discriminatorOf(sizes: NetworkSizes): Networks["discriminator"] {
  const { width, spectral, normalization } = sizes;
  const [channels, height, breadth] = sizes.row as readonly [number, number, number];
  const stages = halvings([channels, height, breadth]);
  const initializer = sizes.initializer ?? glorot;
  const after = attentionAfter(stages).down;
  return {
    features: width,
    init: (key): Discriminator => ({
      blocks: Array.from({ length: stages + 2 }, (_, i) =>
        initBlock(key.at(`block${i}`), {
          ...{ inputs: i === 0 ? channels : width, outputs: width, spectral, initializer },
          norm: i === 0 ? "none" : normalization,
        }),
      ),
      ...(sizes.attention
        ? { attention: initSelfAttention2d(key.at("attention"), width, { initializer }) }
        : {}),
    }),
    of: (model, rows, scope) => {
      const { blocks, attention } = model as Discriminator;
      const top = blocks.reduce((h, block, i) => {
        const down = i < stages ? halve : keep;
        const y = residual(block, h, scope, { down, first: i === 0 });
        const seen = attention !== undefined && i === after ? selfAttention2d(attention, y) : y;
        return dropout(seen, sizes.dropout, scope.at(`dropout${i}`));
      }, rows);
      return sum(relu(top), [2, 3]);
    },
  };
}

/**
 * Residual networks: Miyato, Kataoka, Koyama, Yoshida, "Spectral normalization for generative adversarial networks"
 * (2018), appendix B.4, figure 7 for 32×32 images. `width` channels everywhere; two blocks at the lowest resolution.
 * With attention, a class vector and hierarchical latents as in Brock, Donahue, Simonyan, "Large scale GAN training for
 * high fidelity natural image synthesis" (2019), appendix B.
 */
export const resnet = (sizes: NetworkSizes): Networks => ({
  generator: generatorOf(sizes),
  discriminator: discriminatorOf(sizes),
});
