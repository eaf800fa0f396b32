// The joint divergence after every E-step and every M-step.
import { compileFunction } from "reparam";
import { openPartialFit } from "reparam/run";
import { quick } from "../figures/command-line.ts";
import { blobs, methodFor } from "./setting.ts";

export interface Turn {
  readonly iteration: number;
  /** KL(p̃(x)q(k|x) ‖ p(x, k; θ)) up to a constant, in nats a row. */
  readonly afterE: number;
  readonly afterM: number;
}

const [rows, components] = [400, 4];

/** Four Gaussians on 400 rows of the plane, begun at rows by chance, not regularised. */
export async function jointDivergence(): Promise<readonly Turn[]> {
  const x = blobs(rows, { size: 2, clusters: 4, apart: 2, seed: 5 });
  const options = { components, covariance: "full", regCovar: 0, start: "random", tolerance: 0 };
  const method = await methodFor("gaussian-mixture", options, 2);
  const running = openPartialFit(method, { threads: 1 });
  await running.partialFit({ x });
  const encode = await compileFunction(method, "encode", running.weights(), { threads: 1 });
  const posterior = async () => {
    const { latent, logDensity } = await encode.withWeights(running.weights()).run({ x });
    return { r: latent?.data as Float64Array, logDensity: logDensity?.data as Float64Array };
  };
  const turns: Turn[] = [];
  let now = await posterior();
  for (let iteration = 1; iteration <= (quick ? 3 : 24); iteration++) {
    await running.partialFit({ x });
    const next = await posterior();
    let [afterE, afterM] = [0, 0];
    for (const [j, r] of now.r.entries()) {
      if (r === 0) continue;
      const n = Math.floor(j / components);
      const logJoint = (state: typeof now): number =>
        Math.log(Math.max(state.r[j] as number, 1e-300)) + (state.logDensity[n] as number);
      afterE += (r * (Math.log(r) - logJoint(now))) / rows;
      afterM += (r * (Math.log(r) - logJoint(next))) / rows;
    }
    turns.push({ iteration, afterE, afterM });
    now = next;
  }
  await encode.release();
  await running.release();
  return turns;
}
