// Games of few parameters as dynamical systems: the field that gradient descent follows, its Jacobian by automatic
// differentiation, and the eigenvalues that decide whether an equilibrium attracts. Mescheder, Nowozin, Geiger, "The
// numerics of GANs" (2017); Nagarajan, Kolter, "Gradient descent GAN optimization is locally stable" (2017).
import { gradients } from "../../autodiff/index.ts";
import { type Complex, eigenvalues } from "../../numerics/index.ts";
import { type IntegrateOptions, integrate, type Trajectory } from "../../ode/index.ts";
import { concat, reshape, slice, sum } from "../../ops/index.ts";
import { elementCount, type Tensor, tensorOf } from "../../tensor/index.ts";
import { evaluate, trace, type Value } from "../../trace/index.ts";

/** The two losses of a game, of parameters that are one vector a player. */
export interface SmallGame {
  /** Number of parameters of either player. */
  readonly discriminator: number;
  readonly generator: number;
  /** Both to be minimised, each by its own player; scalars of float64 vectors. */
  readonly losses: (
    discriminator: Value,
    generator: Value,
  ) => { readonly discriminator: Value; readonly generator: Value };
}

/** Velocities [n] of all parameters [n], the discriminator's first, both float64. */
export type Field = (parameters: Value) => Value;

/** Every player goes down the gradient of its own loss: (−∇_ψ L_D, −∇_θ L_G). */
export const gradientField =
  ({ discriminator: d, generator: g, losses }: SmallGame): Field =>
  (parameters) => {
    const psi = slice(parameters, 0, 0, d);
    const theta = slice(parameters, 0, d, d + g);
    const both = losses(psi, theta);
    const [byPsi] = gradients(both.discriminator, [psi]) as [Value];
    const [byTheta] = gradients(both.generator, [theta]) as [Value];
    return concat([byPsi, byTheta], 0).neg();
  };

/**
 * Consensus optimization: both players also go down γ/2·‖v‖², v the field (Mescheder, Nowozin, Geiger 2017,
 * equation 10).
 */
export const consensus =
  (field: Field, gamma: number): Field =>
  (parameters) => {
    const v = field(parameters);
    const [slope] = gradients(sum(v.square()).mul(gamma / 2), [parameters]) as [Value];
    return v.sub(slope);
  };

/** A field with its Jacobian, both at a point. */
export interface Linearization {
  /** [n]. */
  readonly velocity: Float64Array;
  /** [n, n] by rows: velocities by parameters. */
  readonly jacobian: Float64Array;
}

/** Makes a field of n parameters computable; the Jacobian takes n gradients. */
export function compileField(field: Field, n: number): (at: ArrayLike<number>) => Linearization {
  const point = tensorOf(
    Array.from({ length: n }, () => 0),
    [n],
    "float64",
  );
  const program = trace(
    ({ at }) => {
      const velocity = field(at as Value);
      const rows = Array.from({ length: n }, (_, i) => {
        const component = sum(slice(velocity, 0, i, i + 1));
        return reshape(gradients(component, [at as Value])[0] as Value, [1, n]);
      });
      return { velocity, jacobian: concat(rows, 0) };
    },
    { at: point },
  );
  return (at) => {
    const given: Tensor = { dtype: "float64", shape: [n], data: Float64Array.from(at) };
    const { velocity, jacobian } = evaluate(program, { at: given });
    return { velocity: numbersOf(velocity), jacobian: numbersOf(jacobian) };
  };
}

const numbersOf = ({ data, shape }: Tensor): Float64Array =>
  Float64Array.from({ length: elementCount(shape as number[]) }, (_, i) => Number(data[i]));

/** Of the field; negative real parts attract where steps are small. */
export const fieldEigenvalues = ({ jacobian, velocity }: Linearization): Complex[] =>
  eigenvalues(jacobian, velocity.length);

/**
 * The continuous dynamics ẏ = v(y) of a field that `compileField` made, from `start` over `time`: what updates follow as
 * their steps get small.
 */
export const flowOf = (
  field: (at: ArrayLike<number>) => Linearization,
  start: readonly number[],
  time: number,
  options: IntegrateOptions<Float64Array> = {},
): Trajectory<Float64Array> =>
  integrate(
    { f: (_t, y) => field(y as ArrayLike<number>).velocity, interval: [0, time], y0: start },
    options,
  );

/** How the players' updates follow each other. */
export type Turns = "simultaneous" | "alternating";

/**
 * Eigenvalues of one update of step size h at a fixed point of the field: of I + hJ, or of the discriminator's update
 * followed by the generator's. Moduli below 1 attract.
 */
export function updateEigenvalues(
  { jacobian, velocity }: Linearization,
  { discriminator }: Pick<SmallGame, "discriminator">,
  h: number,
  turns: Turns,
): Complex[] {
  const n = velocity.length;
  const stepOf = (moves: (row: number) => boolean): Float64Array =>
    Float64Array.from({ length: n * n }, (_, i) => {
      const [row, column] = [Math.floor(i / n), i % n];
      return (row === column ? 1 : 0) + (moves(row) ? h * (jacobian[i] as number) : 0);
    });
  if (turns === "simultaneous")
    return eigenvalues(
      stepOf(() => true),
      n,
    );
  const first = stepOf((row) => row < discriminator);
  const second = stepOf((row) => row >= discriminator);
  return eigenvalues(product(second, first, n), n);
}

function product(a: Float64Array, b: Float64Array, n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, i) => {
    const [row, column] = [Math.floor(i / n), i % n];
    let total = 0;
    for (let k = 0; k < n; k++) {
      total += (a[row * n + k] as number) * (b[k * n + column] as number);
    }
    return total;
  });
}
