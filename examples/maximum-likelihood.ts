// Maximum likelihood, known mixtures, and rows that arrive in batches: expectation-maximisation as library calls.
// npx tsx examples/maximum-likelihood.ts
import { compileFunction, findMethod } from "reparam";
import { fitMaximumLikelihood, gaussianMixtureOf, kMeansPlusPlus } from "reparam/methods/em";
import { openPartialFit } from "reparam/run";
import { dim, spec, tensor } from "reparam/tensor";

console.log(fitMaximumLikelihood("gamma", [0.5, 2, 3, 1.2])); // concentration, rate, log-likelihood

const x = tensor(Float64Array.of(0.1, -0.2, 4.1, 3.8, 0.3, 4.4), [6, 1]);
console.log(kMeansPlusPlus(x, 2).labels); // the nearest of two centres that lie far from each other

const known = { weights: [0.3, 0.7], means: [[0], [4]], covariances: [[[1]], [[2]]] };
const { method, weights } = gaussianMixtureOf(known);
const encode = await compileFunction(method, "encode", weights);
console.log((await encode.run({ x })).latent?.data); // p(component | x), without any training
await encode.release();

const { create, options } = await findMethod("gaussian-mixture");
const data = {
  columns: { x: spec("float64", [dim("B"), 1]) },
  trainSize: 0,
  batchSize: 6,
  classes: undefined,
};
const online = openPartialFit(create(options.parse({ components: 2, algorithm: "online" }), data));
for (let batch = 0; batch < 5; batch++) console.log(await online.partialFit({ x }));
console.log(online.weights());
await online.release();
