// Objectives of the two players, as functions of the discriminator's outputs r on real and f on fake rows, both [B].
// Each is a mean over the batch, to be minimised.
import { divergences, type FDivergence, hinge } from "../../divergences/index.ts";
import { abs, maximum, mean, softplus } from "../../ops/index.ts";
import type { Value } from "../../trace/index.ts";

/** Outputs on real and fake rows [B], and the rows themselves [B, ...]. */
export interface Pair {
  readonly real: Value;
  readonly fake: Value;
}

export interface AdversarialLoss {
  readonly equation: string;
  readonly source: string;
  /** `scale` is λ of the quadratic potential, 10 by default. */
  readonly discriminator: (outputs: Pair, rows: Pair, scale?: number) => Value;
  readonly generator: (outputs: Pair) => Value;
  /** Whether the generator's loss looks at real rows too. */
  readonly pairs: boolean;
}

/** −log σ(r) − log(1 − σ(f)). */
const classify = ({ real, fake }: Pair): Value =>
  mean(softplus(real.neg())).add(mean(softplus(fake)));

const difference = ({ real, fake }: Pair): Value => mean(fake).sub(mean(real));

const raise = ({ fake }: Pair): Value => mean(fake).neg();

/** Outputs less the mean output on the other kind of rows. */
const relative = ({ real, fake }: Pair): Pair => ({
  real: real.sub(mean(fake)),
  fake: fake.sub(mean(real)),
});

const own = {
  saturating: {
    equation: "D: −E[log σ(r)] − E[log(1 − σ(f))]; G: E[log(1 − σ(f))]",
    source: "Goodfellow et al., Generative adversarial nets (2014), equation 1",
    discriminator: classify,
    generator: ({ fake }) => mean(softplus(fake)).neg(),
    pairs: false,
  },
  "non-saturating": {
    equation: "D: −E[log σ(r)] − E[log(1 − σ(f))]; G: −E[log σ(f)]",
    source: "Goodfellow et al., Generative adversarial nets (2014), section 3",
    discriminator: classify,
    generator: ({ fake }) => mean(softplus(fake.neg())),
    pairs: false,
  },
  "least-squares": {
    equation: "D: ½E[(r − 1)²] + ½E[f²]; G: ½E[(f − 1)²]",
    source: "Mao et al., Least squares generative adversarial networks (2017), equation 9",
    discriminator: ({ real, fake }) => mean(real.sub(1).square()).add(mean(fake.square())).mul(0.5),
    generator: ({ fake }) => mean(fake.sub(1).square()).mul(0.5),
    pairs: false,
  },
  hinge: {
    equation: "D: E[max(0, 1 − r)] + E[max(0, 1 + f)]; G: −E[f]",
    source: "Lim, Ye, Geometric GAN (2017); Miyato et al. (2018), equations 16, 17",
    discriminator: hinge.critic,
    generator: hinge.generator,
    pairs: false,
  },
  wasserstein: {
    equation: "D: E[f] − E[r]; G: −E[f]",
    source: "Arjovsky, Chintala, Bottou, Wasserstein GAN (2017), equation 2",
    discriminator: difference,
    generator: raise,
    pairs: false,
  },
  "relativistic-average": {
    equation: "D: −E[log σ(r − E f)] − E[log(1 − σ(f − E r))]; G: the same with r and f exchanged",
    source: "Jolicoeur-Martineau, The relativistic discriminator (2018), RaSGAN",
    discriminator: (outputs) => classify(relative(outputs)),
    generator: (outputs) => {
      const { real, fake } = relative(outputs);
      return classify({ real: fake, fake: real });
    },
    pairs: true,
  },
  "quadratic-potential": {
    equation:
      "Δ = r − f of a pair (x, x̃); D: E[−Δ + Δ²/(2λ·d(x, x̃))], d the mean absolute difference, λ = 10; G: E[Δ]",
    source:
      "Su, GAN-QP: a novel GAN framework without gradient vanishing and Lipschitz constraint (2018)",
    discriminator: ({ real, fake }, rows, scale = 10) => {
      const delta = real.sub(fake);
      const axes = rows.real.shape.slice(1).map((_, i) => i + 1);
      // Two equal rows would divide by 0: their Δ is 0 as well.
      const distance = maximum(mean(abs(rows.real.sub(rows.fake)), axes), 1e-6);
      return mean(
        delta
          .square()
          .div(distance.mul(2 * scale))
          .sub(delta),
      );
    },
    generator: ({ real, fake }) => mean(real).sub(mean(fake)),
    pairs: true,
  },
} as const satisfies Record<string, AdversarialLoss>;

/** The variational bound of an f-divergence, and the generator's step of f-GAN's section 3.2. */
const ofDivergence = (divergence: FDivergence): AdversarialLoss => ({
  equation: `D: −E[g(r)] + E[f*(g(f))]; G: −E[g(f)], of ${divergence.definition}`,
  source: "Nowozin, Cseke, Tomioka, f-GAN (2016), sections 2.2 and 3.2",
  discriminator: ({ real, fake }) =>
    mean(divergence.penalty(fake)).sub(mean(divergence.activation(real))),
  generator: ({ fake }) => mean(divergence.activation(fake)).neg(),
  pairs: false,
});

export type LossName = keyof typeof own | keyof typeof divergences;

/** Every objective by name: those of papers of their own, and one for every f-divergence. */
export const losses: Readonly<Record<LossName, AdversarialLoss>> = {
  ...(Object.fromEntries(
    Object.entries(divergences).map(([name, divergence]) => [name, ofDivergence(divergence)]),
  ) as Record<keyof typeof divergences, AdversarialLoss>),
  ...own,
};

export const lossNames = Object.keys(losses) as [LossName, ...LossName[]];
