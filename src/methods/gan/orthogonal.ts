import { matmul, reshape, sum } from "../../ops/index.ts";
import { leafMap, type Tree } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";

/** Rows by class are no weights of a layer: scales that all begin at 1 would be torn apart. */
const tables = /(^|\.)(scales|offsets|embedding)$/;

/**
 * Σ ‖WᵀW ⊙ (1 − I)‖²_F over the weights of two axes and more, as matrices of one column an output: the filters of a
 * layer are to be orthogonal, of any length (Brock, Donahue, Simonyan, "Large scale GAN training for high fidelity
 * natural image synthesis", 2019, equation 4).
 */
export function modifiedOrthogonal(params: Tree<Value>): Value | undefined {
  const terms = [...leafMap(params)]
    .filter(([path, { rank }]) => rank >= 2 && !tables.test(path))
    .map(([, weight]) => {
      // Matrices are [inputs, outputs]; convolutions [outputs, inputs, kh, kw].
      const rows = weight.rank === 2 ? weight : reshape(weight, [weight.size(0), -1]);
      const products =
        weight.rank === 2
          ? matmul(rows, rows, { transposeA: true })
          : matmul(rows, rows, { transposeB: true });
      const all = sum(products.square());
      const lengths = sum(rows.square(), weight.rank === 2 ? 0 : 1);
      return all.sub(sum(lengths.square()));
    });
  return terms.reduce<Value | undefined>((total, term) => total?.add(term) ?? term, undefined);
}
