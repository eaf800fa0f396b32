// The last solution of ẋ = A x from n − 1 known ones X. With a complement F, w = exp ∫tr A and x = X c + F z:
//
//   F a unit vector e:   z = w/det[X e],   [X e]·(ċ; ż) = A e z            (d'Alembert)
//   F = N, N·x = det[X x]:   z = w/N·N,   ċ = (XᵀX)⁻¹Xᵀ(A + Aᵀ)N z    (Su Jianlin)
//
// Both are quadratures, since det[X x] = w by Liouville. Which of them is elementary differs from F to F.
import { hasIntegral } from "./expression.ts";
import { compileExpression } from "./expression-evaluate.ts";
import { toExpression } from "./expression-form.ts";
import {
  addNormals,
  isZeroNormal,
  multiplyNormals,
  type Normal,
  oneNormal,
  powerNormal,
  scaleNormal,
  settled,
  zeroNormal,
} from "./expression-normal.ts";
import { contentOf } from "./expression-polynomial.ts";
import { toText } from "./expression-print.ts";
import { invertRational, one, rational } from "./expression-rational.ts";
import { integrateNormal, type SymbolicDomain, samplesOf } from "./symbolic-integral.ts";
import {
  adjugate,
  applied,
  crossProduct,
  determinant,
  dot,
  fromColumns,
  transposed,
} from "./symbolic-matrix.ts";
import type { NormalSystem } from "./symbolic-system.ts";

/** exp ∫tr A: the determinant of every fundamental matrix, up to a constant (Liouville, Abel). */
export async function liouville({ A, domain }: NormalSystem): Promise<Normal> {
  const trace = addNormals(...A.map((row, i) => row[i]!));
  const exponent = await integrateNormal(trace, domain);
  return settled({ p: [one], q: [one] }, exponent, [], domain.variable);
}

interface Complement {
  readonly F: readonly Normal[];
  /** The component that F is a unit vector of; none for the normal. */
  readonly axis?: number;
}

/** The n-th solution, from the first n − 1. */
export async function lastSolution(
  system: NormalSystem,
  known: readonly (readonly Normal[])[],
  w: Normal,
): Promise<Normal[]> {
  const { domain, A } = system;
  const n = A.length;
  const unit = (axis: number) => A.map((_, i) => (i === axis ? oneNormal : zeroNormal));
  const axes = Array.from({ length: n }, (_, i) => n - 1 - i);
  const complements: Complement[] = [
    ...axes.map((axis) => ({ F: unit(axis), axis })),
    ...(n > 1 ? [{ F: crossProduct(known, domain.variable) }] : []),
  ];
  const found: { readonly x: Normal[]; readonly regular: boolean }[] = [];
  for (const library of [false, true]) {
    for (const complement of complements) {
      const reduced = reduction(system, known, w, complement);
      if (reduced === undefined) continue;
      const { slopes, z, regular } = reduced;
      const c: Normal[] = [];
      for (const slope of slopes) {
        c.push(await integrateNormal(slope, domain, { library }));
        if (!library && isOpen(c.at(-1)!, domain)) break;
      }
      if (c.length < slopes.length) continue;
      const x = combined(known, complement.F, c, z, domain.variable);
      if (!x.some((e) => isOpen(e, domain))) return tidied(x);
      found.push({ x, regular });
    }
  }
  // Integrals are left: where the complement never meets the known solutions, they have no singularities.
  found.sort(
    (a, b) => Number(b.regular) - Number(a.regular) || sizeOf(a.x, domain) - sizeOf(b.x, domain),
  );
  return tidied(found[0]!.x);
}

const isOpen = (e: Normal, { variable }: SymbolicDomain): boolean =>
  hasIntegral(toExpression(e, variable));

const sizeOf = (x: readonly Normal[], { variable }: SymbolicDomain): number =>
  x.reduce((sum, e) => sum + toText(toExpression(e, variable)).length, 0);

/** ċ and z for one complement; undefined where it lies in the span of X everywhere. */
function reduction(
  { A, domain }: NormalSystem,
  X: readonly (readonly Normal[])[],
  w: Normal,
  { F, axis }: Complement,
) {
  const { variable } = domain;
  const joined = fromColumns([...X, F]);
  const volume = axis === undefined ? dot(F, F, variable) : determinant(joined, variable);
  if (isZeroNormal(volume, variable)) return undefined;
  const inverse = powerNormal(volume, rational(-1), variable);
  const z = multiplyNormals(w, inverse, variable);
  const scale = multiplyNormals(z, inverse, variable);
  const times = (x: readonly Normal[]) => x.map((e) => multiplyNormals(e, scale, variable));
  const value = compileExpression(toExpression(volume, variable), variable);
  const signs = new Set(samplesOf(domain.interval, 200).map((t) => Math.sign(value(t))));
  const regular = signs.size === 1 && !signs.has(0);
  if (axis !== undefined) {
    const right = applied(A, F, variable);
    const all = applied(adjugate(joined, variable), right, variable);
    return { slopes: times(all.slice(0, -1)), z, regular };
  }
  const right = A.map((row, i) =>
    addNormals(
      dot(row, F, variable),
      dot(
        A.map((other) => other[i]!),
        F,
        variable,
      ),
    ),
  );
  const Xt = X.map((column) => [...column]);
  const gram = Xt.map((x) => Xt.map((y) => dot(x, y, variable)));
  const along = Xt.map((x) => dot(x, right, variable));
  // (XᵀX)⁻¹ = adj(XᵀX)/N·N, since both are sums of the squares of the same minors.
  return { slopes: times(applied(adjugate(gram, variable), along, variable)), z, regular };
}

/** X c + F z */
function combined(
  X: readonly (readonly Normal[])[],
  F: readonly Normal[],
  c: readonly Normal[],
  z: Normal,
  variable: string,
): Normal[] {
  return F.map((f, i) =>
    addNormals(
      multiplyNormals(f, z, variable),
      ...X.map((x, j) => multiplyNormals(x[i]!, c[j]!, variable)),
    ),
  );
}

/** A multiple without a common number in the first component that is not 0. */
export function tidied(x: readonly Normal[]): Normal[] {
  const first = x.find((e) => e.size > 0)!;
  const { p } = [...first.values()][0]!.coefficient;
  const size = contentOf(p);
  const scale = invertRational(
    p.at(-1)!.n < 0n && first.size === 1 ? rational(-size.n, size.d) : size,
  );
  return x.map((e) => scaleNormal(e, scale));
}

/** A solution of ẋ = A x + b by variation of constants: Ψ ∫Ψ⁻¹b. */
export async function particularSolution(
  { b, domain }: NormalSystem,
  columns: readonly (readonly Normal[])[],
): Promise<Normal[]> {
  const { variable } = domain;
  const Psi = fromColumns(columns);
  const inverse = powerNormal(determinant(Psi, variable), rational(-1), variable);
  const slopes = applied(adjugate(Psi, variable), b, variable);
  const c: Normal[] = [];
  for (const slope of slopes) {
    c.push(await integrateNormal(multiplyNormals(slope, inverse, variable), domain));
  }
  return applied(transposed(columns), c, variable);
}
