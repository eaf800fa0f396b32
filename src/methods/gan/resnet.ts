import { dropout, initializers, type Scope } from "../../nn/index.ts";
import {
  averagePool2d,
  concat,
  full,
  oneHot,
  relu,
  reshape,
  sum,
  tanh,
  upsampleNearest2d,
} from "../../ops/index.ts";
import type { Key, Value } from "../../trace/index.ts";
import { halvings } from "./dcgan.ts";
import {
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
import type { NetworkSizes, Networks } from "./networks.ts";

const initializer = initializers.glorotUniform;
const same = { padding: 1 };

/** Two convolutions and a way around them, of another size or number of channels where it has to be. */
type Block = {
  readonly norm1: Normalization;
  readonly conv1: Conv;
  readonly norm2: Normalization;
  readonly conv2: Conv;
  readonly around?: Conv;
};

type Tables = NonNullable<Parameters<typeof initNormalization>[2]>;

interface BlockSizes {
  readonly inputs: number;
  readonly outputs: number;
  readonly norm: NetworkSizes["normalization"];
  readonly spectral: boolean;
  readonly tables?: (features: number) => Tables | undefined;
}

function initBlock(key: Key, { inputs, outputs, norm, spectral, tables }: BlockSizes): Block {
  const weighting = { spectral, initializer };
  const block = {
    norm1: initNormalization(norm, inputs, tables?.(inputs)),
    conv1: initConv(key.at("conv1"), { inputs, outputs, kernel: 3 }, weighting),
    norm2: initNormalization(norm, outputs, tables?.(outputs)),
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
    label,
    first = false,
  }: {
    readonly up?: Resize;
    readonly down?: Resize;
    readonly label?: Value | undefined;
    readonly first?: boolean;
  },
): Value {
  const before = first ? x : relu(normalize(block.norm1, x, scope, label));
  const middle = conv(block.conv1, up(before), scope, same);
  const inner = conv(block.conv2, relu(normalize(block.norm2, middle, scope, label)), scope, same);
  const beside = block.around === undefined ? up(x) : conv(block.around, up(x), scope);
  return down(inner.add(beside));
}

type Generator = {
  readonly dense: Dense;
  readonly blocks: readonly Block[];
  readonly norm: Normalization;
  readonly out: Conv;
};

type Discriminator = { readonly blocks: readonly Block[] };

/**
 * Residual networks: Miyato, Kataoka, Koyama, Yoshida, "Spectral normalization for generative adversarial networks"
 * (2018), appendix B.4, figure 7 for 32×32 images. `width` channels everywhere; two blocks at the lowest resolution.
 */
export function resnet(sizes: NetworkSizes): Networks {
  const { latents, width, classes, generatorNormalization, normalization, spectral } = sizes;
  const [channels, height, breadth] = sizes.row as readonly [number, number, number];
  const stages = halvings([channels, height, breadth]);
  const bottom = [height / 2 ** stages, breadth / 2 ** stages] as const;
  const tables = (features: number): Tables | undefined =>
    classes === undefined
      ? undefined
      : { classes, table: (value) => full([classes, features], value) };
  const plain = { spectral: false, initializer };
  return {
    generator: {
      init: (key): Generator => ({
        dense: initDense(
          key.at("dense"),
          latents + (classes ?? 0),
          width * bottom[0] * bottom[1],
          plain,
        ),
        blocks: Array.from({ length: stages }, (_, i) =>
          initBlock(key.at(`block${i}`), {
            ...{ inputs: width, outputs: width, norm: generatorNormalization },
            ...{ spectral: false, tables },
          }),
        ),
        norm: initNormalization(generatorNormalization, width, tables(width)),
        out: initConv(key.at("out"), { inputs: width, outputs: channels, kernel: 3 }, plain),
      }),
      rows: (model, z, scope, label) => {
        const { dense: start, blocks, norm, out } = model as Generator;
        const given =
          label === undefined ? z : concat([z, oneHot(label, classes as number, "float32")], -1);
        const seed = reshape(dense(start, given, scope), [-1, width, ...bottom]);
        const top = blocks.reduce(
          (h, block) => residual(block, h, scope, { up: double, label }),
          seed,
        );
        return tanh(conv(out, relu(normalize(norm, top, scope, label)), scope, same));
      },
    },
    discriminator: {
      features: width,
      init: (key): Discriminator => ({
        blocks: Array.from({ length: stages + 2 }, (_, i) =>
          initBlock(key.at(`block${i}`), {
            ...{
              inputs: i === 0 ? channels : width,
              outputs: width,
              norm: i === 0 ? "none" : normalization,
            },
            spectral,
          }),
        ),
      }),
      of: (model, rows, scope) => {
        const { blocks } = model as Discriminator;
        const top = blocks.reduce((h, block, i) => {
          const down = i < stages ? halve : keep;
          const y = residual(block, h, scope, { down, first: i === 0 });
          return dropout(y, sizes.dropout, scope.at(`dropout${i}`));
        }, rows);
        return sum(relu(top), [2, 3]);
      },
    },
  };
}
