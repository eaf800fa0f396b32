import { gradients } from "../autodiff/index.ts";
import { broadcastTo, constant, mean, sum } from "../ops/index.ts";
import { adam, applyUpdates } from "../optim/index.ts";
import { evaluateShape, type Tensor, type Tree } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import type { ModelFunction, Phase } from "./method.ts";
import { specsOf } from "./phase.ts";

export interface ProjectionOptions {
  /** A function of latents to images, and the name of its input of latents. */
  readonly definition: ModelFunction;
  readonly latent: string;
  readonly weights: Tree<Tensor>;
  /** Where the search begins: latents [N, ...], with axes of 1 where the function's repeat one vector. */
  readonly starts: Tensor;
  /** [1, C, H, W] in [0, 1]. */
  readonly target: Tensor;
  readonly learningRate: number;
}

/** State of a search: candidates [N, ...] and their optimizer's. */
type Search = { readonly latent: Value; readonly optimizer: Tree<Value> };

/**
 * A search for the latent of an image: gradient descent on ‖G(latent) − image‖² by Adam. Every candidate goes its own
 * way, for the loss is a sum over them (Zhu, Krähenbühl, Shechtman, Efros, "Generative visual manipulation on the
 * natural image manifold", 2016, equation 4; of styles: Abdal, Qin, Wonka, "Image2StyleGAN", 2019). Its program `step`
 * takes the weights, the target and the function's other inputs, and returns images and mean squared errors [N] of the
 * candidates before the step.
 */
export function projectionPhase(options: ProjectionOptions): Phase {
  const { definition, latent: name, weights, starts, target, learningRate } = options;
  const optimizer = adam({ learningRate });
  const { [name]: own, ...others } = definition.inputs;
  const candidates = new Map([["B", starts.shape[0] as number]]);
  const inputs = Object.fromEntries(
    Object.entries(others).map(([input, { dtype, shape }]) => [
      input,
      { dtype, shape: evaluateShape(shape, candidates) },
    ]),
  );
  return {
    name: "projection",
    init: () => {
      const latent = constant(starts);
      return { latent, optimizer: optimizer.init({ latent }) };
    },
    programs: {
      step: {
        inputs: { weights: specsOf(weights), target: specsOf(target), ...inputs },
        build: ({ state, weights: values, target: wanted, ...given }, scope) => {
          const { latent, optimizer: moments } = state as Search;
          const whole = broadcastTo(latent, [latent.size(0), ...(own?.shape.slice(1) ?? [])]);
          const filled = { ...(given as Record<string, Value>), [name]: whole };
          const image = definition.build(values as Tree<Value>, filled, scope.evaluating())
            .image as Value;
          const error = mean(image.sub(wanted as Value).square(), [1, 2, 3]);
          const [slope] = gradients(sum(error), [latent]) as [Value];
          const params = { latent };
          const { updates, state: next } = optimizer.update({ latent: slope }, moments, params);
          return { state: { ...applyUpdates(params, updates), optimizer: next }, image, error };
        },
      },
    },
  };
}
