// The whole sampling of a trained model as one graph.
import { clip, full } from "../../ops/index.ts";
import type { ModelFunction, Procedure } from "../../step/index.ts";
import type { Value } from "../../trace/index.ts";
import { bakedSample } from "./baked-sampler.ts";
import { labelsOf } from "./guidance.ts";
import { planOf } from "./sample.ts";
import { type ProcedureOptions, rowsShape, type SampledModel } from "./sampled-model.ts";

/** The sampler of these options as one graph. */
export function bakedOf(
  model: SampledModel,
  inputs: Procedure["inputs"],
  o: ProcedureOptions,
): ModelFunction {
  const { guidance, frames: _, ...options } = o;
  const { process, classes, denoise, coder } = model;
  const plan = planOf(options, { process });
  labelsOf(classes, undefined, guidance);
  const shape = rowsShape(model);
  const { sigma } = plan.levels[0]!;
  return {
    summary: `${options.sampler} of ${options.steps} steps in one graph, ${plan.evaluations} evaluations`,
    inputs: {
      ...inputs,
      ...(plan.draws > 0 && {
        fresh: {
          ...{ dtype: "float32", shape: [plan.draws, ...shape], noise: "normal" as const },
          description: "N(0, 1), the noise that the sampler adds on its way",
        },
      }),
    },
    exported: true,
    build: (weights, { noise, fresh, label, ...knobs }, scope) => {
      const ask = (noisy: Value, time: Value, told: Value | undefined): Value =>
        denoise.build(
          weights,
          {
            ...knobs,
            ...{ noisy, time: full([noisy.size(0)], 1).mul(time) },
            ...(told && { label: told }),
          },
          scope,
        ).denoised as Value;
      const none = label?.mul(0).add(classes ?? 0);
      const x = bakedSample(
        plan,
        (noisy, time) => {
          if (guidance === 1 || label === undefined) return ask(noisy, time, label);
          const without = ask(noisy, time, none);
          return without.add(ask(noisy, time, label).sub(without).mul(guidance));
        },
        (noise as Value).mul(sigma),
        fresh,
      );
      if (coder !== undefined) return coder.decode.build(weights, { latent: x }, scope);
      return model.images ? { image: clip(x.add(1).mul(1 / 2), 0, 1) } : { x };
    },
  };
}
