import { ReparamError } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { klBernoulli } from "./bernoulli.ts";
import { klCategorical } from "./categorical.ts";
import type { Distribution } from "./distribution.ts";
import { isIndependent, sumLast } from "./independent.ts";
import { klNormal } from "./normal.ts";
import { klOneHotCategorical } from "./one-hot-categorical.ts";

type Pair = readonly [string, (p: Distribution, q: Distribution) => Value];

/** An entry of the table; the names are checked against the types of the formula's arguments. */
const closedForm = <P extends Distribution, Q extends Distribution>(
  p: P["name"],
  q: Q["name"],
  formula: (p: P, q: Q) => Value,
): Pair => [`${p} ‖ ${q}`, formula as unknown as Pair[1]];

/** Pairs with a divergence in closed form. A new family adds its lines here. */
const closedForms = new Map<string, Pair[1]>([
  closedForm("Normal", "Normal", klNormal),
  closedForm("Bernoulli", "Bernoulli", klBernoulli),
  closedForm("Categorical", "Categorical", klCategorical),
  closedForm("OneHotCategorical", "OneHotCategorical", klOneHotCategorical),
]);

/**
 * The Kullback-Leibler divergence KL(p ‖ q) = E_p[log p − log q] in nats, [...batchShape] (the two batches
 * broadcast). Independent distributions add up the divergences of their parts.
 * @throws ReparamError naming both, where the pair has no closed form.
 */
export function kl(p: Distribution, q: Distribution): Value {
  if (isIndependent(p) && isIndependent(q)) {
    if (p.axes !== q.axes) {
      throw new ReparamError(
        `kl: events of ${p.name} have ${p.axes} independent axes, those of ${q.name} ${q.axes}. Use the same number.`,
      );
    }
    return sumLast(kl(p.base, q.base), p.axes);
  }
  const formula = closedForms.get(`${p.name} ‖ ${q.name}`);
  if (formula !== undefined) return formula(p, q);
  const halfWrapped = closedForms.has(`${baseName(p)} ‖ ${baseName(q)}`);
  const remedy = halfWrapped
    ? "Wrap both in Independent with the same number of axes."
    : "Average p.logProb(x) − q.logProb(x) over samples x of p.";
  throw new ReparamError(`kl: ${p.name} from ${q.name} has no closed form. ${remedy}`);
}

const baseName = (p: Distribution): string => (isIndependent(p) ? p.base.name : p.name);
