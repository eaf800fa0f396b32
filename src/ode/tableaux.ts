// Explicit methods up to order 5. Coefficients as printed in the sources.
import type { Tableau } from "./tableau.ts";

/** Euler, Institutionum calculi integralis I, 1768: y₁ = y + h f(t, y). */
export const euler: Tableau = {
  name: "euler",
  order: 1,
  nodes: [0],
  stages: [[]],
  weights: [1],
};

/** Heun, Z. Math. Phys. 45 (1900): the trapezoidal rule on Euler's step, which estimates its error. */
export const heun: Tableau = {
  name: "heun",
  order: 2,
  nodes: [0, 1],
  stages: [[], [1]],
  weights: [1 / 2, 1 / 2],
  error: { order: 1, rows: [[-1 / 2, 1 / 2]] },
};

/** Kutta, Z. Math. Phys. 46 (1901): the classical method of order 4. */
export const rungeKutta4: Tableau = {
  name: "rk4",
  order: 4,
  nodes: [0, 1 / 2, 1 / 2, 1],
  stages: [[], [1 / 2], [0, 1 / 2], [0, 0, 1]],
  weights: [1 / 6, 1 / 3, 1 / 3, 1 / 6],
};

/** Bogacki & Shampine, "A 3(2) pair of Runge-Kutta formulas", Appl. Math. Letters 2 (1989). */
export const bogackiShampine: Tableau = {
  name: "bogacki-shampine",
  order: 3,
  nodes: [0, 1 / 2, 3 / 4],
  stages: [[], [1 / 2], [0, 3 / 4]],
  weights: [2 / 9, 1 / 3, 4 / 9],
  error: { order: 2, rows: [[2 / 9 - 7 / 24, 1 / 3 - 1 / 4, 4 / 9 - 1 / 3, -1 / 8]] },
};

/**
 * Dormand & Prince, "A family of embedded Runge-Kutta formulae", J. Comput. Appl. Math. 6 (1980), table 2:
 * RK5(4)7M. Continuous method of order 4: Shampine, "Some practical Runge-Kutta formulas", Math. Comp. 46
 * (1986), with the parameter that is best for the norm of the error.
 */
export const dormandPrince: Tableau = {
  name: "dormand-prince",
  order: 5,
  nodes: [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1],
  stages: [
    [],
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
  ],
  weights: [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
  error: {
    order: 4,
    rows: [[71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40]],
  },
  dense: [
    [1, -8048581381 / 2820520608, 8663915743 / 2820520608, -12715105075 / 11282082432],
    [0],
    [0, 131558114200 / 32700410799, -68118460800 / 10900136933, 87487479700 / 32700410799],
    [0, -1754552775 / 470086768, 14199869525 / 1410260304, -10690763975 / 1880347072],
    [0, 127303824393 / 49829197408, -318862633887 / 49829197408, 701980252875 / 199316789632],
    [0, -282668133 / 205662961, 2019193451 / 616988883, -1453857185 / 822651844],
    [0, 40617522 / 29380423, -110615467 / 29380423, 69997945 / 29380423],
  ],
};
