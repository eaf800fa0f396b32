import { clip, full, log } from "../ops/index.ts";
import type { DType } from "../tensor/index.ts";
import {
  type Key,
  normal as normalNumbers,
  uniform as uniformNumbers,
  type Value,
} from "../trace/index.ts";

/** How many numbers meet in one output of a layer (`fanIn`), and how many outputs one input reaches. */
export interface Fans {
  readonly fanIn: number;
  readonly fanOut: number;
}

/** Makes the first value of a parameter from one draw of the key at most; in float32 by default. */
export type Initializer = (key: Key, shape: readonly number[], fans: Fans, dtype?: DType) => Value;

export { orthogonal } from "./orthogonal.ts";

/** The same initializer in float64: `{ initializer: float64(heNormal), biasInitializer: float64(zeros) }`. */
export const float64 =
  (initializer: Initializer): Initializer =>
  (key, shape, fans) =>
    initializer(key, shape, fans, "float64");

/** Every element the same number. */
export const constant =
  (value: number): Initializer =>
  (_key, shape, _fans, dtype) =>
    full(shape, value, dtype);

export const zeros: Initializer = constant(0);

export const ones: Initializer = constant(1);

/** Uniform on (−bound, bound). */
export const uniform =
  (bound: number): Initializer =>
  (key, shape, _fans, dtype) =>
    uniformNumbers(key, shape, dtype)
      .mul(2 * bound)
      .sub(bound);

/** Normal with mean 0 and standard deviation `std`. */
export const normal =
  (std: number): Initializer =>
  (key, shape, _fans, dtype) =>
    normalNumbers(key, shape, dtype).mul(std);

/** Φ(2) − Φ(−2) = erf(√2): the mass of a standard normal within two deviations. */
const massWithinTwo = 0.9544997361036416;

/** Giles 2011, central branch: erf⁻¹(x) = x·p(w − 2.5), w = −log(1 − x²) < 5; highest power first. */
const inverseErrorFunction = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 2.1858087e-4, -1.25372503e-3,
  -4.17768164e-3, 0.246640727, 1.50140941,
];

/**
 * Normal with standard deviation `std` before it is cut off at ±2·std; 0.88·std after. By the
 * inverse of the distribution function: Giles, "Approximating the erfinv function" (GPU Computing
 * Gems, Jade edition, 2011), whose central branch covers this range to float32.
 */
export const truncatedNormal =
  (std: number): Initializer =>
  (key, shape, _fans, dtype) => {
    const x = uniformNumbers(key, shape, dtype)
      .mul(2 * massWithinTwo)
      .sub(massWithinTwo);
    const w = log(x.square().neg().add(1)).neg().sub(2.5);
    const [first, ...rest] = inverseErrorFunction as [number, ...number[]];
    const [second, ...others] = rest as [number, ...number[]];
    const p = others.reduce((sum, c) => sum.mul(w).add(c), w.mul(first).add(second));
    // Rounding in the polynomial must not leave the range.
    return clip(x.mul(p).mul(Math.SQRT2), -2, 2).mul(std);
  };

/** Variance 1/fanIn, uniform (LeCun, Bottou, Orr, Müller, "Efficient BackProp", 1998, eq. 16). */
export const leCunUniform: Initializer = (key, shape, fans, dtype) =>
  uniform(Math.sqrt(3 / fans.fanIn))(key, shape, fans, dtype);

/** Variance 1/fanIn, normal (LeCun, Bottou, Orr, Müller, "Efficient BackProp", 1998, eq. 16). */
export const leCunNormal: Initializer = (key, shape, fans, dtype) =>
  normal(Math.sqrt(1 / fans.fanIn))(key, shape, fans, dtype);

/** Uniform with variance 2/(fanIn + fanOut) (Glorot & Bengio 2010, eq. 16), for tanh and linear layers. */
export const glorotUniform: Initializer = (key, shape, fans, dtype) =>
  uniform(Math.sqrt(6 / (fans.fanIn + fans.fanOut)))(key, shape, fans, dtype);

/** Normal with variance 2/(fanIn + fanOut) (Glorot & Bengio 2010, eq. 12). */
export const glorotNormal: Initializer = (key, shape, fans, dtype) =>
  normal(Math.sqrt(2 / (fans.fanIn + fans.fanOut)))(key, shape, fans, dtype);

/** Uniform with variance 2/fanIn (He, Zhang, Ren, Sun 2015, eq. 10), for layers before a relu. */
export const heUniform: Initializer = (key, shape, fans, dtype) =>
  uniform(Math.sqrt(6 / fans.fanIn))(key, shape, fans, dtype);

/** Normal with variance 2/fanIn (He, Zhang, Ren, Sun 2015, eq. 10), for layers before a relu. */
export const heNormal: Initializer = (key, shape, fans, dtype) =>
  normal(Math.sqrt(2 / fans.fanIn))(key, shape, fans, dtype);

/**
 * PyTorch's own for the weights and biases of linear layers and convolutions, uniform on ±1/√fanIn: the
 * default here too, so that trainings compare.
 */
export const torchUniform: Initializer = (key, shape, fans, dtype) =>
  uniform(1 / Math.sqrt(fans.fanIn))(key, shape, fans, dtype);
