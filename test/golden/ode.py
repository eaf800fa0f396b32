"""Initial value problems by SciPy's DOP853 and Radau at tight tolerances, matrix exponentials by expm, phi functions
by mpmath, and solutions of Bessel's and Airy's equations: what src/ode and src/numerics are compared with."""

import mpmath
import numpy as np
import scipy
from scipy.integrate import quad, solve_ivp
from scipy.linalg import expm
from scipy.special import ai_zeros, airy, jv, jvp, yv, yvp

from store import save


def lotka(t, y):
    return [y[0] * (1.5 - y[1]), y[1] * (y[0] - 3.0)]


def kepler(t, y):
    r3 = (y[0] ** 2 + y[1] ** 2) ** 1.5
    return [y[2], y[3], -y[0] / r3, -y[1] / r3]


def robertson(t, y):
    a, b, c = 0.04 * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
    return [-a + b, a - b - c, c]


def van_der_pol(t, y):
    return [y[1], 1000 * (1 - y[0] ** 2) * y[1] - y[0]]


def make(name):
    arrays = {}
    times = np.linspace(0, 6, 13)
    for label, f, y0 in [("lotka", lotka, [1.0, 1.0]), ("kepler", kepler, [0.6, 0.0, 0.0, 1.5275252316519465])]:
        exact = solve_ivp(f, (0, 6), y0, "DOP853", times, rtol=1e-13, atol=1e-15)
        arrays[f"{label}/exact"] = exact.y.T
        # the same pairs at a loose tolerance: steps, counts and dense output must agree
        for method in ["RK23", "RK45", "DOP853"]:
            loose = solve_ivp(f, (0, 6), y0, method, dense_output=True, rtol=1e-5, atol=1e-8, first_step=0.01)
            arrays[f"{label}/{method}/times"] = loose.t
            arrays[f"{label}/{method}/end"] = loose.y[:, -1]
            middle = (loose.t[3] + loose.t[4]) / 2
            arrays[f"{label}/{method}/dense"] = np.concatenate([[middle], loose.sol(middle)])
    ends = np.array([0.4, 40.0, 4000.0])
    stiff = solve_ivp(robertson, (0, 4000), [1.0, 0.0, 0.0], "Radau", ends, rtol=1e-11, atol=1e-15)
    arrays["robertson"] = stiff.y.T
    vdp = solve_ivp(van_der_pol, (0, 2000), [2.0, 0.0], "Radau", [500.0, 1500.0], rtol=1e-10, atol=1e-12)
    arrays["vanDerPol"] = vdp.y.T
    generator = np.random.default_rng(0)
    for size, scale in [(2, 0.01), (3, 0.2), (4, 1.0), (5, 3.0), (8, 30.0)]:
        matrix = scale * generator.standard_normal((size, size))
        arrays[f"expm/{size}/matrix"] = matrix
        arrays[f"expm/{size}/value"] = expm(matrix)
    mpmath.mp.dps = 40
    matrix = mpmath.matrix([[-2, 1, 0], [0.5, -30, 1], [0, 1, 1e-3]])
    phis = [mpmath.expm(matrix)]
    for k in range(3):
        phis.append(matrix ** -1 * (phis[-1] - mpmath.eye(3) / mpmath.factorial(k)))
    arrays["phi/matrix"] = np.array(matrix.tolist(), dtype=float)
    arrays["phi/value"] = np.array([np.array(p.tolist(), dtype=float) for p in phis])
    x = np.linspace(0.5, 20, 14)
    arrays["bessel"] = np.stack([x, jv(0, x), jvp(0, x), yv(0, x), yvp(0, x), jv(7, x)], axis=1)
    t = np.linspace(-6, 2, 9)
    arrays["airy"] = np.stack([t, *airy(t)], axis=1)
    arrays["airyZeros"] = ai_zeros(3)[0]
    arrays["quad"] = np.array([quad(lambda s: np.exp(-s) * np.cos(9 * s), 0, 3)[0], quad(np.sqrt, 0, 1)[0]])
    save(name, arrays, {"scipy": scipy.__version__})
