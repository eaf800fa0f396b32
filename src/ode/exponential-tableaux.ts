// Exponential Runge-Kutta methods as data, for ẏ = L y + N(t, y):
//
//   U_i = e^{c_i hL} y + h Σ_j a_ij(hL) N(t + c_j h, U_j),   y₁ = e^{hL} y + h Σ_i b_i(hL) N(t + c_i h, U_i)
//
// Coefficients are sums of φ functions: Cox & Matthews, "Exponential time differencing for stiff systems",
// J. Comput. Phys. 176 (2002), in the notation of Hochbruck & Ostermann, Acta Numerica 19 (2010).

/** factor·φ_k(scale·hL) */
export interface PhiTerm {
  readonly factor: number;
  readonly k: 1 | 2 | 3;
  readonly scale: number;
}

export interface ExponentialTableau {
  readonly name: string;
  readonly order: number;
  readonly nodes: readonly number[];
  /** a_ij, a row a stage, the first empty. */
  readonly stages: readonly (readonly (readonly PhiTerm[])[])[];
  /** b_i */
  readonly weights: readonly (readonly PhiTerm[])[];
}

const phi = (k: 1 | 2 | 3, factor = 1, scale = 1): PhiTerm => ({ factor, k, scale });

/** Equation (4) of Cox & Matthews; exact where N is constant. */
export const etd1: ExponentialTableau = {
  name: "etd1",
  order: 1,
  nodes: [0],
  stages: [[]],
  weights: [[phi(1)]],
};

/** Equations (20)-(22). */
export const etdrk2: ExponentialTableau = {
  name: "etdrk2",
  order: 2,
  nodes: [0, 1],
  stages: [[], [[phi(1)]]],
  weights: [[phi(1), phi(2, -1)], [phi(2)]],
};

/** Equations (23)-(25). */
export const etdrk3: ExponentialTableau = {
  name: "etdrk3",
  order: 3,
  nodes: [0, 1 / 2, 1],
  stages: [[], [[phi(1, 1 / 2, 1 / 2)]], [[phi(1, -1)], [phi(1, 2)]]],
  weights: [
    [phi(1), phi(2, -3), phi(3, 4)],
    [phi(2, 4), phi(3, -8)],
    [phi(2, -1), phi(3, 4)],
  ],
};

/** Equations (26)-(29). */
export const etdrk4: ExponentialTableau = {
  name: "etdrk4",
  order: 4,
  nodes: [0, 1 / 2, 1 / 2, 1],
  stages: [
    [],
    [[phi(1, 1 / 2, 1 / 2)]],
    [[], [phi(1, 1 / 2, 1 / 2)]],
    // φ₁(z/2)(e^{z/2} − 1)/2 = φ₁(z) − φ₁(z/2)
    [[phi(1), phi(1, -1, 1 / 2)], [], [phi(1, 1, 1 / 2)]],
  ],
  weights: [
    [phi(1), phi(2, -3), phi(3, 4)],
    [phi(2, 2), phi(3, -4)],
    [phi(2, 2), phi(3, -4)],
    [phi(2, -1), phi(3, 4)],
  ],
};
