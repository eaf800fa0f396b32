/**
 * Philox4x32-10, a counter-based generator: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy
 * as 1, 2, 3" (SC 2011). Any block of any stream is computed on its own, so noise needs no stored state:
 * (seed, step, path of the key) address it, and a resumed run sees the same bits.
 */

/** Address of a stream of random numbers. */
export interface Stream {
  /** Non-negative integer below 2⁵³. */
  readonly seed: number;
  /** Which run of the program, below 2³². */
  readonly step: number;
  /** Name of the key. */
  readonly path: string;
}

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** High 32 bits of the product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const al = a & 0xffff;
  const ah = a >>> 16;
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const low = al * bl;
  const mid = ah * bl + (low >>> 16);
  const mid2 = al * bh + (mid & 0xffff);
  return (ah * bh + Math.floor(mid / 0x10000) + (mid2 >>> 16)) >>> 0;
}

/** One block: four 32-bit words from a 128-bit counter and a 64-bit key, written to `out` at `at`. */
export function philoxBlock(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
  out: Uint32Array,
  at = 0,
): void {
  let [x0, x1, x2, x3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const h0 = multiplyHigh(M0, x0 >>> 0);
    const h1 = multiplyHigh(M1, x2 >>> 0);
    const l0 = Math.imul(M0, x0);
    const l1 = Math.imul(M1, x2);
    x0 = h1 ^ x1 ^ k0;
    x1 = l1;
    x2 = h0 ^ x3 ^ k1;
    x3 = l0;
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
  }
  out[at] = x0;
  out[at + 1] = x1;
  out[at + 2] = x2;
  out[at + 3] = x3;
}

/** Two independent 32-bit hashes of a name (FNV-1a with a final mix of MurmurHash3). */
function hashPath(path: string): [number, number] {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x5bd1e995);
    b ^= b >>> 15;
  }
  return [mix(a), mix(b)];
}

function mix(h: number): number {
  let x = h ^ (h >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/** Fills `out` with random 32-bit words of the stream. */
export function fillBits(out: Uint32Array, { seed, step, path }: Stream): void {
  const [hashA, hashB] = hashPath(path);
  const key: [number, number] = [seed | 0, hashB ^ Math.floor(seed / 2 ** 32)];
  const counter: [number, number, number, number] = [0, 0, step | 0, hashA];
  const whole = out.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    counter[0] = i >>> 2;
    philoxBlock(counter, key, out, i);
  }
  if (whole < out.length) {
    const last = new Uint32Array(4);
    counter[0] = whole >>> 2;
    philoxBlock(counter, key, last);
    for (let i = whole; i < out.length; i++) out[i] = last[i - whole] as number;
  }
}

/**
 * Uniform numbers strictly between 0 and 1: (top 23 bits + ½)·2⁻²³. With 24 bits the largest would round
 * to 1 in float32, and log(−log 1) is infinite.
 */
export function fillUniform(out: Float32Array | Float64Array, stream: Stream): void {
  const bits = new Uint32Array(out.length);
  fillBits(bits, stream);
  for (let i = 0; i < out.length; i++) out[i] = (((bits[i] as number) >>> 9) + 0.5) * 2 ** -23;
}

/** Standard normal numbers by the transform of Box and Muller (1958), two from each pair of uniforms. */
export function fillNormal(out: Float32Array | Float64Array, stream: Stream): void {
  const bits = new Uint32Array(out.length + (out.length & 1));
  fillBits(bits, stream);
  for (let i = 0; i < out.length; i += 2) {
    // All 32 bits, shifted by ½ so that the logarithm is finite: tails to 6.6 standard deviations.
    const radius = Math.sqrt(-2 * Math.log(((bits[i] as number) + 0.5) * 2 ** -32));
    const angle = 2 * Math.PI * 2 ** -32 * (bits[i + 1] as number);
    out[i] = radius * Math.cos(angle);
    if (i + 1 < out.length) out[i + 1] = radius * Math.sin(angle);
  }
}

/**
 * 1 with probability `keep` (to within 2⁻¹⁷), else 0. Made for dropout, whose masks outnumber all other
 * random numbers of a training: two to a 32-bit word of a plain hash of the counter, its keys from the
 * stream, about eight times as fast as uniform numbers.
 */
export function fillMask(out: Uint8Array, keep: number, stream: Stream): void {
  const keys = new Uint32Array(2);
  fillBits(keys, stream);
  const [first, second] = keys as unknown as [number, number];
  const threshold = Math.round(keep * 65536);
  for (let i = 0; i < out.length; i += 2) {
    const word = mix((mix((i >>> 1) ^ first) + second) | 0);
    // The sign of the difference: 1 where the 16 bits are below the threshold.
    out[i] = ((word & 0xffff) - threshold) >>> 31;
    out[i + 1] = ((word >>> 16) - threshold) >>> 31;
  }
}

/** A random permutation of 0 … length − 1 (Fisher-Yates), the same for the same stream. */
export function permutation(length: number, stream: Stream): Uint32Array<ArrayBuffer> {
  const bits = new Uint32Array(length);
  fillBits(bits, stream);
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(((bits[i] as number) / 2 ** 32) * (i + 1));
    const swap = order[i] as number;
    order[i] = order[j] as number;
    order[j] = swap;
  }
  return order;
}
