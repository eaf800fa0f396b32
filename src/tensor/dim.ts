import { ReparamError } from "./error.ts";

/**
 * A size of a tensor's axis: a number, or a `Dim`, an integer expression in named symbols that gets its
 * value when a program runs. One program so serves every batch size, sequence length or image size.
 */
export type Size = number | Dim;
export type Shape = readonly Size[];

/** Values of the symbols for one run. */
export type Bindings = ReadonlyMap<string, number>;

/** Irreducible factor of a term: a symbol, or the floor of an expression over a constant. */
type Atom =
  | { readonly id: string; readonly symbol: string }
  | { readonly id: string; readonly numerator: Dim; readonly denominator: number };

/** coefficient · product of atoms; the constant term has none. */
interface Term {
  readonly coefficient: number;
  readonly atoms: readonly Atom[];
}

const interned = new Map<string, Dim>();

/**
 * A polynomial with integer coefficients in symbols and floor-divisions, kept in a canonical form.
 * Equal expressions are the same object, so sizes compare with `===`.
 */
export class Dim {
  readonly terms: readonly Term[];
  readonly id: string;

  /** Use `dim(name)` and the arithmetic below; the constructor does not intern. */
  constructor(terms: readonly Term[], id: string) {
    this.terms = terms;
    this.id = id;
  }

  toString(): string {
    return this.id;
  }

  toJSON(): string {
    return `<${this.id}>`;
  }
}

const atomsId = (atoms: readonly Atom[]): string => atoms.map((a) => a.id).join("*");

/** Sums terms with equal atoms, drops zeros, and returns a plain number when no symbol is left. */
function canonical(terms: readonly Term[]): Size {
  const sums = new Map<string, Term>();
  for (const { coefficient, atoms } of terms) {
    const sorted = [...atoms].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
    const key = atomsId(sorted);
    const sum = (sums.get(key)?.coefficient ?? 0) + coefficient;
    sums.set(key, { coefficient: sum, atoms: sorted });
  }
  const keys = [...sums.keys()].filter((key) => sums.get(key)?.coefficient !== 0);
  keys.sort((a, b) => (a === "" ? 1 : b === "" ? -1 : a < b ? -1 : 1));
  const kept = keys.map((key) => sums.get(key) as Term);
  if (kept.length === 0) return 0;
  if (kept.length === 1 && kept[0]?.atoms.length === 0) return kept[0].coefficient;
  const id = kept.map(termId).join("+").replaceAll("+-", "-");
  let found = interned.get(id);
  if (found === undefined) {
    found = new Dim(kept, id);
    interned.set(id, found);
  }
  return found;
}

function termId({ coefficient, atoms }: Term): string {
  if (atoms.length === 0) return String(coefficient);
  if (coefficient === 1) return atomsId(atoms);
  return coefficient === -1 ? `-${atomsId(atoms)}` : `${coefficient}*${atomsId(atoms)}`;
}

const termsOf = (size: Size): readonly Term[] =>
  typeof size === "number" ? [{ coefficient: size, atoms: [] }] : size.terms;

/** The named symbol, for example `dim("B")` for a batch of any size. */
export function dim(name: string): Dim {
  if (!/^[A-Za-z_]\w*$/.test(name)) {
    throw new ReparamError(`dim: "${name}" is not a name. Use letters, digits and _.`);
  }
  return canonical([{ coefficient: 1, atoms: [{ id: name, symbol: name }] }]) as Dim;
}

export const addSize = (a: Size, b: Size): Size =>
  typeof a === "number" && typeof b === "number"
    ? a + b
    : canonical([...termsOf(a), ...termsOf(b)]);

export const subSize = (a: Size, b: Size): Size => addSize(a, mulSize(b, -1));

export function mulSize(a: Size, b: Size): Size {
  if (typeof a === "number" && typeof b === "number") return a * b;
  const product: Term[] = [];
  for (const s of termsOf(a)) {
    for (const t of termsOf(b)) {
      product.push({ coefficient: s.coefficient * t.coefficient, atoms: [...s.atoms, ...t.atoms] });
    }
  }
  return canonical(product);
}

/** ⌊a / n⌋ for a constant n > 0; the part divisible by n leaves the floor. */
export function floorDivSize(a: Size, n: number): Size {
  if (typeof a === "number") return Math.floor(a / n);
  if (n === 1) return a;
  const whole = a.terms.filter((t) => t.atoms.length > 0 && t.coefficient % n === 0);
  const rest = canonical(a.terms.filter((t) => !whole.includes(t)));
  const quotient = canonical(whole.map((t) => ({ ...t, coefficient: t.coefficient / n })));
  if (typeof rest === "number") return addSize(quotient, Math.floor(rest / n));
  const atom: Atom = { id: `floor((${rest.id})/${n})`, numerator: rest, denominator: n };
  return addSize(quotient, canonical([{ coefficient: 1, atoms: [atom] }]));
}

/** a / b when it is exact for every value of the symbols (b a number or a single term), else undefined. */
export function divideExactly(a: Size, b: Size): Size | undefined {
  if (a === b) return 1;
  const divisor = termsOf(b);
  const [by] = divisor;
  if (divisor.length !== 1 || by === undefined || by.coefficient === 0) return undefined;
  const quotient: Term[] = [];
  for (const term of termsOf(a)) {
    const atoms = [...term.atoms];
    for (const atom of by.atoms) {
      const at = atoms.findIndex((x) => x.id === atom.id);
      if (at < 0) return undefined;
      atoms.splice(at, 1);
    }
    if (term.coefficient % by.coefficient !== 0) return undefined;
    quotient.push({ coefficient: term.coefficient / by.coefficient, atoms });
  }
  return canonical(quotient);
}

/** Number of elements. */
export const sizeOf = (shape: Shape): Size => shape.reduce<Size>((n, d) => mulSize(n, d), 1);

/** The value of a size under the given bindings. */
export function evaluateSize(size: Size, bindings: Bindings): number {
  if (typeof size === "number") return size;
  let sum = 0;
  for (const { coefficient, atoms } of size.terms) {
    let product = coefficient;
    for (const atom of atoms) {
      if ("symbol" in atom) {
        const value = bindings.get(atom.symbol);
        if (value === undefined) {
          throw new ReparamError(
            `dimension ${atom.symbol} has no value: no input of this program has an axis of that size.`,
          );
        }
        product *= value;
      } else {
        product *= Math.floor(evaluateSize(atom.numerator, bindings) / atom.denominator);
      }
    }
    sum += product;
  }
  return sum;
}

export const evaluateShape = (shape: Shape, bindings: Bindings): number[] =>
  shape.map((size) => evaluateSize(size, bindings));

/** The symbol's name if the size is a bare symbol. */
export function symbolOf(size: Size): string | undefined {
  if (typeof size === "number" || size.terms.length !== 1) return undefined;
  const [term] = size.terms;
  const atom = term?.atoms[0];
  if (term?.coefficient !== 1 || term.atoms.length !== 1 || atom === undefined) return undefined;
  return "symbol" in atom ? atom.symbol : undefined;
}

/**
 * Learns symbols from a concrete shape and checks every other axis against it.
 * Returns a description of the first mismatch, or undefined when the shape fits.
 */
export function bindShape(
  wanted: Shape,
  got: readonly number[],
  bindings: Map<string, number>,
): string | undefined {
  if (wanted.length !== got.length) return `wants ${formatShape(wanted)}, got ${formatShape(got)}`;
  for (const [i, size] of wanted.entries()) {
    const symbol = symbolOf(size);
    if (symbol !== undefined && !bindings.has(symbol)) bindings.set(symbol, got[i] as number);
    if (evaluateSize(size, bindings) !== got[i]) {
      const known = [...bindings].map(([name, value]) => `${name} = ${value}`).join(", ");
      const where = known === "" ? "" : ` with ${known}`;
      return `wants ${formatShape(wanted)}${where}, got ${formatShape(got)}`;
    }
  }
  return undefined;
}

export const formatShape = (shape: Shape): string => `[${shape.map(String).join(", ")}]`;

/** The shape as plain numbers, or undefined if it has symbols. */
export function staticShape(shape: Shape): readonly number[] | undefined {
  return shape.every((d) => typeof d === "number") ? (shape as readonly number[]) : undefined;
}
