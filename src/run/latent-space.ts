// The latents of a trained model as something to move in: drawn, and turned into images.
import {
  type FunctionName,
  functionOf,
  initialState,
  type Method,
  projectionPhase,
} from "../step/index.ts";
import { allocate, ReparamError, scalar, type Tensor, type Tree } from "../tensor/index.ts";
import { type CompiledFunction, compileFunction } from "./compile-function.ts";
import { fillInputs, type NamedTensors, sampleRows } from "./functions.ts";
import { PhaseRun } from "./phase-run.ts";

export const spaceNames = ["z", "w"] as const;
export type SpaceName = (typeof spaceNames)[number];

export interface SpaceOptions {
  /** z, from which the model samples, or w, the styles that some generators make of it; w where there are styles. */
  readonly space?: SpaceName | undefined;
  /** The model's own default where absent. */
  readonly truncation?: number | undefined;
  /** Of drawn noise besides the latents, and of drawn latents. */
  readonly seed?: number | undefined;
  readonly threads?: number;
}

/** Latents [N, ...] of a model, as numbers. */
export interface LatentSpace {
  readonly name: SpaceName;
  /** Of one latent: [latents], or [layers, size] of styles. */
  readonly shape: readonly number[];
  readonly classes: number | undefined;
  /** Latents of new samples. `labels` [N] are their classes, all of them class 0 where absent. */
  readonly draw: (count: number, labels?: readonly number[]) => Promise<Tensor>;
  /** Images [N, C, H, W] in [0, 1], all with the same noise. */
  readonly images: (latents: Tensor, labels?: readonly number[]) => Promise<Tensor>;
  /** Searches the latent of an image [1, C, H, W] in [0, 1]. */
  readonly project: (target: Tensor, options: ProjectOptions) => Promise<Projection>;
  readonly release: () => Promise<void>;
}

export interface ProjectOptions {
  readonly steps: number;
  readonly learningRate: number;
  /** Where it starts. */
  readonly starts: Tensor;
  readonly label?: number;
  /** Steps before which the best candidate is kept to be shown. */
  readonly shown?: readonly number[];
}

export interface Projection {
  /** The best candidate, [1, ...]. */
  readonly latent: Tensor;
  /** Its image. */
  readonly image: Tensor;
  /** Mean squared error of its pixels. */
  readonly error: number;
  /** Images on the way, in the order of `shown`. */
  readonly path: readonly Tensor[];
}

/** @throws ReparamError where the model has no latents that make images, or no such space. */
export async function openLatentSpace(
  method: Method,
  weights: Tree<Tensor>,
  options: SpaceOptions = {},
): Promise<LatentSpace> {
  const styled = method.functions.map !== undefined;
  const { space: name = styled ? "w" : "z", threads = 2 } = options;
  if (name === "w" && !styled) {
    throw new ReparamError(
      `${method.name} has no styles here, only z. Use --space z, or train it with --architecture style.`,
    );
  }
  const compile = (each: FunctionName) => compileFunction(method, each, weights, { threads });
  const images = await compile(name === "w" ? "synthesize" : "sample");
  const input = latentInput(images);
  if (input === undefined) {
    throw new ReparamError(`${method.name} does not make images of latents that can be moved.`);
  }
  const map = name === "w" ? await compile("map") : undefined;
  return new Space(method, weights, options, { name, images, map, input });
}

/** The input that is the latent: `latent`, or the first noise. */
const latentInput = ({ definition: { inputs } }: CompiledFunction): string | undefined =>
  inputs.latent !== undefined
    ? "latent"
    : Object.keys(inputs).find((name) => inputs[name]?.noise === "normal");

interface Parts {
  readonly name: SpaceName;
  readonly images: CompiledFunction;
  readonly map: CompiledFunction | undefined;
  readonly input: string;
}

class Space implements LatentSpace {
  readonly name: SpaceName;
  readonly shape: readonly number[];
  readonly classes: number | undefined;
  readonly #method: Method;
  readonly #weights: Tree<Tensor>;
  readonly #options: SpaceOptions;
  readonly #parts: Parts;

  constructor(method: Method, weights: Tree<Tensor>, options: SpaceOptions, parts: Parts) {
    this.name = parts.name;
    this.#method = method;
    this.#weights = weights;
    this.#options = options;
    this.#parts = parts;
    const { inputs } = parts.images.definition;
    this.shape = inputs[parts.input]?.shape.slice(1) as number[];
    this.classes = (parts.map ?? parts.images).definition.inputs.label?.classes;
  }

  async draw(count: number, labels?: readonly number[]): Promise<Tensor> {
    const { seed = 0 } = this.#options;
    const { map, images, input } = this.#parts;
    if (map !== undefined) {
      const inputs = this.#given(map, count, labels);
      return (await sampleRows(map, count, { seed, inputs })).latent as Tensor;
    }
    return fillInputs("sample", images.definition, {}, { count, seed })[input] as Tensor;
  }

  async images(latents: Tensor, labels?: readonly number[]): Promise<Tensor> {
    const { images, input } = this.#parts;
    const count = latents.shape[0] as number;
    const given = { ...this.#given(images, count, labels), [input]: latents };
    const { image } = await images.run(given, { count });
    if (image?.shape.length === 4) return image;
    throw new ReparamError(`${this.#method.name} does not make images here.`);
  }

  async project(target: Tensor, options: ProjectOptions): Promise<Projection> {
    const { steps, starts, label = 0, learningRate, shown = [] } = options;
    const { images, input } = this.#parts;
    const definition = functionOf(this.#method, images.name);
    const weights = this.#weights;
    const phase = projectionPhase({
      ...{ definition, latent: input, weights, starts, target, learningRate },
    });
    const running = new PhaseRun(phase, initialState(phase, 0), {
      threads: this.#options.threads ?? 2,
    });
    const count = starts.shape[0] as number;
    const rest = this.#given(images, count, new Array(count).fill(label));
    const { [input]: _, ...others } = fillInputs("projection", definition, {
      ...rest,
      [input]: allocated([count, ...this.shape]),
    });
    const path: Tensor[] = [];
    try {
      // One step more than asked for: a step returns the images from before it.
      for (let step = 0; ; step++) {
        const latents = step < steps ? undefined : (running.read() as { latent: Tensor }).latent;
        const outputs = await running.run(
          "step",
          { weights, target, ...others },
          { seed: 0, step },
        );
        const { image, error } = outputs as { image: Tensor; error: Tensor };
        const best = smallest(error);
        if (shown.includes(step)) path.push(rowOf(image, best));
        if (latents === undefined) continue;
        const latent = rowOf(latents, best);
        return { latent, image: rowOf(image, best), error: Number(error.data[best]), path };
      }
    } finally {
      await running.release();
    }
  }

  async release(): Promise<void> {
    await this.#parts.images.release();
    await this.#parts.map?.release();
  }

  /** Inputs of a function besides latents: truncation, classes, and one row of noise for all. */
  #given(
    { definition: { inputs } }: CompiledFunction,
    count: number,
    labels: readonly number[] | undefined,
  ): NamedTensors {
    const { truncation } = this.#options;
    const given: Record<string, Tensor> = {};
    if (truncation !== undefined && inputs.truncation !== undefined) {
      given.truncation = scalar(truncation, "float32");
    }
    if (inputs.label !== undefined) {
      const data = Int32Array.from(labels ?? new Array<number>(count).fill(0));
      given.label = { dtype: "int32", shape: [count], data };
    }
    const { latent, noise } = inputs;
    if (latent !== undefined && noise !== undefined) {
      const { seed = 0 } = this.#options;
      const one = fillInputs("latent", { inputs: { noise } }, {}, { seed }).noise as Tensor;
      given.noise = repeated(one, count);
    }
    return given;
  }
}

const allocated = (shape: readonly number[]): Tensor => ({
  dtype: "float32",
  shape: [...shape],
  data: allocate(
    "float32",
    shape.reduce((product, size) => product * size, 1),
  ),
});

/** One row [1, ...] as many times. */
export function repeated(row: Tensor, count: number): Tensor {
  const all = allocated([count, ...row.shape.slice(1)]);
  for (let i = 0; i < count; i++)
    (all.data as Float32Array).set(row.data as Float32Array, i * row.data.length);
  return all;
}

/** Row `i` of a tensor, [1, ...]. */
export function rowOf({ dtype, shape, data }: Tensor, i: number): Tensor {
  const size = data.length / (shape[0] as number);
  return {
    dtype,
    shape: [1, ...shape.slice(1)],
    data: data.slice(i * size, (i + 1) * size),
  } as Tensor;
}

/** Rows of equal shapes below each other. */
export function stackRows(rows: readonly Tensor[]): Tensor {
  const first = rows[0] as Tensor;
  const all = allocated([rows.length, ...first.shape.slice(1)]);
  for (const [i, { data }] of rows.entries()) {
    (all.data as Float32Array).set(data as Float32Array, i * first.data.length);
  }
  return all;
}

function smallest({ data }: Tensor): number {
  let best = 0;
  for (let i = 1; i < data.length; i++) if (Number(data[i]) < Number(data[best])) best = i;
  return best;
}
