import { addSize, type Shape, ShapeError, type Size, sizeOf } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";
import { matmul } from "./linalg.ts";
import { expandDims, reshape, transpose } from "./movement.ts";
import { sum } from "./reduce.ts";
import { pad, slice } from "./slicing.ts";

/** A tensor with a name for every axis: a letter, or "…0", "…1" for those of an ellipsis from its end. */
interface Labelled {
  readonly value: Value;
  readonly labels: readonly string[];
}

const fail = (problem: string): never => {
  throw new ShapeError("einsum", problem);
};

/** Letters of one operand's part of an equation; the ellipsis stands for the axes that are left over. */
function labelsOf(part: string, rank: number, equation: string): string[] {
  const [before = "", after, ...more] = part.split("...");
  const letters = before + (after ?? "");
  if (more.length > 0 || !/^[A-Za-z]*$/.test(letters)) {
    fail(`"${part}" in "${equation}" may hold letters and one "..." only.`);
  }
  const rest = rank - letters.length;
  if (rest < 0 || (after === undefined && rest > 0)) {
    fail(`"${part}" in "${equation}" names ${letters.length} axes of a tensor with ${rank}.`);
  }
  const hidden = Array.from({ length: rest }, (_, i) => `…${rest - 1 - i}`);
  return [...before, ...hidden, ...(after ?? "")];
}

const byEnd = (a: string, b: string): number => Number(b.slice(1)) - Number(a.slice(1));

/** Axes of the result: as written, or those met once in alphabetical order after the ellipsis's. */
function outputLabels(
  written: string | undefined,
  inputs: readonly string[],
  equation: string,
): readonly string[] {
  const hidden = [...new Set(inputs.filter((a) => a.startsWith("…")))].sort(byEnd);
  if (written === undefined) {
    const once = inputs.filter((a) => !a.startsWith("…")).filter((a) => count(inputs, a) === 1);
    return [...hidden, ...once.sort()];
  }
  const letters = written.replace("...", "").length;
  const rank = letters + (written.includes("...") ? hidden.length : 0);
  const labels = labelsOf(written, rank, equation);
  for (const label of labels) {
    if (!inputs.includes(label)) fail(`output axis "${label}" of "${equation}" is in no operand.`);
    if (count(labels, label) > 1) fail(`output axis "${label}" of "${equation}" repeats.`);
  }
  return labels;
}

const count = (labels: readonly string[], label: string): number =>
  labels.filter((a) => a === label).length;

/** Sizes by label. Axes of an ellipsis broadcast from 1. */
function sizesOf(operands: readonly Labelled[], equation: string): Map<string, Size> {
  const sizes = new Map<string, Size>();
  for (const { value, labels } of operands) {
    for (const [i, label] of labels.entries()) {
      const size = value.shape[i] as Size;
      const known = sizes.get(label);
      const stretches = label.startsWith("…") && (size === 1 || known === 1);
      if (known !== undefined && known !== size && !stretches) {
        fail(`axis "${label}" of "${equation}" is ${known} and ${size}. Sizes must agree.`);
      }
      if (known === undefined || known === 1) sizes.set(label, size);
    }
  }
  return sizes;
}

/** Takes the diagonal of two axes of one name, which goes to the end; symbolic sizes included. */
function diagonal({ value, labels }: Labelled): Labelled {
  const twice = labels.find((a) => count(labels, a) > 1);
  if (twice === undefined) return { value, labels };
  const [first, second] = [labels.indexOf(twice), labels.lastIndexOf(twice)];
  const others = labels.flatMap((_, i) => (i === first || i === second ? [] : [i]));
  const size = value.shape[first] as Size;
  const lead = others.map((i) => value.shape[i] as Size);
  const flat = reshape(transpose(value, [...others, first, second]), [
    ...lead,
    sizeOf([size, size]),
  ]);
  // With `size` more elements the rows are one longer, and the diagonal is their first column.
  const padded = pad(flat, { [lead.length]: [0, size] });
  const rows = reshape(padded, [...lead, size, addSize(size, 1)]);
  const column = reshape(slice(rows, lead.length + 1, 0, 1), [...lead, size]);
  const kept = others.map((i) => labels[i] as string);
  return diagonal({ value: column, labels: [...kept, twice] });
}

/** Without the axes that broadcast, and summed over those that nothing else needs. */
function narrowed(
  { value, labels }: Labelled,
  needed: ReadonlySet<string>,
  sizes: ReadonlyMap<string, Size>,
): Labelled {
  const thin = labels.filter((a, i) => value.shape[i] === 1 && sizes.get(a) !== 1);
  const axes = labels.flatMap((a, i) => (needed.has(a) || thin.includes(a) ? [] : [i]));
  const summed = axes.length > 0 ? sum(value, axes) : value;
  const left = labels.filter((_, i) => !axes.includes(i));
  const kept = left.filter((a) => !thin.includes(a));
  const shape = summed.shape.filter((_, i) => kept.includes(left[i] as string));
  return { value: thin.length > 0 ? reshape(summed, shape) : summed, labels: kept };
}

const ordered = ({ value, labels }: Labelled, order: readonly string[]): Value =>
  transpose(
    value,
    order.map((a) => labels.indexOf(a)),
  );

const agree = (a: readonly string[], b: readonly string[]): boolean => a.join() === b.join();

/** Groups of axes of a pair: in both and kept, in both and summed, in one only. */
interface Groups {
  readonly batch: readonly string[];
  readonly inner: readonly string[];
}

/** Stack of matrices [batch, free, inner], or [batch, inner, free] where that needs no transpose. */
function matrices(
  x: Labelled,
  { batch, inner }: Groups,
  free: readonly string[],
  sizes: ReadonlyMap<string, Size>,
): { readonly stack: Value; readonly turned: boolean } {
  const turned = agree(x.labels, [...batch, ...inner, ...free]);
  const groups = turned ? [inner, free] : [free, inner];
  const lead = batch.map((a) => sizes.get(a) as Size);
  const last = groups.map((group) => sizeOf(group.map((a) => sizes.get(a) as Size)));
  const value = ordered(x, [...batch, ...groups.flat()]);
  return { stack: reshape(value, [...lead, ...last]), turned };
}

/** Product of two tensors, summed over the axes that only these two have. */
function contract(
  a: Labelled,
  b: Labelled,
  needed: ReadonlySet<string>,
  sizes: ReadonlyMap<string, Size>,
): Labelled {
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => needed.has(label));
  const inner = shared.filter((label) => !needed.has(label));
  const rows = a.labels.filter((label) => !shared.includes(label));
  const columns = b.labels.filter((label) => !shared.includes(label));
  const labels = [...batch, ...rows, ...columns];
  const shape: Shape = labels.map((label) => sizes.get(label) as Size);
  if (inner.length > 0 && rows.length + columns.length > 0) {
    const left = matrices(a, { batch, inner }, rows, sizes);
    const right = matrices(b, { batch, inner }, columns, sizes);
    const product = matmul(left.stack, right.stack, {
      transposeA: left.turned,
      transposeB: !right.turned,
    });
    return { value: reshape(product, shape), labels };
  }
  // No sum, or nothing but one: the runtime's product of matrices has no use for a size of 1.
  const spread = (x: Labelled, all: readonly string[]): Value => {
    const own = ordered(
      x,
      all.filter((label) => x.labels.includes(label)),
    );
    return all.reduce((v, label, i) => (x.labels.includes(label) ? v : expandDims(v, i)), own);
  };
  const all = [...labels, ...inner];
  const product = spread(a, all).mul(spread(b, all));
  if (inner.length === 0) return { value: product, labels };
  return {
    value: sum(
      product,
      inner.map((_, i) => labels.length + i),
    ),
    labels,
  };
}

/**
 * Sums of products by Einstein's notation, for example "bqd,bkd->bqk". Every operand has a letter for each
 * axis; letters that the result lacks are summed over, a letter twice in one operand takes the diagonal, and
 * "..." stands for any leading axes, which broadcast. Without "->" the result has the letters that occur
 * once, in alphabetical order. Operands are multiplied from left to right, so their order is the cost.
 * @throws ShapeError where the equation does not fit the operands.
 */
export function einsum(equation: string, ...operands: readonly Value[]): Value {
  const [left = "", right, ...more] = equation.replaceAll(/\s/g, "").split("->");
  const parts = left.split(",");
  if (more.length > 0) fail(`"${equation}" has more than one "->".`);
  if (parts.length !== operands.length || operands.length === 0) {
    fail(`"${equation}" is for ${parts.length} operands, got ${operands.length}.`);
  }
  const named = parts.map((part, i): Labelled => {
    const value = operands[i] as Value;
    return { value, labels: labelsOf(part, value.rank, equation) };
  });
  const output = outputLabels(
    right,
    named.flatMap(({ labels }) => labels),
    equation,
  );
  const sizes = sizesOf(named, equation);
  const terms = named.map(diagonal);
  const neededFrom = (i: number): Set<string> =>
    new Set([...output, ...terms.slice(i).flatMap(({ labels }) => labels)]);
  const others = (i: number, acc: Labelled | undefined): Set<string> =>
    new Set([...neededFrom(i + 1), ...(acc?.labels ?? [])]);
  let result: Labelled | undefined;
  for (const [i, term] of terms.entries()) {
    const thin = narrowed(term, others(i, result), sizes);
    result = result === undefined ? thin : contract(result, thin, neededFrom(i + 1), sizes);
  }
  return ordered(result as Labelled, output);
}
