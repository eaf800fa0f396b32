// Exact fractions, for the coefficients of expressions.

/** numerator/denominator in lowest terms; the denominator is positive. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

const absolute = (x: bigint): bigint => (x < 0n ? -x : x);

/** The greatest common divisor, at least 0. */
export function commonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [absolute(a), absolute(b)];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

/** n/d in lowest terms; d must not be 0. */
export function rational(n: bigint | number, d: bigint | number = 1n): Rational {
  const [top, bottom] = [BigInt(n), BigInt(d)];
  const divisor = commonDivisor(top, bottom);
  const sign = bottom < 0n ? -1n : 1n;
  return { n: (sign * top) / divisor, d: (sign * bottom) / divisor };
}

export const zero: Rational = { n: 0n, d: 1n };
export const one: Rational = { n: 1n, d: 1n };

export const isZeroRational = ({ n }: Rational): boolean => n === 0n;
export const isInteger = ({ d }: Rational): boolean => d === 1n;
export const addRationals = (a: Rational, b: Rational): Rational =>
  a.d === 1n && b.d === 1n ? { n: a.n + b.n, d: 1n } : rational(a.n * b.d + b.n * a.d, a.d * b.d);
export const multiplyRationals = (a: Rational, b: Rational): Rational =>
  a.d === 1n && b.d === 1n ? { n: a.n * b.n, d: 1n } : rational(a.n * b.n, a.d * b.d);
export const negateRational = ({ n, d }: Rational): Rational => ({ n: -n, d });
/** 1/a; a must not be 0. */
export const invertRational = ({ n, d }: Rational): Rational => rational(d, n);

/** The nearest float64, also where numerator and denominator are beyond its range. */
export function rationalToNumber({ n, d }: Rational): number {
  const [top, bottom] = [Number(n), Number(d)];
  if (Number.isFinite(top) && Number.isFinite(bottom)) return top / bottom;
  const bits = Math.max(n.toString(2).length, d.toString(2).length) - 1000;
  return Number(n >> BigInt(bits)) / Number(d >> BigInt(bits));
}

/** What a decimal literal says, exactly: 0.1 is 1/10. */
export function rationalOfText(text: string): Rational {
  const [, whole = "", fraction = "", power = "0"] =
    /^(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = BigInt(`${whole}${fraction}` || "0");
  const shift = Number(power) - fraction.length;
  return shift >= 0
    ? rational(digits * 10n ** BigInt(shift))
    : rational(digits, 10n ** BigInt(-shift));
}

/** The fraction that a number is, as short as its decimal text. */
export function rationalOfNumber(x: number): Rational {
  const size = rationalOfText(String(Math.abs(x)));
  return x < 0 ? negateRational(size) : size;
}

/** The q-th root of a if it is a fraction again. */
export function exactRoot(a: Rational, q: bigint): Rational | undefined {
  if (a.n < 0n) return undefined;
  const [n, d] = [integerRoot(a.n, q), integerRoot(a.d, q)];
  return n === undefined || d === undefined ? undefined : { n, d };
}

function integerRoot(x: bigint, q: bigint): bigint | undefined {
  const guess = BigInt(Math.round(Number(x) ** (1 / Number(q))));
  for (const candidate of [guess - 1n, guess, guess + 1n]) {
    if (candidate >= 0n && candidate ** q === x) return candidate;
  }
  return undefined;
}
