// Solutions of the equations of `closed-forms.ts`, to double precision on the intervals used there.

/**
 * J_n(x) of whole order, by Bessel's integral (DLMF 10.9.2): the integrand is periodic and analytic, so the
 * trapezoidal rule is exact to rounding once it has more than about |x| + n + 30 points.
 */
export function besselJ(order: number, x: number): number {
  const count = Math.ceil(Math.abs(x) + order) + 40;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const angle = (2 * Math.PI * i) / count;
    sum += Math.cos(order * angle - x * Math.sin(angle));
  }
  return sum / count;
}

const eulerGamma = 0.5772156649015329;

/** [Y₀(x), Y₀′(x)] for x > 0, by Neumann's series in J_{2k} (DLMF 10.23.17). */
export function besselY0(x: number): [number, number] {
  const log = Math.log(x / 2) + eulerGamma;
  let y = (2 / Math.PI) * log * besselJ(0, x);
  let slope = (2 / Math.PI) * (besselJ(0, x) / x - log * besselJ(1, x));
  const terms = Math.ceil(Math.abs(x) / 2) + 15;
  for (let k = 1; k <= terms; k++) {
    const factor = ((k % 2 === 0 ? -1 : 1) * 4) / (Math.PI * k);
    y += factor * besselJ(2 * k, x);
    slope += (factor * (besselJ(2 * k - 1, x) - besselJ(2 * k + 1, x))) / 2;
  }
  return [y, slope];
}

/**
 * The solution of ÿ = t y with (y, ẏ)(0) = (1, 0) for `power` 0 and (0, 1) for 1, and its derivative, by
 * Maclaurin's series (DLMF 9.4).
 */
export function airySeries(t: number, power: 0 | 1): [number, number] {
  let term = t ** power;
  let y = term;
  let slope: number = power;
  for (let n = power; n < 200; n += 3) {
    // y_{n+3} = y_n/((n+2)(n+3))
    const next = (term * t ** 3) / ((n + 2) * (n + 3));
    y += next;
    slope += (term * t * t) / (n + 2);
    term = next;
  }
  return [y, slope];
}
