import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { compileFunction, drawSamples, type Split, sampleRows, type TrainedModel } from "reparam";
import { makeSplit, takeSamples } from "reparam/data";
import {
  createFeatureExtractor,
  type FeatureStatistics,
  featureStatistics,
  frechetDistance,
} from "reparam/metrics";
import { scalar, type Tensor } from "reparam/tensor";
import { mapSplit, rowsOf } from "../../src/run/index.ts";
import type { Setting } from "./setting.ts";
import { drawUnigram, type Unigram } from "./unigram.ts";

export interface ImageParts {
  readonly setting: Setting;
  readonly tokenizer: TrainedModel;
  readonly prior: TrainedModel;
  readonly unigram: Unigram;
  readonly folder: string;
  readonly threads: number;
}

const first = (split: Split, count: number): Split =>
  takeSamples(
    split,
    Uint32Array.from({ length: Math.min(count, split.length) }, (_, i) => i),
  );

/** Fréchet distances to test images of training images, reconstructions and samples; the pictures of all. */
export async function imageFigures(parts: ImageParts): Promise<Readonly<Record<string, number>>> {
  const { setting, tokenizer, prior, unigram, folder, threads } = parts;
  const { drawn, features } = setting;
  const file = fileURLToPath(new URL(`../../assets/features/${features}.onnx`, import.meta.url));
  const extractor = await createFeatureExtractor(await readFile(file), { threads });
  console.error(`features by ${features}.onnx, SHA-256 ${extractor.sha256}`);
  const moments = async (images: Tensor): Promise<FeatureStatistics> =>
    featureStatistics(await extractor.features(images));
  const picture = async (name: string, images: Tensor): Promise<void> => {
    const shown = { ...images, shape: [64, ...images.shape.slice(1)] };
    const data = images.data.slice(0, (64 * images.data.length) / (images.shape[0] as number));
    await writeFile(
      `${folder}/${name}.png`,
      await drawSamples({ ...shown, data } as Tensor, { columns: 16 }),
    );
  };
  const { train, test } = tokenizer.dataset;
  const imagesOf = (split: Split): Tensor => rowsOf(split, 0, split.length).image as Tensor;
  const real = first(test, drawn);
  const wanted = await moments(imagesOf(real));
  const distance = async (images: Tensor): Promise<number> =>
    frechetDistance(await moments(images), wanted);
  await picture("test", imagesOf(real));

  const reconstruct = await compileFunction(tokenizer.method, "reconstruct", tokenizer.weights, {
    threads,
  });
  const { image: reconstructed } = (await mapSplit(reconstruct, real)) as { image: Tensor };
  await reconstruct.release();
  await picture("reconstructed", reconstructed);

  const sample = await compileFunction(prior.method, "sample", prior.weights, { threads });
  const draw = async (temperature: number): Promise<Tensor> => {
    const inputs = { temperature: scalar(temperature) };
    return (await sampleRows(sample, real.length, { seed: 0, inputs })).image as Tensor;
  };
  const start = performance.now();
  const sampled = await draw(1);
  const perSecond = (1000 * real.length) / (performance.now() - start);
  const cool = await draw(0.8);
  await sample.release();
  await picture("sampled", sampled);
  await picture("cool", cool);

  const grid = prior.dataset.train.columns.tokens?.shape as readonly number[];
  const tokens = drawUnigram(unigram, [real.length, ...grid], 0);
  const decode = await compileFunction(tokenizer.method, "decode", tokenizer.weights, { threads });
  const column = { dtype: "int32", shape: grid, data: tokens.data } as const;
  const { image: unordered } = (await mapSplit(decode, makeSplit({ tokens: column }))) as {
    image: Tensor;
  };
  await decode.release();
  await picture("unigram", unordered);
  const figures = {
    train: await distance(imagesOf(first(train, drawn))),
    reconstructed: await distance(reconstructed),
    sampled: await distance(sampled),
    cool: await distance(cool),
    unigram: await distance(unordered),
    perSecond,
  };
  await extractor.release();
  return figures;
}
