// Likelihoods of data under a trained model: bits a dimension of images, nats of points.
import { vjp } from "../../autodiff/index.ts";
import { sign, sum } from "../../ops/index.ts";
import type { ModelFunction, Procedure } from "../../step/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { logLikelihood } from "./likelihood.ts";
import {
  conditions,
  dataInput,
  dataName,
  normalRows,
  type ProcedureOptions,
  procedureOptions,
  rowsShape,
  type SampledModel,
  scaled,
} from "./sampled-model.ts";

export function likelihoodOf(model: SampledModel): Procedure {
  const name = dataName(model);
  const { images, row, process } = model;
  const size = row.reduce((n, s) => n * s, 1);
  return {
    summary: images
      ? "bits a dimension of images, by the probability flow; bytes are spread evenly over their width"
      : "negative log-likelihood of points in nats, by the probability flow",
    inputs: {
      [name]: dataInput(model, "rows of data"),
      ...(images && {
        dequantization: {
          ...{ dtype: "float32", shape: rowsShape(model), noise: "uniform" as const },
          description: "where in its width each byte lies",
        },
      }),
      probe: normalRows(
        model,
        "direction that the divergence is estimated along (Hutchinson 1990)",
      ),
      ...conditions(model),
    },
    functions: { divergence: divergenceOf(model) },
    options: procedureOptions,
    rowsAtOnce: 64,
    run: async (call) => {
      const { tolerance } = call.options as ProcedureOptions;
      const data = scaled(model, call.inputs[name] as Tensor, call.inputs.dequantization);
      const { probe, ...rest } = call.inputs;
      const given = Object.fromEntries(
        Object.keys(conditions(model)).map((key) => [key, rest[key] as Tensor]),
      );
      const { logDensity } = await logLikelihood(
        async (noisy, level) => {
          const [count = 0] = noisy.shape;
          const time = { dtype: "float32", shape: [count] } as const;
          const at = { ...time, data: new Float32Array(count).fill(level.t) };
          const answer = await call.run("divergence", { noisy, time: at, probe: probe!, ...given });
          return { denoised: answer.denoised!, divergence: answer.divergence! };
        },
        data,
        { process, tolerance, sigmaData: model.sigmaData },
      );
      // A byte is 2/255 wide on the scale of x.
      const values = images
        ? logDensity.map((log) => -log / (size * Math.LN2) + Math.log2(255 / 2))
        : logDensity.map((log) => -log);
      const figures = { dtype: "float64", shape: [values.length], data: values } as Tensor;
      return images ? { bitsPerDimension: figures } : { negativeLogLikelihood: figures };
    },
  };
}

/** x̂₀, and vᵀ(∂x̂₀/∂x)v for signs v of the probe: on average the divergence of x̂₀ (Hutchinson 1990). */
function divergenceOf(model: SampledModel): ModelFunction {
  const { denoise } = model;
  return {
    summary: "the denoiser, and an estimate of its divergence",
    inputs: { ...denoise.inputs, probe: normalRows(model, "N(0, 1), of which signs are taken") },
    exported: false,
    build: (weights, { probe, ...inputs }, scope) => {
      const noisy = inputs.noisy as Value;
      const denoised = denoise.build(weights, inputs, scope).denoised as Value;
      const signs = sign(probe as Value);
      const [slope] = vjp([denoised], [noisy], [signs]) as [Value];
      const divergence = sum(
        slope.mul(signs),
        model.row.map((_, axis) => axis + 1),
      );
      return { denoised, divergence };
    },
  };
}
