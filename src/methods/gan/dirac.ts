// The Dirac-GAN: Mescheder, Geiger, Nowozin, "Which training methods for GANs do actually converge?" (2018), section 2.
// The data is a point at 0, the generator a point at θ, the discriminator D(x) = ψ·x. The equilibrium is (0, 0).
import { constant, mean, reshape } from "../../ops/index.ts";
import { tensorOf } from "../../tensor/index.ts";
import { Key, type Value } from "../../trace/index.ts";
import { consensus, type Field, gradientField, type SmallGame } from "./dynamics.ts";
import { type LossName, losses, type Pair } from "./losses.ts";
import { type PenaltyName, penalties } from "./penalties.ts";

export interface DiracOptions {
  readonly loss?: LossName;
  readonly penalty?: PenaltyName;
  /** Of the penalty; that of its paper by default. */
  readonly weight?: number;
  /** Standard deviation of normal noise on real and generated points, whose mean is taken exactly. */
  readonly noise?: number;
  /** Weight γ of consensus optimization. */
  readonly consensus?: number;
}

/** Nodes and weights of E[f(ε)], ε ~ N(0, 1), exact for polynomials of degree 9 (Gauss-Hermite, 5 nodes). */
const nodes = [-2.8569700138728056, -1.355626179974266, 0, 1.355626179974266, 2.8569700138728056];
const shares = [
  ...[0.011257411327720691, 0.22207592200561266, 0.5333333333333333],
  ...[0.22207592200561266, 0.011257411327720691],
];

/** The game of parameters ψ (first) and θ. */
export function diracGame({
  loss = "saturating",
  penalty,
  weight,
  noise = 0,
}: DiracOptions): SmallGame {
  const at = (center: Value, shift: number): Value => reshape(center.add(shift), [1, 1]);
  return {
    discriminator: 1,
    generator: 1,
    losses: (psi, theta) => {
      const output = (rows: Value): Value => reshape(rows.mul(psi), [-1]);
      const zero = constant(tensorOf([0], [1], "float64"));
      const play = (shift: number): { d: Value; g: Value } => {
        const rows: Pair = { real: at(zero, shift), fake: at(theta, shift) };
        const outputs: Pair = { real: output(rows.real), fake: output(rows.fake) };
        const { discriminator, generator } = losses[loss];
        let d = discriminator(outputs, rows);
        if (penalty !== undefined) {
          const see = (at: Value) => ({ output: output(at), features: output(at) });
          const context = { rows, outputs, see, key: new Key("dirac") };
          d = d.add(penalties[penalty].of(context).mul(weight ?? penalties[penalty].weight));
        }
        return { d, g: generator(outputs) };
      };
      const games = noise === 0 ? [play(0)] : nodes.map((node) => play(node * noise));
      const mixed = (part: "d" | "g"): Value =>
        games
          .map((game, i) => (noise === 0 ? game[part] : game[part].mul(shares[i] as number)))
          .reduce((a, b) => a.add(b));
      return { discriminator: mean(mixed("d")), generator: mean(mixed("g")) };
    },
  };
}

/** Velocities of (ψ, θ). */
export function diracField(options: DiracOptions): Field {
  const field = gradientField(diracGame(options));
  return options.consensus === undefined ? field : consensus(field, options.consensus);
}
