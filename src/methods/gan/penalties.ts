// Terms that keep the discriminator smooth, by name. D is the discriminator's output, x a real and x̃ a fake row.
import { gradients } from "../../autodiff/index.ts";
import { exp, log, mean, relu, sigmoid, sqrt, sum, variance } from "../../ops/index.ts";
import { type Key, uniform, type Value } from "../../trace/index.ts";
import type { Verdict } from "./critic.ts";
import type { Pair } from "./losses.ts";

export interface PenaltyContext {
  /**
   * D of rows [B, ...]: outputs [B] and its last features [B, features]. `pass` names the random numbers that it draws,
   * such as dropout's: each name is for one pass.
   */
  readonly see: (rows: Value, pass: string) => Pick<Verdict, "output" | "features">;
  readonly rows: Pair;
  readonly outputs: Pair;
  readonly key: Key;
  /** p of `div`; 6 by default. */
  readonly power?: number;
  /** M′ of `ct`; 0 by default. */
  readonly margin?: number;
}

export interface Penalty {
  readonly equation: string;
  readonly source: string;
  /** Its weight in the paper. */
  readonly weight: number;
  /** Whether it is about single rows, so that D must not mix the rows of a batch. */
  readonly singleRows: boolean;
  /** Whether it compares two passes with dropout. */
  readonly needsDropout?: boolean;
  /** Without its weight, a mean over the batch. */
  readonly of: (context: PenaltyContext) => Value;
}

/** ‖∇D‖² of every row, [B]. */
export function squaredSlope(output: Value, rows: Value): Value {
  const [slope] = gradients(sum(output), [rows]) as [Value];
  return sum(
    slope.square(),
    rows.shape.slice(1).map((_, i) => i + 1),
  );
}

/** ‖∇D‖ of every row, whose own slope is finite at 0. */
const slopeNorm = (output: Value, rows: Value): Value =>
  sqrt(squaredSlope(output, rows).add(1e-12));

/** One uniform number a row, [B, 1, ...]. */
const perRow = (key: Key, rows: Value): Value =>
  uniform(key, [rows.size(0), ...rows.shape.slice(1).map(() => 1)], rows.dtype);

/** A point on the line between a real and a fake row. */
function between({ rows, key }: PenaltyContext): Value {
  const along = perRow(key.at("along"), rows.real);
  return rows.real.mul(along).add(rows.fake.mul(along.neg().add(1)));
}

/** A point near a real row: half a standard deviation of the batch's elements, times a uniform number each. */
function near({ rows, key }: PenaltyContext): Value {
  const { real } = rows;
  const deviation = sqrt(variance(real)).mul(0.5);
  const moved = real.add(deviation.mul(uniform(key.at("noise"), real.shape, real.dtype)));
  const along = perRow(key.at("along"), real);
  return real.mul(along).add(moved.mul(along.neg().add(1)));
}

/** x^exponent of x ≥ 0, whose own slope is finite at 0. */
const positivePower = (x: Value, exponent: number): Value =>
  exponent === 1 ? x : exp(log(x.add(1e-12)).mul(exponent));

const squaredSlopeAt = ({ see }: PenaltyContext, rows: Value): Value =>
  squaredSlope(see(rows, "penalty").output, rows);

const slopeAt = (context: PenaltyContext, rows: Value): Value =>
  slopeNorm(context.see(rows, "penalty").output, rows);

export const penalties = {
  gp: {
    equation: "E[(‖∇D(u)‖ − 1)²], u uniform between x and x̃",
    source: "Gulrajani et al., Improved training of Wasserstein GANs (2017), equation 3",
    weight: 10,
    singleRows: true,
    of: (context) => mean(slopeAt(context, between(context)).sub(1).square()),
  },
  "one-sided-gp": {
    equation: "E[max(0, ‖∇D(u)‖ − 1)²], u uniform between x and x̃",
    source: "Petzka, Fischer, Lukovnikov, On the regularization of Wasserstein GANs (2018)",
    weight: 10,
    singleRows: true,
    of: (context) => mean(relu(slopeAt(context, between(context)).sub(1)).square()),
  },
  dragan: {
    equation: "E[(‖∇D(u)‖ − 1)²], u between x and x + ½·std(x)·noise",
    source: "Kodali, Abernethy, Hays, Kira, On convergence and stability of GANs (2017)",
    weight: 10,
    singleRows: true,
    of: (context) => mean(slopeAt(context, near(context)).sub(1).square()),
  },
  "one-sided-dragan": {
    equation: "E[max(0, ‖∇D(u)‖ − 1)²], u between x and x + ½·std(x)·noise",
    source: "Kodali, Abernethy, Hays, Kira, On convergence and stability of GANs (2017)",
    weight: 10,
    singleRows: true,
    of: (context) => mean(relu(slopeAt(context, near(context)).sub(1)).square()),
  },
  div: {
    equation: "E[‖∇D(u)‖ᵖ], p = 6, u uniform between x and x̃",
    source: "Wu, Huang, Thoma, Acharya, Van Gool, Wasserstein divergence for GANs (2018)",
    weight: 2,
    singleRows: true,
    of: (context) => {
      const squared = squaredSlopeAt(context, between(context));
      const { power = 6 } = context;
      return mean(power === 6 ? squared.square().mul(squared) : positivePower(squared, power / 2));
    },
  },
  r1: {
    equation: "½E[‖∇D(x)‖²]",
    source:
      "Mescheder, Geiger, Nowozin, Which training methods for GANs do actually converge? (2018), equation 9",
    weight: 10,
    singleRows: true,
    of: ({ outputs, rows }) => mean(squaredSlope(outputs.real, rows.real)).mul(0.5),
  },
  r2: {
    equation: "½E[‖∇D(x̃)‖²]",
    source:
      "Mescheder, Geiger, Nowozin, Which training methods for GANs do actually converge? (2018), equation 10",
    weight: 10,
    singleRows: true,
    of: ({ outputs, rows }) => mean(squaredSlope(outputs.fake, rows.fake)).mul(0.5),
  },
  "js-regularizer": {
    equation: "½(E[(1 − σ(D(x)))²‖∇D(x)‖²] + E[σ(D(x̃))²‖∇D(x̃)‖²])",
    source:
      "Roth, Lucchi, Nowozin, Hofmann, Stabilizing training of GANs through regularization (2017), algorithm 1",
    weight: 2,
    singleRows: true,
    of: ({ outputs, rows }) => {
      const real = sigmoid(outputs.real.neg()).square().mul(squaredSlope(outputs.real, rows.real));
      const fake = sigmoid(outputs.fake).square().mul(squaredSlope(outputs.fake, rows.fake));
      return mean(real).add(mean(fake)).mul(0.5);
    },
  },
  ct: {
    equation:
      "E[max(0, |D(x′) − D(x″)|² + 0.1·mean|φ(x′) − φ(x″)|² − M′)] over two dropout passes, φ the last features, M′ = 0",
    source: "Wei, Gong, Liu, Lu, Wang, Improving the improved training of Wasserstein GANs (2018)",
    weight: 2,
    singleRows: true,
    needsDropout: true,
    of: ({ see, rows, margin = 0 }) => {
      const [first, second] = [see(rows.real, "first"), see(rows.real, "second")];
      const score = first.output.sub(second.output);
      const inner = first.features.sub(second.features);
      return mean(relu(score.square().add(mean(inner.square(), -1).mul(0.1)).sub(margin)));
    },
  },
} as const satisfies Record<string, Penalty>;

export type PenaltyName = keyof typeof penalties;

export const penaltyNames = Object.keys(penalties) as [PenaltyName, ...PenaltyName[]];
