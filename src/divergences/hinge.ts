import { mean, relu } from "../ops/index.ts";
import type { Value } from "../trace/index.ts";

/**
 * The hinge game between a critic T and what makes its second argument: Lim, Ye, "Geometric GAN" (2017); Miyato et al.
 * (2018), equations 16 and 17. The critic minimises E_P[max(0, 1 − T)] + E_Q[max(0, 1 + T)], whose least value is
 * 2 − 2·TV(P, Q), at T = sign(p − q); the other player minimises −E_Q[T]. Means are over all elements of the critic's
 * outputs on rows of P (`real`) and of Q (`fake`).
 */
export const hinge = {
  critic: ({ real, fake }: { readonly real: Value; readonly fake: Value }): Value =>
    mean(relu(real.neg().add(1))).add(mean(relu(fake.add(1)))),
  generator: ({ fake }: { readonly fake: Value }): Value => mean(fake).neg(),
} as const;
