// The matrix exponential, and the functions φ_k of exponential integrators.
import { ReparamError } from "../tensor/index.ts";
import { allFinite, identity, linearCombination, multiply, norm1 } from "./dense.ts";
import { luFactor, luSolve } from "./lu.ts";

/** Numerator coefficients of the [m/m] Padé approximant to eᶻ: Higham 2005, section 2. */
const pade: Readonly<Record<number, readonly number[]>> = {
  3: [120, 60, 12, 1],
  5: [30240, 15120, 3360, 420, 30, 1],
  7: [17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1],
  9: [17643225600, 8821612800, 2075673600, 302702400, 30270240, 2162160, 110880, 3960, 90, 1],
  13: [
    64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000,
    10559470521600, 670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
  ],
};
/** Largest 1-norm at which degree m has a backward error below rounding: Higham 2005, table 2.3. */
const thresholds: readonly (readonly [degree: number, norm: number])[] = [
  [3, 1.495585217958292e-2],
  [5, 2.53939833006323e-1],
  [7, 9.504178996162932e-1],
  [9, 2.097847961257068],
];
const theta13 = 5.371920351148152;

/**
 * e^A of a square matrix [n, n], by scaling and squaring: Higham, "The scaling and squaring method for the
 * matrix exponential revisited", SIAM J. Matrix Anal. Appl. 26 (2005), algorithm 2.3.
 */
export function matrixExponential(matrix: Float64Array, n: number): Float64Array {
  if (!allFinite(matrix)) {
    throw new ReparamError("matrixExponential: the matrix has an entry that is not finite.");
  }
  const norm = norm1(matrix, n);
  for (const [degree, bound] of thresholds) {
    if (norm <= bound) return padeApproximant(matrix, n, degree);
  }
  const squarings = Math.max(0, Math.ceil(Math.log2(norm / theta13)));
  let result = padeApproximant(linearCombination([2 ** -squarings], [matrix]), n, 13);
  for (let i = 0; i < squarings; i++) result = multiply(result, result, n, n, n);
  return result;
}

/** q(A)⁻¹·p(A), where p = even + odd and q = even − odd. */
function padeApproximant(a: Float64Array, n: number, degree: number): Float64Array {
  const b = pade[degree]!;
  const a2 = multiply(a, a, n, n, n);
  const powers = [identity(n), a2];
  const highest = degree === 13 ? 3 : (degree - 1) / 2;
  for (let k = 2; k <= highest; k++) powers.push(multiply(powers[k - 1]!, a2, n, n, n));
  const even = (offset: number) =>
    linearCombination(
      powers.map((_, k) => b[2 * k + offset]!),
      powers,
    );
  let u = even(1);
  let v = even(0);
  if (degree === 13) {
    // Powers 8 to 12 are those of 2 to 6 times A⁶.
    const upper = (offset: number) =>
      linearCombination([b[8 + offset]!, b[10 + offset]!, b[12 + offset]!], powers.slice(1));
    const a6 = powers[3]!;
    u = linearCombination([1, 1], [u, multiply(a6, upper(1), n, n, n)]);
    v = linearCombination([1, 1], [v, multiply(a6, upper(0), n, n, n)]);
  }
  u = multiply(a, u, n, n, n);
  const denominator = luFactor(linearCombination([1, -1], [v, u]), n);
  return luSolve(denominator, linearCombination([1, 1], [v, u]), n);
}

/**
 * φ_0(A) … φ_order(A) of a square matrix [n, n], where φ_0(z) = eᶻ and
 * φ_{k+1}(z) = (φ_k(z) − 1/k!)/z: the first rows of blocks of e^M with M the block matrix that has A in
 * its corner and identities above its diagonal (Al-Mohy & Higham 2011, theorem 2.1).
 */
export function phiFunctions(matrix: Float64Array, n: number, order: number): Float64Array[] {
  const size = n * (order + 1);
  const block = new Float64Array(size * size);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) block[i * size + j] = matrix[i * n + j]!;
  }
  for (let i = 0; i < n * order; i++) block[i * size + i + n] = 1;
  const exponential = matrixExponential(block, size);
  return Array.from({ length: order + 1 }, (_, k) => {
    const phi = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) phi[i * n + j] = exponential[i * size + k * n + j]!;
    }
    return phi;
  });
}
